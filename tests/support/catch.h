#pragma once

// Catch2 2.13 has one header, 3 has several; nothing else knows which is there.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

#include <absl/status/status.h>

#include <string>

/// What a status check prints when it fails.
inline std::string Describe(const absl::Status& status) { return status.ToString(); }

template <class T>
std::string Describe(const T& status_or) {
  return status_or.status().ToString();
}

#define REQUIRE_OK(expression)               \
  do {                                       \
    const auto& ragpipe_result = (expression); \
    INFO(Describe(ragpipe_result));          \
    REQUIRE(ragpipe_result.ok());            \
  } while (false)

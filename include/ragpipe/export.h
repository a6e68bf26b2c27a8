#pragma once

// GCC and Clang say C++17 when told nothing; without this the first errors are pages about <span> and concepts.
#if __cplusplus < 202002L
#error "ragpipe needs C++20: compile with -std=c++20 (CMake's ragpipe:: targets do)"
#endif

// Everything outside the public headers is compiled with hidden visibility; this marks what hosts may call.
#if defined(__GNUC__)
#define RAGPIPE_EXPORT __attribute__((visibility("default")))
#else
#define RAGPIPE_EXPORT
#endif

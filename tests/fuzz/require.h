#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the program with the law that is broken; libFuzzer then keeps the input.
#define FUZZ_REQUIRE(law)                                                    \
  do {                                                                       \
    if (!(law)) {                                                            \
      std::fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #law); \
      std::abort();                                                          \
    }                                                                        \
  } while (false)

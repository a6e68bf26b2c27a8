#pragma once

// Everything outside the public headers is compiled with hidden visibility; this marks what hosts may call.
#if defined(__GNUC__)
#define RAGPIPE_EXPORT __attribute__((visibility("default")))
#else
#define RAGPIPE_EXPORT
#endif

#pragma once

#include <cstddef>
#include <cstdlib>  // tells which library this is

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace ragpipe::internal {

/// Called before a document of this size is read, and after what it or its division took was freed. glibc keeps freed blocks of
/// up to 32 MB for the next that fit, in several heaps: beside large documents that is half as much again as is in use. For
/// small ones it is little, and asking costs more than it frees.
inline void ReturnFreeMemory([[maybe_unused]] std::size_t document_bytes) {
#ifdef __GLIBC__
  constexpr std::size_t kLargeDocumentBytes = std::size_t{4} << 20;
  if (document_bytes >= kLargeDocumentBytes) malloc_trim(0);
#endif
}

}  // namespace ragpipe::internal

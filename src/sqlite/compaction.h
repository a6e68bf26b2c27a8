#pragma once

#include <absl/status/status.h>

#include "sqlite/writer.h"

namespace ragpipe::sqlite {

/// Writes the file anew without what was deleted or replaced: rows of vectors that nobody owns become zeros, the full-text
/// index, which keeps the words of a deleted row until it happens to merge them away, is built from the rows, VACUUM copies
/// what is live, and the copy takes the place of the log and of the file. As Store::Compact() says.
absl::Status Compact(Writer& writer);

}  // namespace ragpipe::sqlite

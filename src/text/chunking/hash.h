#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ragpipe::text::internal {

/// How many bytes on each side of a boundary its hash depends on: enough to tell most boundaries from those near them, and so
/// few that most edits lie elsewhere.
constexpr std::size_t kHashedBytes = 8;

/// A hash of the bytes around `offset`: those before it and those after it, the end of the text told from a zero byte by their
/// number. The same on every platform.
std::uint64_t HashAround(std::string_view text, std::size_t offset);

}  // namespace ragpipe::text::internal

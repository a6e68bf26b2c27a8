#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ragpipe::sqlite {

/// Which generation is which: the content of the file CURRENT. Generations are numbers.
struct Current {
  std::uint64_t live = 0;
  std::optional<std::uint64_t> candidate;
  std::optional<std::uint64_t> previous;
  std::uint64_t newest = 0;  ///< the last number that was given away

  bool Names(std::uint64_t generation) const { return live == generation || candidate == generation || previous == generation; }

  friend bool operator==(const Current&, const Current&) = default;
};

std::string CurrentPath(const std::string& folder);
std::string GenerationPath(const std::string& folder, std::uint64_t generation);

/// The number in the name of a file of a generation, of its database or beside it; empty = the file belongs to none.
std::optional<std::uint64_t> GenerationOf(std::string_view file_name);

/// The text of the file; reading it gives what was written, or nothing for any other text.
std::string FormatCurrent(const Current& current);
std::optional<Current> ParseCurrent(std::string_view text);

/// Errors: kNotFound where the file does not exist, kDataLoss where it is damaged.
absl::StatusOr<Current> ReadCurrent(const std::string& folder);

/// Replaces the file as a whole, durable when it returns OK.
absl::Status WriteCurrent(const std::string& folder, const Current& current);

}  // namespace ragpipe::sqlite

#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ragpipe::fs {

/// Globs on relative paths with '/' between parts, matched all at once: linear in the path for any pattern.
///   `*` any characters of one part      `?` one character of a part     `[a-z]`, `[!a-z]` one character of a set
///   `**` alone between slashes: any number of parts; at the end: everything below
///   `{md,txt}` alternatives, also nested     `\` takes the special meaning of the next character
///   a slash at the end stands for `/**`
/// Characters are code points; a byte that is not UTF-8 is a character of its own that only wildcards match.
///
/// A walk matches every directory once and its entries from there: a State is what has been matched of each pattern.
class GlobSet {
 public:
  using State = std::vector<std::uint64_t>;  ///< a bit for each op that may come next

  /// Errors: kInvalidArgument for a glob that does not parse or can never match.
  static absl::StatusOr<GlobSet> Compile(std::span<const std::string> globs);

  bool Matches(std::string_view path) const;

  State Start() const;
  void Advance(State& state, std::string_view text) const;  ///< `text` ends with a whole character
  bool Accepts(const State& state) const;                   ///< the path so far matches
  bool AcceptsEverythingBelow(const State& state) const;    ///< whatever follows matches
  static bool IsDead(const State& state);                   ///< nothing that follows matches

 private:
  struct Op {
    enum class Kind : std::uint8_t {
      kLiteral,
      kAny,         // `?`
      kSet,         // `[...]`
      kStar,        // `*`
      kParts,       // `**/` before a part; the next op is its kInsidePart
      kInsidePart,  // `**/` within a part
      kRest,        // `**` at the end: one character or more; the next op is its kEverything
      kEverything,
      kEnd,
    };
    Kind kind;
    bool negated = false;
    char32_t character = 0;
    std::vector<std::pair<char32_t, char32_t>> ranges = {};
  };

  absl::Status AddPattern(std::string_view pattern);
  void Add(State& state, std::size_t op) const;  ///< and all that follows it without a character
  void Step(const State& from, char32_t character, State& to) const;

  std::vector<Op> ops_;
  std::vector<std::size_t> starts_;
};

}  // namespace ragpipe::fs

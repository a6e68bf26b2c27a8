#include "fs/glob.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "core/utf8.h"

namespace ragpipe::fs {
namespace {

constexpr std::size_t kMaxGlobBytes = 4096;
constexpr std::size_t kMaxAlternatives = 1024;
constexpr std::size_t kMaxOps = std::size_t{1} << 16;
constexpr char32_t kInvalidByte = 0x110000;  // above all code points

absl::Status BadGlob(std::string_view glob, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("the glob '{}' {}", glob, why));
}

/// Takes one character from the front of `text`, which is not empty.
char32_t TakeCharacter(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) {
    text.remove_prefix(1);
    return lead;
  }
  const std::size_t length = internal::Utf8SequenceLength(text);
  if (length == 0) {
    text.remove_prefix(1);
    return kInvalidByte + lead;
  }
  char32_t character = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) character = (character << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  text.remove_prefix(length);
  return character;
}

/// The offset after the set that begins at `begin`, or npos when it does not end.
std::size_t SkipSet(std::string_view pattern, std::size_t begin) {
  std::size_t i = begin + 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  for (bool first = true; i < pattern.size(); ++i, first = false) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == ']' && !first) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

/// The first brace group outside of sets.
struct Braces {
  std::size_t begin = std::string_view::npos;  // of '{'; npos = there is none
  std::size_t end = 0;                         // after '}'
  std::vector<std::string_view> alternatives;
};

absl::StatusOr<Braces> FindBraces(std::string_view pattern) {
  Braces braces;
  std::size_t depth = 0;
  std::size_t alternative = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    switch (pattern[i]) {
      case '\\':
        ++i;
        break;
      case '[': {
        const std::size_t end = SkipSet(pattern, i);
        if (end == std::string_view::npos) return absl::InvalidArgumentError("has a '[' without its ']'");
        i = end - 1;
        break;
      }
      case '{':
        if (depth++ == 0) {
          braces.begin = i;
          alternative = i + 1;
        }
        break;
      case ',':
        if (depth == 1) {
          braces.alternatives.push_back(pattern.substr(alternative, i - alternative));
          alternative = i + 1;
        }
        break;
      case '}':
        if (depth == 0) return absl::InvalidArgumentError("has a '}' without its '{'");
        if (--depth == 0) {
          braces.alternatives.push_back(pattern.substr(alternative, i - alternative));
          braces.end = i + 1;
          return braces;
        }
        break;
      default:
        break;
    }
  }
  if (depth != 0) return absl::InvalidArgumentError("has a '{' without its '}'");
  return braces;
}

absl::StatusOr<std::vector<std::string>> ExpandBraces(const std::string& glob) {
  std::vector<std::string> expanded;
  std::vector<std::string> pending = {glob};
  while (!pending.empty()) {
    const std::string pattern = std::move(pending.back());
    pending.pop_back();
    RAGPIPE_ASSIGN_OR_RETURN(const Braces braces, FindBraces(pattern));
    if (braces.begin == std::string_view::npos) {
      expanded.push_back(pattern);
    } else {
      for (const std::string_view alternative : braces.alternatives) {
        pending.push_back(fmt::format("{}{}{}", pattern.substr(0, braces.begin), alternative, pattern.substr(braces.end)));
      }
    }
    if (expanded.size() + pending.size() > kMaxAlternatives) {
      return absl::InvalidArgumentError(fmt::format("has more than {} alternatives", kMaxAlternatives));
    }
  }
  return expanded;
}

/// Why the path that the pattern describes cannot exist; empty when it can.
std::string_view WhyNeverMatches(std::string_view pattern) {
  if (pattern.empty()) return "is empty, also in one of its alternatives; to list everything use '**'";
  if (pattern.front() == '/') return "begins with '/'; globs are relative to the root";
  for (std::size_t begin = 0; begin <= pattern.size();) {
    const std::size_t end = std::min(pattern.find('/', begin), pattern.size());
    const std::string_view part = pattern.substr(begin, end - begin);
    if (part == "." || part == "..") return "has a part '.' or '..', which no path below the root has";
    if (part.empty() && end != pattern.size()) return "has an empty part ('//')";
    begin = end + 1;
  }
  return {};
}

}  // namespace

absl::StatusOr<GlobSet> GlobSet::Compile(std::span<const std::string> globs) {
  GlobSet set;
  for (const std::string& glob : globs) {
    if (glob.size() > kMaxGlobBytes) {
      return absl::InvalidArgumentError(fmt::format("a glob has {} bytes; at most {} are allowed", glob.size(), kMaxGlobBytes));
    }
    auto patterns = ExpandBraces(glob);
    if (!patterns.ok()) return BadGlob(glob, std::string(patterns.status().message()));
    for (const std::string& pattern : *patterns) {
      if (const std::string_view why = WhyNeverMatches(pattern); !why.empty()) return BadGlob(glob, why);
      if (absl::Status status = set.AddPattern(pattern); !status.ok()) return BadGlob(glob, std::string(status.message()));
    }
    if (set.ops_.size() > kMaxOps) return BadGlob(glob, "is too long together with the others; use fewer alternatives");
  }
  return set;
}

absl::Status GlobSet::AddPattern(std::string_view pattern) {
  using Kind = Op::Kind;
  starts_.push_back(ops_.size());
  bool part_begins = true;
  while (!pattern.empty()) {
    const bool begins = std::exchange(part_begins, false);
    const std::string_view at = pattern;
    const char32_t character = TakeCharacter(pattern);
    if (begins && (at == "**" || at == "**/" || at == "**/*" || at == "**/**")) {
      ops_.push_back({.kind = Kind::kRest});
      ops_.push_back({.kind = Kind::kEverything});
      return absl::OkStatus();
    }
    if (begins && at.starts_with("**/")) {
      pattern = at.substr(3);
      part_begins = true;
      if (pattern.starts_with("**/")) continue;  // the same again
      ops_.push_back({.kind = Kind::kParts});
      ops_.push_back({.kind = Kind::kInsidePart});
    } else if (character == '*') {
      if (pattern.starts_with('*')) {
        return absl::InvalidArgumentError("has '**' beside other characters; it stands alone between slashes, as in '**/*.md'");
      }
      ops_.push_back({.kind = Kind::kStar});
    } else if (character == '?') {
      ops_.push_back({.kind = Kind::kAny});
    } else if (character == '[') {
      Op op{.kind = Kind::kSet};
      const std::size_t end = SkipSet(at, 0);
      if (end == std::string_view::npos) return absl::InvalidArgumentError("has a '[' without its ']'");
      std::string_view members = at.substr(1, end - 2);
      if (members.starts_with('!') || members.starts_with('^')) {
        op.negated = true;
        members.remove_prefix(1);
      }
      if (members.find("[:") != std::string_view::npos) {
        return absl::InvalidArgumentError("has a character class such as '[:alpha:]'; write the ranges: '[a-zA-Z]'");
      }
      while (!members.empty()) {
        char32_t low = TakeCharacter(members);
        if (low == '\\' && !members.empty()) low = TakeCharacter(members);
        char32_t high = low;
        if (members.size() >= 2 && members.front() == '-') {
          members.remove_prefix(1);
          high = TakeCharacter(members);
          if (high == '\\' && !members.empty()) high = TakeCharacter(members);
        }
        if (low > high) return absl::InvalidArgumentError("has a range whose end is before its beginning");
        if (low == '/' || high == '/') return absl::InvalidArgumentError("has a '/' in a set, which never matches");
        op.ranges.emplace_back(low, high);
      }
      ops_.push_back(std::move(op));
      pattern = at.substr(end);
    } else {
      char32_t literal = character;
      if (literal == '\\') {
        if (pattern.empty()) return absl::InvalidArgumentError("ends with a single '\\'");
        literal = TakeCharacter(pattern);
      }
      ops_.push_back({.kind = Kind::kLiteral, .character = literal});
      part_begins = literal == '/';
    }
  }
  if (part_begins) {  // a slash at the end
    ops_.push_back({.kind = Kind::kRest});
    ops_.push_back({.kind = Kind::kEverything});
    return absl::OkStatus();
  }
  ops_.push_back({.kind = Kind::kEnd});
  return absl::OkStatus();
}

void GlobSet::Add(State& state, std::size_t op) const {
  while (true) {
    state[op / 64] |= std::uint64_t{1} << (op % 64);
    if (ops_[op].kind == Op::Kind::kStar) {
      op += 1;
    } else if (ops_[op].kind == Op::Kind::kParts) {
      op += 2;
    } else {
      return;
    }
  }
}

void GlobSet::Step(const State& from, char32_t character, State& to) const {
  using Kind = Op::Kind;
  const bool in_part = character != '/';
  for (std::size_t word = 0; word < from.size(); ++word) {
    for (std::uint64_t bits = from[word]; bits != 0; bits &= bits - 1) {
      const std::size_t i = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      const Op& op = ops_[i];
      switch (op.kind) {
        case Kind::kLiteral:
          if (character == op.character) Add(to, i + 1);
          break;
        case Kind::kAny:
          if (in_part) Add(to, i + 1);
          break;
        case Kind::kSet: {
          const bool found = std::any_of(op.ranges.begin(), op.ranges.end(), [character](const auto& range) {
            return character >= range.first && character <= range.second;
          });
          if (in_part && found != op.negated) Add(to, i + 1);
          break;
        }
        case Kind::kStar:
          if (in_part) Add(to, i);
          break;
        case Kind::kParts:
          if (in_part) Add(to, i + 1);
          break;
        case Kind::kInsidePart:
          Add(to, in_part ? i : i - 1);
          break;
        case Kind::kRest:
          Add(to, i + 1);
          break;
        case Kind::kEverything:
          Add(to, i);
          break;
        case Kind::kEnd:
          break;
      }
    }
  }
}

GlobSet::State GlobSet::Start() const {
  State state((ops_.size() + 63) / 64);
  for (const std::size_t start : starts_) Add(state, start);
  return state;
}

void GlobSet::Advance(State& state, std::string_view text) const {
  State next(state.size());
  while (!text.empty() && !IsDead(state)) {
    std::fill(next.begin(), next.end(), 0);
    Step(state, TakeCharacter(text), next);
    state.swap(next);
  }
}

bool GlobSet::Accepts(const State& state) const {
  for (std::size_t word = 0; word < state.size(); ++word) {
    for (std::uint64_t bits = state[word]; bits != 0; bits &= bits - 1) {
      const Op::Kind kind = ops_[word * 64 + static_cast<std::size_t>(std::countr_zero(bits))].kind;
      if (kind == Op::Kind::kEnd || kind == Op::Kind::kEverything) return true;
    }
  }
  return false;
}

bool GlobSet::AcceptsEverythingBelow(const State& state) const {
  for (std::size_t word = 0; word < state.size(); ++word) {
    for (std::uint64_t bits = state[word]; bits != 0; bits &= bits - 1) {
      const Op::Kind kind = ops_[word * 64 + static_cast<std::size_t>(std::countr_zero(bits))].kind;
      if (kind == Op::Kind::kRest || kind == Op::Kind::kEverything) return true;
    }
  }
  return false;
}

bool GlobSet::IsDead(const State& state) {
  return std::all_of(state.begin(), state.end(), [](std::uint64_t word) { return word == 0; });
}

bool GlobSet::Matches(std::string_view path) const {
  State state = Start();
  Advance(state, path);
  return Accepts(state);
}

}  // namespace ragpipe::fs

#include "text/chunking/divider.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/status_macros.h"
#include "text/chunking/hash.h"
#include "text/chunking/sentences.h"

namespace ragpipe::text::internal {
namespace {

constexpr int kRounds = 3;  // of dropping cuts; the radius in the header of ContentDefinedChunker follows from it
constexpr std::size_t kNone = SIZE_MAX;
constexpr Level kLevels[] = {Level::kParagraph, Level::kLine, Level::kSentence, Level::kWord, Level::kGrapheme, Level::kForced};

}  // namespace

absl::StatusOr<std::vector<std::size_t>> Divider::Divide(ByteRange range) {
  cuts_.clear();
  RAGPIPE_RETURN_IF_ERROR(DivideAtLevel(range, kLevels, {.offset = range.end, .level = Level::kHeading1}));
  for (int round = 0; round < kRounds; ++round) DropLowest();
  std::vector<std::size_t> ends;
  ends.reserve(cuts_.size());
  for (const Cut& cut : cuts_) ends.push_back(cut.offset);
  return ends;
}

absl::Status Divider::DivideAtLevel(ByteRange range, const Level* level, const Cut& at_end) {
  if (Fits(range)) {
    cuts_.push_back(at_end);
    return absl::OkStatus();
  }
  for (; level != std::end(kLevels); ++level) {
    if (*level == Level::kForced && FitsWithoutOverlap(range)) break;  // one grapheme cluster
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Cut> cuts, CutsInside(range, *level));
    if (!cuts.empty()) return DivideAt(range, cuts, level + 1, at_end);
  }
  if (FitsWithoutOverlap(range)) {
    cuts_.push_back(at_end);
    return absl::OkStatus();
  }
  return absl::OutOfRangeError(
      fmt::format("the character at byte {} takes {} tokens, more than max_tokens = {}; raise max_tokens",
                  offset_ + range.begin, counter_.Count(range), max_tokens_));
}

absl::StatusOr<std::vector<Divider::Cut>> Divider::CutsInside(ByteRange range, Level level) {
  std::vector<Cut> cuts;
  const std::string_view unit = text_.substr(0, range.end);
  auto add = [&](std::size_t offset) {
    if (offset <= range.begin || offset >= range.end) return;
    cuts.push_back({offset, level, HashAround(text_, offset), 0});
  };
  switch (level) {
    case Level::kParagraph:
    case Level::kLine:
      for (std::size_t at = range.begin; at < range.end;) {
        const std::size_t line_end = LineEnd(unit, SkipBlankLines(unit, at));
        at = SkipBlankLines(unit, line_end);
        if (level == Level::kLine || at > line_end) add(at);
      }
      break;
    case Level::kSentence:
      for (SentenceScan scan(unit.substr(range.begin)); true;) {
        const std::size_t at = range.begin + scan.Next();
        if (at >= range.end) break;
        if (!IsSpaceAt(unit, at) && IsSafeCut(text_, at)) add(at);
      }
      break;
    case Level::kGrapheme:
      RAGPIPE_RETURN_IF_ERROR(clusters_.Start(unit.substr(range.begin)));
      for (std::size_t at = range.begin; at < range.end; at = range.begin + clusters_.Next()) add(at);
      break;
    default:
      for (std::size_t at = range.begin; at < range.end; at = NextCodePoint(unit, at)) {
        if (level != Level::kWord || IsWordStart(text_, at)) add(at);
      }
  }
  // Equal hashes: a ruler over the series they form, so that its middle is highest, as in a balanced tree.
  absl::flat_hash_map<std::uint64_t, std::pair<std::size_t, std::uint32_t>> last;  // offset and number
  for (Cut& cut : cuts) {
    auto [seen, is_new] = last.try_emplace(cut.hash, cut.offset, 1);
    if (!is_new) {
      auto& [offset, number] = seen->second;
      number = Fits({offset, cut.offset}) ? number + 1 : 1;
      offset = cut.offset;
    }
    cut.tie = seen->second.second & (~seen->second.second + 1);  // its lowest bit
  }
  return cuts;
}

absl::StatusOr<bool> Divider::IsInSeries(ByteRange range, std::size_t offset) {
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Cut> lines, CutsInside(range, Level::kLine));
  absl::flat_hash_map<std::uint64_t, std::size_t> last_before;
  for (const Cut& line : lines) {
    if (line.offset <= offset) {  // at the front of a text there is no cut to be numbered
      last_before[line.hash] = line.offset;
      continue;
    }
    const auto before = last_before.find(line.hash);
    if (before == last_before.end()) continue;
    if (Fits({before->second, line.offset})) return true;
    last_before.erase(before);
  }
  return false;
}

// Divides at the highest cut, and so on until the parts fit: the parts are found in a Cartesian tree of the cuts (Vuillemin
// 1980), which one pass builds.
absl::Status Divider::DivideAt(ByteRange range, const std::vector<Cut>& cuts, const Level* below, const Cut& at_end) {
  std::vector<std::size_t> left(cuts.size(), kNone);
  std::vector<std::size_t> right(cuts.size(), kNone);
  std::vector<std::size_t> spine;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    std::size_t below_i = kNone;
    while (!spine.empty() && cuts[spine.back()].priority() < cuts[i].priority()) {
      below_i = spine.back();
      spine.pop_back();
    }
    left[i] = below_i;
    if (!spine.empty()) right[spine.back()] = i;
    spine.push_back(i);
  }
  struct Part {
    ByteRange range;
    std::size_t node = kNone;
    const Cut* at_end = nullptr;
  };
  std::vector<Part> parts = {{range, spine.front(), &at_end}};
  while (!parts.empty()) {
    const Part part = parts.back();
    parts.pop_back();
    if (part.node == kNone) {
      RAGPIPE_RETURN_IF_ERROR(DivideAtLevel(part.range, below, *part.at_end));
    } else if (Fits(part.range)) {
      cuts_.push_back(*part.at_end);
    } else {
      const Cut& cut = cuts[part.node];
      parts.push_back({{cut.offset, part.range.end}, right[part.node], part.at_end});
      parts.push_back({{part.range.begin, cut.offset}, left[part.node], &cut});
    }
  }
  return absl::OkStatus();
}

void Divider::DropLowest() {
  std::vector<Cut> kept;
  std::size_t begin = 0;  // of the chunk that ends at cut i
  for (std::size_t i = 0; i < cuts_.size(); ++i) {
    const bool is_last = i + 1 == cuts_.size();
    const bool above_left = i > 0 && cuts_[i - 1].priority() <= cuts_[i].priority();
    const bool above_right = !is_last && i + 2 < cuts_.size() && cuts_[i + 1].priority() <= cuts_[i].priority();
    const bool dropped = !is_last && !above_left && !above_right && Fits({begin, cuts_[i + 1].offset});
    if (!dropped) kept.push_back(cuts_[i]);
    begin = cuts_[i].offset;
  }
  cuts_ = std::move(kept);
}

}  // namespace ragpipe::text::internal

#include "ragpipe/text/content_defined_chunker.h"

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>

#include "core/status_macros.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/chunker_options.h"
#include "text/chunking/hash.h"
#include "text/chunking/overlap.h"
#include "text/chunking/sentences.h"

namespace ragpipe::text {
namespace {

using internal::Level;

constexpr int kRounds = 3;  // of dropping cuts; the radius in the header follows from it
constexpr std::size_t kNone = SIZE_MAX;
constexpr Level kLevels[] = {Level::kParagraph, Level::kLine, Level::kSentence, Level::kWord, Level::kGrapheme, Level::kForced};

internal::Limits LimitsOf(const ContentDefinedChunkerOptions& options) {
  return {.max_tokens = options.max_tokens, .max_bytes = options.max_bytes, .overlap_tokens = options.overlap_tokens};
}

// What a chunk's own bytes may have.
internal::Limits OwnLimitsOf(const ContentDefinedChunkerOptions& options) {
  return {.max_tokens = options.max_tokens - options.overlap_tokens, .max_bytes = options.max_bytes};
}

struct Cut {
  std::size_t offset = 0;
  Level level = Level::kForced;
  std::uint64_t hash = 0;
  std::uint32_t tie = 0;  // among equal hashes

  auto priority() const { return std::tuple(level, hash, tie); }
};

class Divider {
 public:
  // `limits` hold for own bytes; `max_tokens` for what cannot be divided.
  Divider(std::string_view text, const RangeCounter& counter, const internal::Limits& limits, std::size_t max_tokens)
      : text_(text), counter_(counter), limits_(limits), max_tokens_(max_tokens) {}

  absl::Status Divide(ByteRange range, const Level* level, const Cut& at_end) {
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
        fmt::format("the character at byte {} takes {} tokens, more than max_tokens = {}; raise max_tokens", range.begin,
                    counter_.Count(range), max_tokens_));
  }

  // The ends of the chunks.
  std::vector<Cut> Take() {
    for (int round = 0; round < kRounds; ++round) DropLowest();
    return std::move(cuts_);
  }

 private:
  bool Fits(ByteRange range) const { return range.size() <= limits_.max_bytes && counter_.Count(range) <= limits_.max_tokens; }
  bool FitsWithoutOverlap(ByteRange range) const {
    return range.size() <= limits_.max_bytes && counter_.Count(range) <= max_tokens_;
  }

  absl::StatusOr<std::vector<Cut>> CutsInside(ByteRange range, Level level);
  absl::Status DivideAt(ByteRange range, const std::vector<Cut>& cuts, const Level* below, const Cut& at_end);
  void DropLowest();

  std::string_view text_;
  const RangeCounter& counter_;
  const internal::Limits limits_;
  const std::size_t max_tokens_;
  internal::BoundaryScan clusters_{UBRK_CHARACTER};
  std::vector<Cut> cuts_;  // the end of the text is the last
};

absl::StatusOr<std::vector<Cut>> Divider::CutsInside(ByteRange range, Level level) {
  std::vector<Cut> cuts;
  const std::string_view unit = text_.substr(0, range.end);
  auto add = [&](std::size_t offset) {
    if (offset <= range.begin || offset >= range.end) return;
    cuts.push_back({offset, level, internal::HashAround(text_, offset), 0});
  };
  switch (level) {
    case Level::kParagraph:
    case Level::kLine:
      for (std::size_t at = range.begin; at < range.end;) {
        const std::size_t line_end = internal::LineEnd(unit, internal::SkipBlankLines(unit, at));
        at = internal::SkipBlankLines(unit, line_end);
        if (level == Level::kLine || at > line_end) add(at);
      }
      break;
    case Level::kSentence:
      for (internal::SentenceScan scan(unit.substr(range.begin)); true;) {
        const std::size_t at = range.begin + scan.Next();
        if (at >= range.end) break;
        if (!internal::IsSpaceAt(unit, at) && internal::IsSafeCut(text_, at)) add(at);
      }
      break;
    case Level::kGrapheme:
      RAGPIPE_RETURN_IF_ERROR(clusters_.Start(unit.substr(range.begin)));
      for (std::size_t at = range.begin; at < range.end; at = range.begin + clusters_.Next()) add(at);
      break;
    default:
      for (std::size_t at = range.begin; at < range.end; at = internal::NextCodePoint(unit, at)) {
        if (level != Level::kWord || internal::IsWordStart(text_, at)) add(at);
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
      RAGPIPE_RETURN_IF_ERROR(Divide(part.range, below, *part.at_end));
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

}  // namespace

absl::StatusOr<ContentDefinedChunker> ContentDefinedChunker::Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                                    ContentDefinedChunkerOptions options) {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckLimits("ContentDefinedChunker", tokenizer.get(), LimitsOf(options)));
  return ContentDefinedChunker(std::move(tokenizer), options);
}

ContentDefinedChunker::ContentDefinedChunker(std::shared_ptr<const Tokenizer> tokenizer, ContentDefinedChunkerOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

absl::StatusOr<std::vector<Chunk>> ContentDefinedChunker::Split(const Document& document) const {
  const std::string_view text = document.text;
  RAGPIPE_RETURN_IF_ERROR(internal::CheckText("ContentDefinedChunker", text));
  std::vector<Chunk> chunks;
  if (text.empty()) return chunks;
  const std::unique_ptr<RangeCounter> counter = tokenizer_->CountRanges(text);
  Divider divider(text, *counter, OwnLimitsOf(options_), options_.max_tokens);
  RAGPIPE_RETURN_IF_ERROR(divider.Divide({0, text.size()}, kLevels, {.offset = text.size(), .level = Level::kHeading1}));
  std::size_t begin = 0;
  for (const Cut& cut : divider.Take()) {
    Chunk chunk;
    chunk.range = {begin, cut.offset};
    chunk.tokens_are_estimated = !tokenizer_->is_exact();
    for (std::size_t limit = chunks.empty() ? 0 : options_.overlap_tokens; limit > 0; limit /= 2) {
      chunk.overlap = internal::FindOverlap(text, *counter, chunks.back().range, limit, internal::OverlapUnit::kWords).bytes;
      chunk.tokens = counter->Count({begin - chunk.overlap, cut.offset});
      if (chunk.tokens <= options_.max_tokens) break;
      chunk.overlap = 0;  // the whole is more than the sum
    }
    if (chunk.overlap == 0) chunk.tokens = counter->Count(chunk.range);
    begin = cut.offset;
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

std::string ContentDefinedChunker::Fingerprint() const {
  return fmt::format("ragpipe.content_defined/1({},{})", internal::LimitsFingerprint(LimitsOf(options_)),
                     internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text

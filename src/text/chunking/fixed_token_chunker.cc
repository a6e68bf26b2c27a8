#include "ragpipe/text/fixed_token_chunker.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/status_macros.h"
#include "core/utf8.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/chunker_options.h"
#include "text/chunking/seams.h"
#include "text/chunking/windows.h"

namespace ragpipe::text {
namespace {

internal::Limits LimitsOf(const FixedTokenChunkerOptions& options) {
  return {.max_tokens = options.max_tokens, .max_bytes = options.max_bytes, .overlap_tokens = options.overlap_tokens};
}

// What is known of a text that comes in parts. Offsets are from the begin of the last chunk that was taken.
struct Boundaries {
  std::vector<std::size_t> offsets;  // where tokens begin and a cut divides nothing, in order; the end of the text is the last
  std::size_t end = 0;               // of what is encoded
};

// Where the last line begins whose tokens do not depend on what stands before it, behind `begin`; `begin` where there is none.
std::size_t LastTokenFront(std::string_view text, std::size_t begin) {
  for (std::size_t end = text.size(); end > begin;) {
    const std::size_t newline = text.substr(0, end).rfind('\n');
    if (newline == std::string_view::npos || newline < begin) break;
    if (internal::IsTokenFront(text, newline + 1)) return newline + 1;
    end = newline;
  }
  return begin;
}

class WindowSplitter {
 public:
  WindowSplitter(const internal::Window& window, const Tokenizer& tokenizer, const FixedTokenChunkerOptions& options,
                 const Boundaries& known)
      : window_(window),
        text_(window.text),
        origin_(window.before != nullptr ? window.before->range.begin : 0),
        options_(options),
        exact_(tokenizer.is_exact()),
        counter_(tokenizer.CountRanges(window.text)) {
    boundaries_.reserve(known.offsets.size());
    for (const std::size_t offset : known.offsets) boundaries_.push_back(origin_ + offset);
    const std::size_t begin = origin_ + known.end;
    encoded_end_ = window.is_last ? text_.size() : LastTokenFront(text_, begin);
    AddBoundaries(tokenizer, begin);
  }

  // Its chunks are those of the whole text; the next window may begin behind those that end with a token.
  absl::StatusOr<internal::WindowChunks> Split() {
    internal::WindowChunks result;
    std::vector<Chunk>& chunks = result.chunks;
    for (std::size_t begin = window_.begin; begin < text_.size() && KnowsNext(begin);) {
      const Chunk* const before = chunks.empty() ? window_.before : &chunks.back();
      const std::size_t previous = before != nullptr ? before->range.begin : begin;
      std::size_t from = OverlapBegin(previous, begin);
      std::size_t end = WindowEnd(from, begin);
      if (end == begin) end = WindowEnd(from = begin, begin);  // the overlap gives way
      if (end == begin) RAGPIPE_RETURN_IF_ERROR(ForceEnd(begin, end));
      chunks.push_back({.range = {begin, end},
                        .overlap = begin - from,
                        .tokens = counter_->Count({from, end}),
                        .tokens_are_estimated = !exact_});
      begin = end;
      if (std::binary_search(boundaries_.begin(), boundaries_.end(), end)) result.certain.chunks = chunks.size();
    }
    return result;
  }

  // For the window that begins behind the chunk `last`; for one that begins with this window where that is null.
  Boundaries KnownBehind(const Chunk* last) const {
    const std::size_t origin = last != nullptr ? last->range.begin : origin_;
    Boundaries known{.offsets = {}, .end = encoded_end_ - origin};
    for (auto at = std::lower_bound(boundaries_.begin(), boundaries_.end(), origin); at != boundaries_.end(); ++at) {
      known.offsets.push_back(*at - origin);
    }
    return known;
  }

 private:
  void AddBoundaries(const Tokenizer& tokenizer, std::size_t begin) {
    // With the first character of what follows, on which the white space before it depends.
    const std::size_t end = encoded_end_ < text_.size() ? internal::NextCodePoint(text_, encoded_end_) : encoded_end_;
    std::vector<Token> tokens;
    if (begin < encoded_end_) tokenizer.Encode(text_.substr(begin, end - begin), tokens);
    for (const Token& token : tokens) {
      const std::size_t at = begin + token.range.begin;
      if (at == 0 || at >= encoded_end_ || (!boundaries_.empty() && at <= boundaries_.back())) continue;
      if (ragpipe::internal::IsCodePointBoundary(text_, at) && internal::IsSafeCut(text_, at)) boundaries_.push_back(at);
    }
    if (window_.is_last) boundaries_.push_back(text_.size());
  }

  // Whether all boundaries are known at which the chunk that begins there might end.
  bool KnowsNext(std::size_t begin) const {
    const auto first = std::upper_bound(boundaries_.begin(), boundaries_.end(), begin);
    return window_.is_last || static_cast<std::size_t>(boundaries_.end() - first) >= options_.max_tokens;
  }

  bool Fits(std::size_t from, std::size_t begin, std::size_t end) const {
    return end - begin <= options_.max_bytes && counter_->Count({from, end}) <= options_.max_tokens;
  }

  std::size_t OverlapBegin(std::size_t previous, std::size_t begin) const {
    auto at = std::lower_bound(boundaries_.begin(), boundaries_.end(), begin);
    std::size_t from = begin;
    for (std::size_t n = 0; n < options_.overlap_tokens && at != boundaries_.begin(); ++n) {
      --at;
      if (*at < previous || counter_->Count({*at, begin}) > options_.overlap_tokens) break;
      from = *at;
    }
    return from;
  }

  // The last boundary after `begin` that fits, or `begin`. Counts grow with the text, nearly always: the search is a bisection,
  // and what it finds is checked.
  std::size_t WindowEnd(std::size_t from, std::size_t begin) const {
    const auto first = std::upper_bound(boundaries_.begin(), boundaries_.end(), begin);
    const auto room = static_cast<std::size_t>(boundaries_.end() - first);
    const auto last = first + static_cast<std::ptrdiff_t>(std::min(options_.max_tokens, room));
    const auto found =
        std::partition_point(first, last, [this, from, begin](std::size_t end) { return Fits(from, begin, end); });
    return found == first ? begin : *(found - 1);
  }

  // No boundary fits: as many grapheme clusters as do, or code points.
  absl::Status ForceEnd(std::size_t begin, std::size_t& end) {
    const auto next = std::upper_bound(boundaries_.begin(), boundaries_.end(), begin);
    const std::string_view unit = text_.substr(begin, *next - begin);
    if (begin >= clusters_end_) {
      RAGPIPE_RETURN_IF_ERROR(clusters_.Start(unit));
      clusters_begin_ = begin;
      clusters_end_ = *next;
      cluster_ = begin;
    }
    while (cluster_ <= begin) cluster_ = clusters_begin_ + clusters_.Next();
    while (cluster_ <= clusters_end_ && Fits(begin, begin, cluster_)) {
      end = cluster_;
      if (cluster_ == clusters_end_) return absl::OkStatus();
      cluster_ = clusters_begin_ + clusters_.Next();
    }
    if (end > begin) return absl::OkStatus();
    for (std::size_t at = begin; at < cluster_;) {
      at = internal::NextCodePoint(text_, at);
      if (!Fits(begin, begin, at)) break;
      end = at;
    }
    if (end > begin) return absl::OkStatus();
    return absl::OutOfRangeError(fmt::format(
        "the character at byte {} takes {} tokens, more than max_tokens = {}; raise max_tokens", window_.offset + begin,
        counter_->Count({begin, internal::NextCodePoint(text_, begin)}), options_.max_tokens));
  }

  const internal::Window& window_;
  const std::string_view text_;
  const std::size_t origin_;  // of the offsets in Boundaries
  const FixedTokenChunkerOptions& options_;
  const bool exact_;
  const std::unique_ptr<RangeCounter> counter_;
  std::vector<std::size_t> boundaries_;
  std::size_t encoded_end_ = 0;

  internal::BoundaryScan clusters_{UBRK_CHARACTER};  // over [clusters_begin_, clusters_end_)
  std::size_t clusters_begin_ = 0;
  std::size_t clusters_end_ = 0;
  std::size_t cluster_ = 0;  // the end of the one last read
};

}  // namespace

absl::StatusOr<FixedTokenChunker> FixedTokenChunker::Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                            FixedTokenChunkerOptions options) {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckLimits("FixedTokenChunker", tokenizer.get(), LimitsOf(options)));
  return FixedTokenChunker(std::move(tokenizer), options);
}

FixedTokenChunker::FixedTokenChunker(std::shared_ptr<const Tokenizer> tokenizer, FixedTokenChunkerOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

absl::StatusOr<std::vector<Chunk>> FixedTokenChunker::Split(const Document& document) const {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckText("FixedTokenChunker", document.text));
  if (document.text.empty()) return std::vector<Chunk>();
  const internal::Window whole{.text = document.text, .is_last = true};
  RAGPIPE_ASSIGN_OR_RETURN(internal::WindowChunks split, WindowSplitter(whole, *tokenizer_, options_, {}).Split());
  return std::move(split.chunks);
}

absl::Status FixedTokenChunker::SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const {
  if (!tokenizer_->is_additive_at_lines()) return Chunker::SplitStream(document, read, take);
  Boundaries known;
  return internal::SplitByWindows(read, take, options_.max_tokens,
                                  [&](const internal::Window& window) -> absl::StatusOr<internal::WindowChunks> {
                                    RAGPIPE_RETURN_IF_ERROR(internal::CheckText("FixedTokenChunker", window.text));
                                    WindowSplitter splitter(window, *tokenizer_, options_, known);
                                    RAGPIPE_ASSIGN_OR_RETURN(internal::WindowChunks split, splitter.Split());
                                    const std::size_t certain = split.certain.chunks;
                                    known = splitter.KnownBehind(certain > 0 ? &split.chunks[certain - 1] : nullptr);
                                    return split;
                                  });
}

std::string FixedTokenChunker::Fingerprint() const {
  return fmt::format("ragpipe.fixed_token/1({},{})", internal::LimitsFingerprint(LimitsOf(options_)),
                     internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text

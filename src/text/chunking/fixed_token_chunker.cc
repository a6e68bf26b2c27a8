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

namespace ragpipe::text {
namespace {

internal::Limits LimitsOf(const FixedTokenChunkerOptions& options) {
  return {.max_tokens = options.max_tokens, .max_bytes = options.max_bytes, .overlap_tokens = options.overlap_tokens};
}

// Where tokens begin and a cut divides nothing, in order; the end of the text is the last.
std::vector<std::size_t> TokenBoundaries(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<Token> tokens;
  tokenizer.Encode(text, tokens);
  std::vector<std::size_t> boundaries;
  for (const Token& token : tokens) {
    const std::size_t at = token.range.begin;
    if (at == 0 || at >= text.size() || (!boundaries.empty() && at <= boundaries.back())) continue;
    if (ragpipe::internal::IsCodePointBoundary(text, at) && internal::IsSafeCut(text, at)) boundaries.push_back(at);
  }
  boundaries.push_back(text.size());
  return boundaries;
}

class WindowSplitter {
 public:
  WindowSplitter(std::string_view text, const Tokenizer& tokenizer, const FixedTokenChunkerOptions& options)
      : text_(text),
        options_(options),
        exact_(tokenizer.is_exact()),
        counter_(tokenizer.CountRanges(text)),
        boundaries_(TokenBoundaries(tokenizer, text)) {}

  absl::StatusOr<std::vector<Chunk>> Split() {
    std::vector<Chunk> chunks;
    for (std::size_t begin = 0; begin < text_.size();) {
      const std::size_t previous = chunks.empty() ? begin : chunks.back().range.begin;
      std::size_t from = OverlapBegin(previous, begin);
      std::size_t end = WindowEnd(from, begin);
      if (end == begin) end = WindowEnd(from = begin, begin);  // the overlap gives way
      if (end == begin) RAGPIPE_RETURN_IF_ERROR(ForceEnd(begin, end));
      chunks.push_back({.range = {begin, end},
                        .overlap = begin - from,
                        .tokens = counter_->Count({from, end}),
                        .tokens_are_estimated = !exact_});
      begin = end;
    }
    return chunks;
  }

 private:
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
    return absl::OutOfRangeError(
        fmt::format("the character at byte {} takes {} tokens, more than max_tokens = {}; raise max_tokens", begin,
                    counter_->Count({begin, internal::NextCodePoint(text_, begin)}), options_.max_tokens));
  }

  std::string_view text_;
  const FixedTokenChunkerOptions& options_;
  const bool exact_;
  const std::unique_ptr<RangeCounter> counter_;
  const std::vector<std::size_t> boundaries_;

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
  return WindowSplitter(document.text, *tokenizer_, options_).Split();
}

std::string FixedTokenChunker::Fingerprint() const {
  return fmt::format("ragpipe.fixed_token/1({},{})", internal::LimitsFingerprint(LimitsOf(options_)),
                     internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text

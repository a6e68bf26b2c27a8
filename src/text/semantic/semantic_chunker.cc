#include "ragpipe/text/semantic_chunker.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <string_view>
#include <utility>

#include "core/status_macros.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/chunker_options.h"
#include "text/chunking/overlap.h"
#include "text/chunking/packing.h"
#include "text/chunking/prose.h"
#include "text/chunking/sentences.h"
#include "text/semantic/distances.h"

namespace ragpipe::text {
namespace {

using internal::Level;

constexpr std::size_t kMaxWindow = 64;
constexpr std::size_t kMaxNeighbourhood = 1024;

absl::Status CheckRange(std::string_view option, std::size_t value, std::size_t most) {
  if (value >= 1 && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("SemanticChunker: SemanticChunkerOptions::{} is {}; it must be from 1 to {}", option, value, most));
}

// White space belongs to the sentence before it, at the front to the one after it.
std::vector<ByteRange> SentencesOf(std::string_view text) {
  std::vector<ByteRange> sentences;
  internal::SentenceScan scan(text);
  std::size_t begin = 0;
  std::size_t seen = 0;  // all white space from `begin` to here
  while (begin < text.size()) {
    const std::size_t end = scan.Next();
    while (seen < end && internal::IsSpaceAt(text, seen)) seen = internal::NextCodePoint(text, seen);
    const bool is_end = seen < end && internal::IsSafeCut(text, end) && !internal::IsSpaceAt(text, end);
    if (end < text.size() && !is_end) continue;
    sentences.push_back({begin, end});
    begin = seen = end;
  }
  return sentences;
}

// Of the boundary after a sentence that ends with these bytes.
Level LevelAfter(std::string_view sentence) {
  int lines = 0;
  for (std::size_t i = sentence.size(); i > 0 && internal::IsSpaceBefore(sentence, i); --i) {
    const char c = sentence[i - 1];
    lines += c == '\n' || (c == '\r' && sentence.substr(i, 1) != "\n") ? 1 : 0;
    if (static_cast<unsigned char>(c) >= 0x80) break;
  }
  return lines == 0 ? Level::kSentence : lines == 1 ? Level::kLine : Level::kParagraph;
}

}  // namespace

absl::StatusOr<SemanticChunker> SemanticChunker::Create(std::shared_ptr<const Tokenizer> tokenizer,
                                                        std::shared_ptr<Embedder> embedder, SemanticChunkerOptions options) {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckLimits("SemanticChunker", tokenizer.get(), internal::LimitsOf(options)));
  if (embedder == nullptr) return absl::InvalidArgumentError("SemanticChunker: the embedder is null; give one to Create()");
  RAGPIPE_RETURN_IF_ERROR(CheckRange("window_sentences", options.window_sentences, kMaxWindow));
  RAGPIPE_RETURN_IF_ERROR(CheckRange("neighbourhood_sentences", options.neighbourhood_sentences, kMaxNeighbourhood));
  if (!std::isfinite(options.threshold) || options.threshold < 0) {
    return absl::InvalidArgumentError(fmt::format(
        "SemanticChunker: SemanticChunkerOptions::threshold is {}; it must be a number of at least 0", options.threshold));
  }
  return SemanticChunker(std::move(tokenizer), std::move(embedder), options);
}

SemanticChunker::SemanticChunker(std::shared_ptr<const Tokenizer> tokenizer, std::shared_ptr<Embedder> embedder,
                                 SemanticChunkerOptions options)
    : tokenizer_(std::move(tokenizer)), embedder_(std::move(embedder)), options_(options) {}

absl::StatusOr<std::vector<Chunk>> SemanticChunker::Split(const Document& document) const {
  const std::string_view text = document.text;
  RAGPIPE_RETURN_IF_ERROR(internal::CheckText("SemanticChunker", text));
  if (text.empty()) return std::vector<Chunk>();

  const std::unique_ptr<RangeCounter> counter = tokenizer_->CountRanges(text);
  const std::vector<ByteRange> sentences = SentencesOf(text);
  RAGPIPE_ASSIGN_OR_RETURN(
      const std::vector<internal::Distance> distances,
      internal::MeasureDistances(text, sentences, *counter, options_.max_tokens, options_.window_sentences, *embedder_));
  const internal::Limits limits = internal::LimitsOf(options_);
  internal::OverlapFraming framing(text, *counter, limits.overlap_tokens);
  internal::Packer packer(text, *tokenizer_, *counter, limits, framing);
  internal::ProseSplitter prose(text, *counter, limits, packer);
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const ByteRange sentence = sentences[i];
    const bool changes_subject =
        i < distances.size() && internal::IsPeak(distances, i, options_.neighbourhood_sentences, options_.threshold);
    const Level level = changes_subject ? Level::kBlock : LevelAfter(text.substr(sentence.begin, sentence.size()));
    if (!prose.AddWhole(sentence, sentence.begin, level, 0)) {
      RAGPIPE_RETURN_IF_ERROR(prose.SplitSentences(sentence, sentence.begin, level, 0));
    }
    if (changes_subject) packer.EndGroup();
  }
  return packer.Finish();
}

std::string SemanticChunker::Fingerprint() const {
  return fmt::format("ragpipe.semantic/3({},window_sentences={},neighbourhood_sentences={},threshold={},embedder={},{})",
                     internal::LimitsFingerprint(internal::LimitsOf(options_)), options_.window_sentences,
                     options_.neighbourhood_sentences, options_.threshold, embedder_->Fingerprint(),
                     internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text

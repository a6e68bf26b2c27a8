#include "ragpipe/text/tokenizer_json.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/fingerprint.h"
#include "core/status_macros.h"
#include "ragpipe/text/wordpiece.h"
#include "text/tokenizer_json/config.h"
#include "text/tokenizer_json/cuts.h"
#include "text/tokenizer_json/pipeline.h"
#include "text/tokenizer_json/ranges.h"
#include "text/tokenizer_json/segment_cache.h"

namespace ragpipe::text {
namespace {

using internal::Cuts;
using internal::Pipeline;
using internal::SegmentCache;
using internal::TextEnds;
using internal::TextToken;
using internal::TokenizerConfig;

class JsonTokenizer final : public Tokenizer {
 public:
  JsonTokenizer(std::unique_ptr<const Pipeline> pipeline, std::string fingerprint)
      : pipeline_(std::move(pipeline)), cuts_(*pipeline_), fingerprint_(std::move(fingerprint)) {
    std::random_device random;
    cache_key_ = (std::uint64_t{random()} << 32U) | random();
    for (const internal::NormalizerStep& step : config().normalizer) {
      const auto* strip = std::get_if<internal::Strip>(&step);
      begin_matters_ = begin_matters_ || std::holds_alternative<internal::Prepend>(step) || (strip != nullptr && strip->left);
      end_matters_ = end_matters_ || (strip != nullptr && strip->right);
    }
    size_ = config().pieces().size();
    for (const TextToken& token : config().added_tokens) size_ = std::max(size_, std::size_t{token.id} + 1);
  }

  void Encode(std::string_view text, std::vector<Token>& out) const override {
    ForEachSegment(text, [&](const Segment& segment, Worker& worker) {
      if (const SegmentCache::Entry* entry = segment.cached) {
        for (std::size_t i = 0; i < entry->token_count; ++i)
          out.push_back({entry->ids[i], {segment.begin + entry->begins[i], segment.begin + entry->ends[i]}});
      } else {
        if (!segment.tokenized) Tokenize(text, segment, /*ranges=*/true, worker);
        out.insert(out.end(), worker.tokens.begin(), worker.tokens.end());
      }
      return true;
    });
  }

  void EncodeIds(std::string_view text, std::vector<std::uint32_t>& ids) const override {
    ForEachSegment(text, [&](const Segment& segment, Worker& worker) {
      if (const SegmentCache::Entry* entry = segment.cached) {
        ids.insert(ids.end(), entry->ids.begin(), entry->ids.begin() + entry->token_count);
      } else {
        if (!segment.tokenized) Tokenize(text, segment, /*ranges=*/false, worker);
        for (const Token& token : worker.tokens) ids.push_back(token.id);
      }
      return true;
    });
  }

  std::size_t Count(std::string_view text) const override { return CountUpTo(text, SIZE_MAX - 1); }

  std::size_t CountUpTo(std::string_view text, std::size_t limit) const override {
    std::size_t count = 0;
    ForEachSegment(text, [&](const Segment& segment, Worker& worker) {
      count += CountSegment(text, segment, worker);
      return count <= limit;
    });
    return count > limit ? limit + 1 : count;
  }

  std::unique_ptr<RangeCounter> CountRanges(std::string_view text) const override {
    auto count_segment = [this](std::string_view segment, TextEnds ends) {
      Lease lease(*this);
      lease->tokens.clear();
      pipeline_->Tokenize(segment, 0, ends, /*ranges=*/false, lease->scratch, lease->tokens);
      return lease->tokens.size();
    };
    auto counter = std::make_unique<internal::SegmentRangeCounter>(text, begin_matters_, end_matters_, count_segment);
    ForEachSegment(text, [&](const Segment& segment, Worker& worker) {
      counter->Add(segment.begin, CountSegment(text, segment, worker));
      return true;
    });
    counter->Finish();
    return counter;
  }

  std::string Decode(const std::vector<std::uint32_t>& ids) const override {
    std::vector<std::string> tokens;
    for (const std::uint32_t id : ids) {
      const auto added = std::find_if(config().added_tokens.begin(), config().added_tokens.end(),
                                      [id](const TextToken& token) { return token.id == id; });
      if (added != config().added_tokens.end()) {
        if (!added->special) tokens.push_back(added->pattern);
      } else if (id < config().pieces().size() && !config().pieces()[id].empty()) {
        tokens.push_back(config().pieces()[id]);
      }
    }
    return internal::DecodeTokens(std::move(tokens), config().decoder, config().has_decoder);
  }

  std::size_t vocabulary_size() const override { return size_; }

  std::string Fingerprint() const override { return fingerprint_; }

 private:
  /// What one call needs beside the text.
  struct Worker {
    explicit Worker(std::uint64_t cache_key) : cache(cache_key) {}

    Pipeline::Scratch scratch;
    std::vector<Token> tokens;
    SegmentCache cache;
  };

  /// A worker for as long as a call takes.
  class Lease {
   public:
    explicit Lease(const JsonTokenizer& tokenizer) : tokenizer_(tokenizer) {
      {
        const std::lock_guard<std::mutex> lock(tokenizer_.mutex_);
        if (!tokenizer_.idle_.empty()) {
          worker_ = std::move(tokenizer_.idle_.back());
          tokenizer_.idle_.pop_back();
        }
      }
      if (worker_ == nullptr) worker_ = std::make_unique<Worker>(tokenizer_.cache_key_);
    }
    ~Lease() {
      constexpr std::size_t kMaxKeptBytes = std::size_t{1} << 20U;  // what a long text needed is given back
      if (worker_->scratch.unigram.places.capacity() * sizeof(worker_->scratch.unigram.places[0]) +
              worker_->tokens.capacity() * sizeof(Token) + worker_->scratch.text.bytes.capacity() >
          kMaxKeptBytes) {
        worker_->scratch = {};
        worker_->tokens = {};
      }
      const std::lock_guard<std::mutex> lock(tokenizer_.mutex_);
      tokenizer_.idle_.push_back(std::move(worker_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    Worker& operator*() const { return *worker_; }
    Worker* operator->() const { return worker_.get(); }

   private:
    const JsonTokenizer& tokenizer_;
    std::unique_ptr<Worker> worker_;
  };

  struct Segment {
    std::size_t begin = 0;
    std::size_t end = 0;
    const SegmentCache::Entry* cached = nullptr;  // its tokens
    bool tokenized = false;                       // the worker has them
  };

  const TokenizerConfig& config() const { return pipeline_->config(); }

  /// Calls visit(segment, worker) for the segments between cuts until it returns false. A short segment is looked for in the
  /// cache, and put there first where it is new.
  template <class Visitor>
  void ForEachSegment(std::string_view text, Visitor visit) const {
    if (text.empty()) return;
    const Lease lease(*this);
    Worker& worker = *lease;
    for (Segment segment; segment.begin < text.size(); segment.begin = segment.end) {
      segment.end = cuts_.FindNext(text, segment.begin);
      segment.cached = nullptr;
      segment.tokenized = false;
      const bool begins = segment.begin == 0;
      const bool ends = segment.end == text.size();
      if (!begins && !(ends && end_matters_) && segment.end - segment.begin <= SegmentCache::kMaxBytes) {
        const SegmentCache::Key key(text, segment.begin, segment.end);
        segment.cached = worker.cache.Find(key);
        if (segment.cached == nullptr) {
          Tokenize(text, segment, /*ranges=*/true, worker);
          segment.tokenized = true;
          worker.cache.Add(key, segment.begin, worker.tokens);
        }
      }
      if (!visit(static_cast<const Segment&>(segment), worker)) return;
    }
  }

  void Tokenize(std::string_view text, const Segment& segment, bool ranges, Worker& worker) const {
    worker.tokens.clear();
    pipeline_->Tokenize(text.substr(segment.begin, segment.end - segment.begin), segment.begin,
                        {segment.begin == 0, segment.end == text.size()}, ranges, worker.scratch, worker.tokens);
  }

  std::size_t CountSegment(std::string_view text, const Segment& segment, Worker& worker) const {
    if (segment.cached != nullptr) return segment.cached->token_count;
    if (!segment.tokenized) Tokenize(text, segment, /*ranges=*/false, worker);
    return worker.tokens.size();
  }

  std::unique_ptr<const Pipeline> pipeline_;
  Cuts cuts_;
  std::string fingerprint_;
  std::uint64_t cache_key_ = 0;
  bool begin_matters_ = false;
  bool end_matters_ = false;
  std::size_t size_ = 0;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Worker>> idle_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Tokenizer>> TokenizerFromJson(std::string_view tokenizer_json) {
  RAGPIPE_ASSIGN_OR_RETURN(TokenizerConfig config, internal::ParseTokenizerJson(tokenizer_json));
  if (std::holds_alternative<internal::WordPieceModelInstead>(config.model)) {
    RAGPIPE_ASSIGN_OR_RETURN(std::shared_ptr<const Tokenizer> word_piece, WordPiece::FromJson(tokenizer_json));
    return word_piece;
  }
  const bool is_unigram = std::holds_alternative<internal::UnigramConfig>(config.model);
  ragpipe::internal::Fingerprint hash;
  hash.Add(tokenizer_json);
  std::string fingerprint = fmt::format("ragpipe.text.TokenizerJson/1;model={};vocabulary={};sha256={}",
                                        is_unigram ? "Unigram" : "BPE", config.pieces().size(), hash.Hex());
  RAGPIPE_ASSIGN_OR_RETURN(std::unique_ptr<const Pipeline> pipeline, Pipeline::Make(std::move(config)));
  return std::shared_ptr<const Tokenizer>(std::make_shared<JsonTokenizer>(std::move(pipeline), std::move(fingerprint)));
}

absl::StatusOr<std::shared_ptr<const Tokenizer>> LoadTokenizerJson(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.good()) return absl::NotFoundError(fmt::format("cannot open the tokenizer {}", path));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return absl::UnavailableError(fmt::format("cannot read the tokenizer {}", path));
  return TokenizerFromJson(text);
}

}  // namespace ragpipe::text

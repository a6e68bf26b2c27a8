// Input made to do harm, beside documents that are good: the good ones are indexed exactly, whatever comes with them; what is
// bad is one dead letter, with its stage and a reason that repeats nothing of it; and a good version clears that.
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <fmt/format.h>
#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "core/status_macros.h"
#include "core/utf8.h"
#include "proof/hostile_documents.h"
#include "proof/proof.h"
#include "ragpipe/adapters.h"
#include "ragpipe/clock.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/retry.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/recording_observer.h"
#include "ragpipe/testing/virtual_clock.h"
#include "ragpipe/text/approximate_tokenizer.h"
#include "ragpipe/text/code_chunker.h"
#include "ragpipe/text/html_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/router_chunker.h"
#include "support/temp_dir.h"

namespace ragpipe::proof {
namespace {

using testing::MemorySource;
using testing::MemorySourceOptions;

constexpr std::size_t kDimension = 16;
constexpr std::size_t kMaxReasonBytes = 8192;
constexpr const char* kNoId = "(no id)";  // and where it was
constexpr unsigned kMostSeconds = 120;    // for one case: else it hangs

absl::Status Wrong(std::string what) { return absl::InternalError(std::move(what)); }

std::unique_ptr<Chunker> MakeChunker() {
  const auto tokenizer = *text::ApproximateTokenizer::Create();
  auto share = [](auto chunker) { return std::make_shared<const typename decltype(chunker)::value_type>(*std::move(chunker)); };
  auto router =
      text::RouterChunker::Create({{"text/markdown", share(text::MarkdownChunker::Create(tokenizer, {.max_tokens = 200}))},
                                   {"text/html", share(text::HtmlChunker::Create(tokenizer, {.max_tokens = 200}))},
                                   {"text/x-c++src", share(text::CodeChunker::Create(tokenizer, {.max_tokens = 200}))},
                                   {"text/x-python", share(text::CodeChunker::Create(tokenizer, {.max_tokens = 200}))}},
                                  share(text::RecursiveChunker::Create(tokenizer, {.max_tokens = 200})));
  return std::make_unique<text::RouterChunker>(*std::move(router));
}

/// Calls on one document that a stage answers as the case wants it; empty = as it should.
struct Replies {
  std::function<absl::StatusOr<Document>(const Change&)> load;
  std::function<absl::StatusOr<std::vector<Chunk>>(const Document&)> split;
  std::function<absl::StatusOr<std::vector<std::vector<float>>>(const EmbedRequest&)> embed;
};

bool IsHostile(std::string_view text) { return text.find("hostile") != std::string_view::npos; }

class ReplyingStream final : public ChangeStream {
 public:
  ReplyingStream(std::unique_ptr<ChangeStream> stream, const Replies& replies)
      : stream_(std::move(stream)), replies_(replies) {}
  absl::Status Next(absl::Time deadline, std::vector<Event>& out) override { return stream_->Next(deadline, out); }
  absl::StatusOr<Document> Load(const Change& change) override {
    return replies_.load != nullptr && IsHostile(change.document_id) ? replies_.load(change) : stream_->Load(change);
  }

 private:
  std::unique_ptr<ChangeStream> stream_;
  const Replies& replies_;
};

class ReplyingSource final : public Source {
 public:
  ReplyingSource(Source& source, const Replies& replies) : source_(source), replies_(replies) {}
  std::string_view name() const override { return source_.name(); }
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override {
    RAGPIPE_ASSIGN_OR_RETURN(std::unique_ptr<ChangeStream> stream, source_.StreamChanges(since));
    return std::make_unique<ReplyingStream>(std::move(stream), replies_);
  }

 private:
  Source& source_;
  const Replies& replies_;
};

Document Good(std::string id, std::string text, std::string media_type = "text/plain") {
  Document document;
  document.id = std::move(id);
  document.text = std::move(text);
  document.media_type = std::move(media_type);
  document.metadata = {{"kind", std::string("good")}};
  return document;
}

/// Where the hostile input is tried: three good documents, before and after it in every order, and a real store.
class Bench {
 public:
  explicit Bench(MemorySourceOptions source_options = {.versions = MemorySourceOptions::Versions::kNone})
      : source(source_options), store_(sqlite::Store::Open(folder_ / "index.db")) {
    options.clock = &clock_;
    options.observer = &observer_;
    options.random_seed = 1;
    options.chunk_workers = 2;
    options.max_document_bytes = std::size_t{8} << 20;
    Put(Good("good/a", "# Good\n\nA good document.\n\n## Part\n\nIts second part.\n", "text/markdown"));
    Put(Good("good/b", "Another good document, which is plain."));
    Put(Good("zzz/good", "<h1>Good</h1><p>The last good document.</p>", "text/html"));
  }

  void Put(const Document& document) {
    source.Put(document);
    wanted[document.id] = document;
  }

  absl::Status Run() {
    RAGPIPE_RETURN_IF_ERROR(store_.status());
    ReplyingSource replying_source(source, replies);
    FunctionChunker replying_chunker(chunker_->Fingerprint(), [this](const Document& document) {
      return replies.split != nullptr && IsHostile(document.id) ? replies.split(document) : chunker_->Split(document);
    });
    FunctionEmbedder replying_embedder("hash", kDimension, [this](const EmbedRequest& request) { return Embed(request); },
                                       {.texts = 16});
    Pipeline pipeline{replying_source, replying_chunker, replying_embedder, store_->sink(), store_->checkpoint(), options};
    absl::Status status = pipeline.Run(report);
    RAGPIPE_RETURN_IF_ERROR(CheckReport());
    return status;
  }

  /// The index holds exactly `wanted`, and there is one dead letter of each of `set_aside`, from this stage.
  absl::Status Check(const std::map<std::string, Stage>& set_aside = {}) {
    RAGPIPE_RETURN_IF_ERROR(CheckIndex(wanted, wanted));
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<DeadLetter> letters,
                             store_->checkpoint().ListDeadLetters(source.name(), "", 1000));
    std::map<std::string, Stage> found;
    for (const DeadLetter& letter : letters) {
      const bool has_id = !letter.document_id.starts_with(kNoId);
      if (!found.emplace(has_id ? letter.document_id : kNoId, letter.stage).second)
        return Wrong("two dead letters of one document");
      RAGPIPE_RETURN_IF_ERROR(CheckReason(letter));
    }
    for (const DeadLetter& letter : observer_.dead_letters()) RAGPIPE_RETURN_IF_ERROR(CheckReason(letter));
    if (found != set_aside) {
      std::string text = fmt::format("there are {} dead letters instead of {}:", found.size(), set_aside.size());
      for (const DeadLetter& letter : letters) text += fmt::format(" {} {};", ToString(letter.stage), letter.reason.ToString());
      return Wrong(text.substr(0, 1000));
    }
    if (report.complete != set_aside.empty()) return Wrong("complete is not what the dead letters say: " + ToText(report));
    return absl::OkStatus();
  }

  /// Every document in the index is one of `may` as it should be, and those of `must` are there.
  absl::Status CheckIndex(const std::map<std::string, Document>& must, const std::map<std::string, Document>& may) {
    const std::vector<float> query(kDimension, 0.25F);  // a unit vector
    RAGPIPE_ASSIGN_OR_RETURN(
        const std::vector<Hit> hits,
        store_->index().Search({.vector = query, .text = {}, .top_k = 10'000'000, .mode = SearchMode::kVector}));
    std::map<std::string, std::map<std::size_t, const Hit*>> documents;
    for (const Hit& hit : hits) {
      if (!documents[hit.document_id].emplace(hit.position, &hit).second) return Wrong("a chunk is there twice");
    }
    for (const auto& [id, document] : must) {
      RAGPIPE_RETURN_IF_ERROR(CheckDocument(document, documents[id], query));
    }
    for (const auto& [id, chunks] : documents) {
      const auto document = may.find(id);
      if (document == may.end()) return Wrong(fmt::format("the index holds '{}'", id.substr(0, 100)));
      if (!must.contains(id) && !chunks.empty()) RAGPIPE_RETURN_IF_ERROR(CheckDocument(document->second, chunks, query));
    }
    return absl::OkStatus();
  }

  absl::Status CheckFile() {
    store_ = absl::CancelledError("closed");
    sqlite3* db = nullptr;
    std::string verdict;
    int code = sqlite3_open((folder_ / "index.db").c_str(), &db);
    if (code == SQLITE_OK) {
      code = sqlite3_exec(
          db, "INSERT INTO record_words(record_words, rank) VALUES('integrity-check', 1); PRAGMA integrity_check",
          [](void* out, int, char** columns, char**) {
            *static_cast<std::string*>(out) = columns[0];
            return 0;
          },
          &verdict, nullptr);
    }
    sqlite3_close(db);
    return code == SQLITE_OK && verdict == "ok" ? absl::OkStatus() : Wrong("the file is not sound: " + verdict);
  }

  MemorySource source;
  std::map<std::string, Document> wanted;
  Replies replies;
  PipelineOptions options;
  RunReport report;
  std::uint64_t texts_embedded = 0;

 private:
  absl::StatusOr<std::vector<std::vector<float>>> Embed(const EmbedRequest& request) {
    const std::lock_guard lock(mutex_);
    const bool is_hostile = std::any_of(request.texts.begin(), request.texts.end(), IsHostile);
    if (replies.embed != nullptr && is_hostile) return replies.embed(request);
    texts_embedded += request.texts.size();
    return VectorsOf(request.texts);
  }

  static std::vector<std::vector<float>> VectorsOf(std::span<const std::string_view> texts) {
    testing::HashEmbedder embedder({.dimension = kDimension, .limits = {.bytes = SIZE_MAX}});
    std::vector<std::vector<float>> vectors;
    for (const std::string_view text : texts) {
      EmbedRequest request;
      request.texts = {&text, 1};
      vectors.emplace_back(kDimension);
      if (!embedder.Embed(request, vectors.back()).ok()) vectors.back().clear();
    }
    return vectors;
  }

  absl::Status CheckDocument(const Document& document, const std::map<std::size_t, const Hit*>& hits,
                             std::span<const float> query) const {
    auto wrong = [&document](std::string_view what) {
      return Wrong(fmt::format("document '{}': {}", document.id.substr(0, 100), what));
    };
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Chunk> chunks, chunker_->Split(document));
    std::size_t expected = 0;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const Chunk& chunk = chunks[i];
      const std::string own = document.text.substr(chunk.range.begin, chunk.range.size());
      const std::string embedded =
          chunk.context + (chunk.text.has_value()
                               ? *chunk.text
                               : document.text.substr(chunk.range.begin - chunk.overlap, chunk.range.size() + chunk.overlap));
      if (embedded.find_first_not_of(" \t\r\n\f\v") == std::string::npos) continue;
      ++expected;
      const auto found = hits.find(i);
      if (found == hits.end()) return wrong(fmt::format("chunk {} is missing", i));
      const Hit& hit = *found->second;
      if (hit.text != chunk.text.value_or(own)) return wrong(fmt::format("chunk {} has another text", i));
      if (hit.chunk.range != chunk.range || hit.chunk.overlap != chunk.overlap || hit.chunk.context != chunk.context ||
          hit.chunk.headings != chunk.headings || hit.chunk.tokens != chunk.tokens) {
        return wrong(fmt::format("chunk {} has another place", i));
      }
      const std::string_view text = embedded;
      const std::vector<float> vector = VectorsOf({&text, 1}).front();
      double product = 0;
      for (std::size_t j = 0; j < vector.size(); ++j) product += static_cast<double>(vector[j]) * query[j];
      if (!(std::abs(product - hit.vector_score) < 1e-4)) return wrong(fmt::format("chunk {} has another vector", i));
      if (hit.metadata != document.metadata) return wrong("it has other metadata");
      if (hit.media_type != document.media_type) return wrong("it has another media type");
      if (hit.version != document.version) return wrong("it has another version");
      // The store keeps nanoseconds in 64 bits.
      const absl::Time updated_at = document.updated_at == absl::InfinitePast()
                                        ? document.updated_at
                                        : absl::FromUnixNanos(absl::ToUnixNanos(document.updated_at));
      if (hit.updated_at != updated_at) return wrong("it has another time");
      if (i == 0 && !nlohmann::json::accept(ToJson(hit))) return wrong("its JSON does not parse");
    }
    return hits.size() == expected ? absl::OkStatus() : wrong(fmt::format("{} chunks instead of {}", hits.size(), expected));
  }

  absl::Status CheckReport() const {
    const RunReport::Documents& d = report.documents;
    if (d.seen != d.unchanged + d.stale + d.superseded + d.processed + d.deleted + d.failed + d.pending) {
      return Wrong("the report does not add up: " + ToText(report));
    }
    const RunReport::Chunks& c = report.chunks;
    if (c.total != c.embedded + c.reused + c.patched) return Wrong("the report's chunks do not add up: " + ToText(report));
    if (report.complete != report.problems.empty()) return Wrong("a run is complete or has problems: " + ToText(report));
    const std::string json = ToJson(report);
    if (!nlohmann::json::accept(json)) return Wrong("the report's JSON does not parse");
    if (json.size() > 20 * kMaxReasonBytes) return Wrong(fmt::format("the report has {} bytes", json.size()));
    return Tells(json) ? Wrong("the report repeats a secret") : absl::OkStatus();
  }

  absl::Status CheckReason(const DeadLetter& letter) const {
    const std::string reason(letter.reason.message());
    if (letter.reason.ok() || reason.empty()) return Wrong("a dead letter without a reason");
    if (Tells(reason)) return Wrong("the reason of a dead letter repeats a secret");
    if (reason.size() > kMaxReasonBytes) return Wrong(fmt::format("the reason of a dead letter has {} bytes", reason.size()));
    if (internal::FindInvalidUtf8(reason) != std::string_view::npos) return Wrong("the reason of a dead letter is not UTF-8");
    return absl::OkStatus();
  }

  /// An id is no secret: it has to be told.
  bool Tells(std::string_view text) const {
    const bool is_in_an_id = std::any_of(
        wanted.begin(), wanted.end(), [](const auto& document) { return document.first.find(kSecret) != std::string::npos; });
    return !is_in_an_id && text.find(kSecret) != std::string_view::npos;
  }

  const TempDir folder_;
  absl::StatusOr<sqlite::Store> store_;
  const std::unique_ptr<Chunker> chunker_ = MakeChunker();
  testing::VirtualClock clock_;
  testing::RecordingObserver observer_;
  std::mutex mutex_;
};

struct HostileCase {
  std::string name;
  std::function<absl::Status()> run;
};

/// The document beside good ones; then again, unchanged; then a good one in its place.
absl::Status TryDocument(const HostileDocument& hostile, bool lazy) {
  Bench bench({.lazy = lazy, .versions = MemorySourceOptions::Versions::kNone});
  const std::string& id = hostile.document.id;
  std::map<std::string, Stage> set_aside;
  if (hostile.set_aside.has_value()) {
    bench.source.Put(hostile.document);
    set_aside[id.empty() ? kNoId : id] = *hostile.set_aside;
  } else {
    bench.Put(hostile.document);
  }
  RAGPIPE_RETURN_IF_ERROR(bench.Run());
  if (bench.report.documents.failed != (hostile.set_aside.has_value() ? 1U : 0U)) return Wrong(ToText(bench.report));
  RAGPIPE_RETURN_IF_ERROR(bench.Check(set_aside));

  const std::uint64_t embedded = bench.texts_embedded;
  RAGPIPE_RETURN_IF_ERROR(bench.Run());
  RAGPIPE_RETURN_IF_ERROR(bench.Check(set_aside));
  if (bench.texts_embedded != embedded) return Wrong("what did not change was embedded again");
  if (bench.report.documents.unchanged != bench.wanted.size())
    return Wrong("not everything is unchanged: " + ToText(bench.report));

  if (hostile.set_aside == Stage::kRead) {
    bench.source.Delete(id);  // no version of a document with such an id is good
  } else {
    Document healed = Good(id, "What was hostile is good now.");
    healed.version = hostile.document.version;
    if (!healed.version.token.empty()) healed.version.token = "healed";
    bench.Put(healed);
  }
  RAGPIPE_RETURN_IF_ERROR(bench.Run());
  RAGPIPE_RETURN_IF_ERROR(bench.Check());
  return bench.CheckFile();
}

/// How a stage's bad reply about one document must end.
enum class Fate { kIndexed, kSetAside, kStopsRun };

struct HostileReply {
  std::string name;
  Replies replies;
  Fate fate = Fate::kSetAside;
  Stage stage = Stage::kEmbed;
};

/// A stage answers wrongly about one document, then rightly.
absl::Status TryReply(const HostileReply& reply) {
  Bench bench({.lazy = true, .versions = MemorySourceOptions::Versions::kNone});
  const std::map<std::string, Document> good = bench.wanted;
  bench.Put(Good("hostile", "A hostile document, " + std::string(kSecret) + "."));
  const std::map<std::string, Document> all = bench.wanted;
  bench.replies = reply.replies;
  const absl::Status status = bench.Run();
  if (reply.fate == Fate::kStopsRun) {
    if (status.ok() || bench.report.complete) return Wrong("the run did not stop");
    if (status.ToString().find(kSecret) != std::string::npos) return Wrong("the error repeats a secret");
    RAGPIPE_RETURN_IF_ERROR(bench.CheckIndex({}, good));
  } else {
    RAGPIPE_RETURN_IF_ERROR(status);
    if (reply.fate == Fate::kSetAside) bench.wanted = good;
    RAGPIPE_RETURN_IF_ERROR(bench.Check(reply.fate == Fate::kSetAside ? std::map<std::string, Stage>{{"hostile", reply.stage}}
                                                                      : std::map<std::string, Stage>{}));
  }
  bench.replies = {};
  bench.wanted = all;
  RAGPIPE_RETURN_IF_ERROR(bench.Run());
  RAGPIPE_RETURN_IF_ERROR(bench.Check());
  return bench.CheckFile();
}

/// A call about one document sets only that aside, also when it fails for a reason that may pass.
Fate FateOfCode(absl::StatusCode code, bool is_about_one_document) {
  const absl::Status status(code, "");
  if (IsBadItem(status)) return Fate::kSetAside;
  return is_about_one_document && (code == absl::StatusCode::kInternal || IsTransient(status)) ? Fate::kSetAside
                                                                                               : Fate::kStopsRun;
}

std::vector<HostileReply> EmbedderReplies() {
  using Vectors = std::vector<std::vector<float>>;
  auto with_first_float = [](float value) {
    return [value](const EmbedRequest& request) -> absl::StatusOr<Vectors> {
      Vectors vectors(request.texts.size(), std::vector<float>(kDimension, 0.25F));
      for (std::size_t i = 0; i < vectors.size(); ++i) {
        if (IsHostile(request.texts[i])) vectors[i].front() = value;
      }
      if (request.texts.size() > 1) return absl::InvalidArgumentError("one at a time");
      return vectors;
    };
  };
  std::vector<HostileReply> replies = {
      {"an embedder that gives NaN",
       {.load = {}, .split = {}, .embed = with_first_float(std::numeric_limits<float>::quiet_NaN())}},
      {"an embedder that gives infinity",
       {.load = {}, .split = {}, .embed = with_first_float(std::numeric_limits<float>::infinity())}},
      {"an embedder that gives minus infinity",
       {.load = {}, .split = {}, .embed = with_first_float(-std::numeric_limits<float>::infinity())}},
      {"an embedder that gives a zero vector",
       {.load = {},
        .split = {},
        .embed = [](const EmbedRequest& request) -> absl::StatusOr<Vectors> {
          if (request.texts.size() > 1) return absl::InvalidArgumentError("one at a time");
          return Vectors(1, std::vector<float>(kDimension, 0.0F));
        }}},
  };
  const std::vector<std::pair<std::string, std::function<Vectors(std::size_t)>>> shapes = {
      {"no vectors", [](std::size_t) { return Vectors(); }},
      {"a vector too few", [](std::size_t count) { return Vectors(count - 1, std::vector<float>(kDimension, 1.0F)); }},
      {"a vector too many", [](std::size_t count) { return Vectors(count + 1, std::vector<float>(kDimension, 1.0F)); }},
      {"vectors a float too short", [](std::size_t count) { return Vectors(count, std::vector<float>(kDimension - 1, 1.0F)); }},
      {"vectors a float too long", [](std::size_t count) { return Vectors(count, std::vector<float>(kDimension + 1, 1.0F)); }},
      {"empty vectors", [](std::size_t count) { return Vectors(count); }},
  };
  for (const auto& [name, make] : shapes) {
    replies.push_back({"an embedder that gives " + name,
                       {.load = {},
                        .split = {},
                        .embed = [make = make](const EmbedRequest& request) -> absl::StatusOr<Vectors> {
                          return make(request.texts.size());
                        }},
                       Fate::kStopsRun});
  }
  for (int code = 1; code <= 16; ++code) {
    const auto status_code = static_cast<absl::StatusCode>(code);
    replies.push_back({"an embedder that answers " + absl::StatusCodeToString(status_code),
                       {.load = {},
                        .split = {},
                        .embed = [status_code](const EmbedRequest&) -> absl::StatusOr<Vectors> {
                          return absl::Status(status_code, "refused");
                        }},
                       FateOfCode(status_code, false)});
  }
  replies.push_back({"an embedder with a code that does not exist",
                     {.load = {},
                      .split = {},
                      .embed = [](const EmbedRequest&) -> absl::StatusOr<Vectors> {
                        return absl::Status(static_cast<absl::StatusCode>(999), "refused");
                      }},
                     Fate::kStopsRun});
  replies.push_back({"an embedder that throws",
                     {.load = {},
                      .split = {},
                      .embed = [](const EmbedRequest&) -> absl::StatusOr<Vectors> { throw std::runtime_error("thrown"); }},
                     Fate::kStopsRun});
  replies.push_back({"an embedder that throws a number",
                     {.load = {}, .split = {}, .embed = [](const EmbedRequest&) -> absl::StatusOr<Vectors> { throw 42; }},
                     Fate::kStopsRun});
  return replies;
}

std::vector<HostileReply> ChunkerReplies() {
  using Chunks = std::vector<Chunk>;
  auto one = [](std::size_t begin, std::size_t end) {
    Chunk chunk;
    chunk.range = {begin, end};
    return chunk;
  };
  const std::vector<std::pair<std::string, Chunks>> wrong = {
      {"a chunk beyond the text", {one(0, 1'000'000)}},
      {"a chunk that ends before it begins", {one(5, 2)}},
      {"a chunk at the end of memory", {one(SIZE_MAX, SIZE_MAX)}},
      {"a chunk of all memory", {one(0, SIZE_MAX)}},
      {"chunks that overlap", {one(0, 10), one(5, 12)}},
      {"chunks in the wrong order", {one(10, 12), one(0, 5)}},
      {"the same chunk twice", {one(0, 10), one(0, 10)}},
      {"an overlap that begins before the text",
       [&] {
         Chunk chunk = one(3, 8);
         chunk.overlap = 4;
         return Chunks{chunk};
       }()},
      {"an overlap of all memory",
       [&] {
         Chunk chunk = one(3, 8);
         chunk.overlap = SIZE_MAX;
         return Chunks{chunk};
       }()},
      {"a context that is not UTF-8",
       [&] {
         Chunk chunk = one(0, 8);
         chunk.context = "\xFF";
         return Chunks{chunk};
       }()},
      {"a heading that is not UTF-8",
       [&] {
         Chunk chunk = one(0, 8);
         chunk.headings = {"\xC3"};
         return Chunks{chunk};
       }()},
      {"a text that is not UTF-8",
       [&] {
         Chunk chunk = one(0, 8);
         chunk.text = "\xED\xA0\x80";
         return Chunks{chunk};
       }()},
  };
  std::vector<HostileReply> replies;
  for (const auto& [name, chunks] : wrong) {
    replies.push_back({"a chunker that gives " + name,
                       {.load = {}, .split = [chunks = chunks](const Document&) { return chunks; }, .embed = {}},
                       Fate::kSetAside,
                       Stage::kChunk});
  }
  for (int code = 1; code <= 16; ++code) {
    const auto status_code = static_cast<absl::StatusCode>(code);
    replies.push_back(
        {"a chunker that answers " + absl::StatusCodeToString(status_code),
         {.load = {},
          .split = [status_code](const Document&) -> absl::StatusOr<Chunks> { return absl::Status(status_code, "refused"); },
          .embed = {}},
         FateOfCode(status_code, true),
         Stage::kChunk});
  }
  replies.push_back({"a chunker that throws",
                     {.load = {},
                      .split = [](const Document&) -> absl::StatusOr<Chunks> { throw std::runtime_error("thrown"); },
                      .embed = {}},
                     Fate::kSetAside,
                     Stage::kChunk});
  return replies;
}

std::vector<HostileReply> SourceReplies() {
  std::vector<HostileReply> replies;
  for (int code = 1; code <= 16; ++code) {
    const auto status_code = static_cast<absl::StatusCode>(code);
    if (status_code == absl::StatusCode::kNotFound) continue;  // it has gone: no dead letter
    replies.push_back(
        {"a source whose Load() answers " + absl::StatusCodeToString(status_code),
         {.load = [status_code](const Change&) -> absl::StatusOr<Document> { return absl::Status(status_code, "refused"); },
          .split = {},
          .embed = {}},
         FateOfCode(status_code, true),
         Stage::kLoad});
  }
  const std::vector<std::pair<std::string, Document>> documents = {
      {"another document", Good("another", "text")},
      {"a document without an id", Good("", "text")},
      {"a document whose id is not UTF-8", Good("\xFF\xFE", "text")},
      {"a document whose id has 1 MB", Good(std::string(std::size_t{1} << 20, 'i'), "text")},
      {"a document of another case", Good("HOSTILE", "text")},
  };
  for (const auto& [name, document] : documents) {
    replies.push_back({"a source whose Load() gives " + name,
                       {.load = [document = document](const Change&) -> absl::StatusOr<Document> { return document; },
                        .split = {},
                        .embed = {}},
                       Fate::kSetAside,
                       Stage::kLoad});
  }
  replies.push_back({"a source whose Load() throws",
                     {.load = [](const Change&) -> absl::StatusOr<Document> { throw std::runtime_error("thrown"); },
                      .split = {},
                      .embed = {}},
                     Fate::kSetAside,
                     Stage::kLoad});
  return replies;
}

/// Changes that are no documents, of a source that says so.
absl::Status TryBadChange(const BadChange& bad) {
  Bench bench;
  bench.source.Push(bad);
  RAGPIPE_RETURN_IF_ERROR(bench.Run());
  if (bench.report.documents.failed != 1) return Wrong(ToText(bench.report));
  RAGPIPE_RETURN_IF_ERROR(bench.Check({{bad.document_id.empty() ? kNoId : bad.document_id, Stage::kRead}}));
  return bench.CheckFile();
}

/// A wall clock that other hands set: before its n-th reading, it jumps.
class JumpingClock final : public Clock {
 public:
  using Jumps = std::function<absl::Duration(std::uint64_t reading)>;

  explicit JumpingClock(Jumps jumps) : jumps_(std::move(jumps)) {}

  absl::Time Now() override {
    const std::lock_guard lock(mutex_);
    now_ += jumps_(++readings_);
    return now_;
  }

  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, absl::Time deadline) override {
    if (deadline == absl::InfiniteFuture()) {
      wake.wait(lock);
      return;
    }
    {
      const std::lock_guard own(mutex_);
      now_ += std::clamp(deadline - now_, absl::ZeroDuration(), absl::Seconds(1));  // as SystemClock() waits
    }
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
  }

 private:
  std::mutex mutex_;
  absl::Time now_ = absl::FromUnixSeconds(1'767'225'600);  // 2026-01-01T00:00:00Z
  std::uint64_t readings_ = 0;
  Jumps jumps_;
};

/// A run with busy stages, which pause and try again, and small commits.
absl::Status TryClock(const JumpingClock::Jumps& jumps) {
  JumpingClock clock(jumps);
  Bench bench;
  bench.options.clock = &clock;
  bench.options.commit_documents = 3;
  for (int i = 0; i < 40; ++i) bench.Put(Good(fmt::format("doc{}", i), fmt::format("hostile text {}", i)));
  int calls = 0;
  bench.replies.embed = [&](const EmbedRequest& request) -> absl::StatusOr<std::vector<std::vector<float>>> {
    if (++calls % 3 != 0) return absl::UnavailableError("busy");
    std::vector<std::vector<float>> vectors;
    testing::HashEmbedder embedder({.dimension = kDimension});
    for (const std::string_view text : request.texts) {
      EmbedRequest one;
      one.texts = {&text, 1};
      vectors.emplace_back(kDimension);
      RAGPIPE_RETURN_IF_ERROR(embedder.Embed(one, vectors.back()));
    }
    return vectors;
  };
  RAGPIPE_RETURN_IF_ERROR(bench.Run());
  RAGPIPE_RETURN_IF_ERROR(bench.Check());
  bench.source.Delete("doc7");
  bench.wanted.erase("doc7");
  bench.Put(Good("doc8", "changed"));
  RAGPIPE_RETURN_IF_ERROR(bench.Run());
  return bench.Check();
}

std::vector<std::pair<std::string, JumpingClock::Jumps>> Clocks() {
  const absl::Duration year = absl::Hours(24 * 365);
  auto once = [](std::uint64_t at, absl::Duration jump) {
    return [at, jump](std::uint64_t reading) { return reading == at ? jump : absl::ZeroDuration(); };
  };
  std::vector<std::pair<std::string, JumpingClock::Jumps>> clocks;
  for (const std::uint64_t at : {1U, 5U, 12U, 20U, 40U}) {
    clocks.emplace_back(fmt::format("a clock ten years forward at reading {}", at), once(at, 10 * year));
    clocks.emplace_back(fmt::format("a clock ten years back at reading {}", at), once(at, -10 * year));
  }
  clocks.emplace_back("a clock an hour back, as summer time ends", once(15, -absl::Hours(1)));
  clocks.emplace_back("a clock an hour forward, as summer time begins", once(15, absl::Hours(1)));
  clocks.emplace_back("a clock before 1970", once(1, -60 * year));
  clocks.emplace_back("a clock in the year 10000", once(1, 7974 * year));
  clocks.emplace_back("a clock that swings by years",
                      [year](std::uint64_t reading) { return reading % 2 == 0 ? year : -year; });
  clocks.emplace_back("a clock that goes back a minute at every tenth reading",
                      [](std::uint64_t reading) { return reading % 10 == 0 ? -absl::Minutes(1) : absl::ZeroDuration(); });
  clocks.emplace_back("a clock that a day passes in with each reading", [](std::uint64_t) { return absl::Hours(24); });
  return clocks;
}

/// Versions of one document, one after the other; the index must follow the rule.
absl::Status TryVersions(const std::vector<std::pair<Version, bool>>& versions) {
  Bench bench;
  int number = 0;
  for (const auto& [version, counts] : versions) {
    Document document = Good("versioned", fmt::format("text {}", ++number));
    document.version = version;
    if (counts) {
      bench.Put(document);
    } else {
      bench.source.Put(document);
    }
    RAGPIPE_RETURN_IF_ERROR(bench.Run());
    RAGPIPE_RETURN_IF_ERROR(bench.Check());
  }
  return absl::OkStatus();
}

/// Everything that can be in one feed, at once.
absl::Status TryAllAtOnce(const std::vector<HostileDocument>& documents) {
  Bench bench;
  std::map<std::string, Stage> set_aside;
  int number = 0;
  for (HostileDocument hostile : documents) {
    if (hostile.document.id == "hostile") hostile.document.id = fmt::format("hostile/{}", ++number);
    if (!hostile.set_aside.has_value()) {
      bench.Put(hostile.document);
      continue;
    }
    bench.source.Put(hostile.document);
    set_aside[hostile.document.id.empty() ? kNoId : hostile.document.id] = *hostile.set_aside;
  }
  RAGPIPE_RETURN_IF_ERROR(bench.Run());
  RAGPIPE_RETURN_IF_ERROR(bench.Check(set_aside));
  RAGPIPE_RETURN_IF_ERROR(bench.Run());
  RAGPIPE_RETURN_IF_ERROR(bench.Check(set_aside));
  bench.source.Clear();
  bench.wanted.clear();
  bench.options.deletion_guard.max_percent = 100;
  RAGPIPE_RETURN_IF_ERROR(bench.Run());
  RAGPIPE_RETURN_IF_ERROR(bench.Check());
  return bench.CheckFile();
}

struct Promise {
  Tally tally;
  std::vector<HostileCase> cases;
};

std::vector<Promise> Promises() {
  Promise poison{{"P10", "hostile input: the rest is indexed exactly, it is indexed or one dead letter"}, {}};
  Promise time{{"P13", "hostile times, versions and clocks: the index is the same"}, {}};
  std::vector<HostileDocument> all;
  auto add_documents = [&all](Promise& promise, const std::vector<HostileDocument>& documents) {
    for (const HostileDocument& hostile : documents) {
      const bool lazy = promise.cases.size() % 2 == 0;
      promise.cases.push_back({hostile.name, [hostile, lazy] { return TryDocument(hostile, lazy); }});
      all.push_back(hostile);
    }
  };
  add_documents(poison, HostileTexts());
  add_documents(poison, HostileIds());
  add_documents(poison, HostileMetadata());
  add_documents(time, HostileTimesAndVersions());
  for (auto* replies : {&EmbedderReplies, &ChunkerReplies, &SourceReplies}) {
    for (const HostileReply& reply : replies()) poison.cases.push_back({reply.name, [reply] { return TryReply(reply); }});
  }
  const std::vector<std::pair<std::string, BadChange>> bad_changes = {
      {"a change that is none", {"line 17", absl::InvalidArgumentError("does not parse"), {}, {}}},
      {"a change that is none, without a name", {"", absl::InvalidArgumentError("does not parse"), {}, {}}},
      {"a change that is none, without a reason", {"line 17", absl::OkStatus(), {}, {}}},
      {"a change that is none, with a name that is not UTF-8", {"\xFF", absl::DataLossError("torn"), {}, {}}},
      {"a change that is none, with a name of 1 MB",
       {std::string(std::size_t{1} << 20, 'n'), absl::DataLossError("torn"), {}, {}}},
  };
  for (const auto& [name, bad] : bad_changes) poison.cases.push_back({name, [bad = bad] { return TryBadChange(bad); }});
  poison.cases.push_back({"all hostile documents at once", [all] { return TryAllAtOnce(all); }});
  for (const auto& [name, jumps] : Clocks()) time.cases.push_back({name, [jumps = jumps] { return TryClock(jumps); }});
  const std::vector<std::pair<std::string, std::vector<std::pair<Version, bool>>>> histories = {
      {"ordinals that go back", {{{"a", 5}, true}, {{"b", 3}, false}, {{"c", 6}, true}}},
      {"an ordinal that falls from the largest to 0", {{{"a", UINT64_MAX}, true}, {{"b", 0}, false}}},
      {"an ordinal that rises by 2^63", {{{"a", 0}, true}, {{"b", std::uint64_t{1} << 63}, true}, {{"c", 1}, false}}},
      {"the same ordinal with another token", {{{"a", 5}, true}, {{"b", 5}, true}}},
      {"an ordinal that goes away and comes back lower", {{{"a", 5}, true}, {{"b", {}}, true}, {{"c", 1}, true}}},
      {"a token that comes back", {{{"a", {}}, true}, {{"b", {}}, true}, {{"a", {}}, true}}},
      {"no version at all", {{{"", {}}, true}, {{"", {}}, true}}},
  };
  for (const auto& [name, versions] : histories) {
    time.cases.push_back({name, [versions = versions] { return TryVersions(versions); }});
  }
  return {poison, time};
}

const char* running_case = "";

std::vector<Tally> Prove(const Arguments& arguments) {
  signal(SIGALRM, [](int) {
    // A run that hangs cannot be stopped; the table ends here.
    for (const char* part : {"hangs: ", running_case, "\n"}) {
      if (write(STDERR_FILENO, part, std::char_traits<char>::length(part)) < 0) break;
    }
    _exit(1);
  });
  std::vector<Tally> tallies;
  std::uint64_t number = 0;
  for (Promise& promise : Promises()) {
    const auto begin = std::chrono::steady_clock::now();
    for (const HostileCase& hostile : promise.cases) {
      ++number;
      if (number < arguments.first || number - arguments.first >= arguments.cases) continue;
      running_case = hostile.name.c_str();
      alarm(kMostSeconds);
      promise.tally.Case();
      if (const absl::Status status = hostile.run(); !status.ok()) {
        promise.tally.Violation(fmt::format("--first {} --cases 1 ({})", number, hostile.name), status.ToString());
      }
      alarm(0);
    }
    promise.tally.Spent(std::chrono::steady_clock::now() - begin);
    tallies.push_back(promise.tally);
  }
  return tallies;
}

}  // namespace
}  // namespace ragpipe::proof

int main(int argc, char** argv) { return ragpipe::proof::Main(argc, argv, 1000, ragpipe::proof::Prove); }

#include "ragpipe/testing/check_chunker.h"

#include <absl/status/status.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "ragpipe/adapters.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "support/catch.h"
#include "testing/broken_stages.h"

namespace ragpipe::testing {
namespace {

using Chunks = std::vector<Chunk>;
using Spoil = std::function<void(const Document&, Chunks&)>;

std::size_t CountWords(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::size_t count = 0;
  for (std::string word; words >> word;) ++count;
  return count;
}

/// Lets the good chunker answer, then `spoil`s it.
class SpoiledChunker final : public Chunker {
 public:
  explicit SpoiledChunker(Spoil spoil) : spoil_(std::move(spoil)) {}

  absl::StatusOr<Chunks> Split(const Document& document) const override {
    absl::StatusOr<Chunks> chunks = good_.Split(document);
    spoil_(document, *chunks);
    return chunks;
  }
  std::string Fingerprint() const override { return "spoiled"; }

 private:
  ParagraphChunker good_;
  Spoil spoil_;
};

class FingerprintChunker final : public Chunker {
 public:
  explicit FingerprintChunker(std::function<std::string()> fingerprint) : fingerprint_(std::move(fingerprint)) {}

  absl::StatusOr<Chunks> Split(const Document& document) const override { return good_.Split(document); }
  std::string Fingerprint() const override { return fingerprint_(); }

 private:
  ParagraphChunker good_;
  std::function<std::string()> fingerprint_;
};

/// Forgets the last chunk of a stream.
class ForgetfulChunker final : public Chunker {
 public:
  absl::StatusOr<Chunks> Split(const Document& document) const override { return good_.Split(document); }
  absl::Status SplitStream(const Document& document, const ReadText& read, const TakeChunk& take) const override {
    std::optional<std::pair<Chunk, std::string>> last;
    return good_.SplitStream(document, read, [&](const Chunk& chunk, std::string_view text) {
      const absl::Status status = last ? take(last->first, last->second) : absl::OkStatus();
      last.emplace(chunk, text);
      return status;
    });
  }
  std::string Fingerprint() const override { return "forgetful"; }

 private:
  ParagraphChunker good_;
};

Broken Spoiled(std::string rule, Spoil spoil, ChunkerCheckOptions options = {}) {
  return {std::move(rule), [spoil = std::move(spoil), options = std::move(options)] {
            return CheckChunker([&spoil] { return std::make_unique<SpoiledChunker>(spoil); }, options);
          }};
}

/// So every edit changes every chunk.
void SayLengthOfDocument(const Document& document, Chunks& chunks) {
  for (Chunk& chunk : chunks) chunk.context = std::to_string(document.text.size());
}

TEST_CASE("CheckChunker: our chunkers conform") {
  const auto of_paragraphs =
      CheckChunker([] { return std::make_unique<ParagraphChunker>(); }, {.count_tokens = CountWords, .edit_radius = 1});
  INFO(ToText(of_paragraphs));
  CHECK(of_paragraphs.empty());

  const auto of_function = CheckChunker([] {
    return std::make_unique<FunctionChunker>("whole", [](const Document& document) {
      Chunks chunks(document.text.empty() ? 0 : 1);
      if (!chunks.empty()) chunks[0].range = {0, document.text.size()};
      return chunks;
    });
  });
  INFO(ToText(of_function));
  CHECK(of_function.empty());
}

TEST_CASE("CheckChunker: the options say what need not be") {
  auto first_only = [] {
    return std::make_unique<SpoiledChunker>([](const Document&, Chunks& chunks) { chunks.resize(chunks.empty() ? 0 : 1); });
  };
  CHECK(CheckChunker(first_only).size() == 1);
  CHECK(CheckChunker(first_only, {.keeps_everything = false}).empty());
  Document document;
  document.text = "one paragraph";
  CHECK(CheckChunker(first_only, {.documents = {document}}).empty());
  CHECK(CheckChunker(first_only, {.keeps_everything = false, .max_tokens = 3}).at(0).rule == "chunker.tokens");

  auto estimating = [] {
    return std::make_unique<SpoiledChunker>([](const Document&, Chunks& chunks) {
      for (Chunk& chunk : chunks) chunk.tokens_are_estimated = true;
    });
  };
  CHECK(CheckChunker(estimating).at(0).rule == "chunker.tokens.estimated");
  CHECK(CheckChunker(estimating, {.tokens_are_estimated = true}).empty());
}

TEST_CASE("CheckChunker: each byte is in one chunk, or is dropped") {
  // Paragraphs but the second.
  auto factory = [] {
    return std::make_unique<SpoiledChunker>([](const Document&, Chunks& chunks) {
      if (chunks.size() > 1) chunks.erase(chunks.begin() + 1);
    });
  };
  auto check = [&](std::size_t more) {
    return CheckChunker(factory, {.dropped = [more](const Document& document) {
                          const auto chunks = ParagraphChunker().Split(document);
                          if (!chunks.ok() || chunks->size() < 2) return std::vector<ByteRange>();
                          const ByteRange second = (*chunks)[1].range;
                          return std::vector<ByteRange>{{second.begin - more, second.end}};
                        }});
  };
  CHECK(check(0).empty());
  REQUIRE(check(1).size() == 1);
  CHECK(check(1)[0].rule == "chunker.ranges.tile");
}

TEST_CASE("CheckChunker: how far an edit reaches is looked at in the host's own document") {
  Document document;
  document.text = "a paragraph\n\nwithout\tmany blanks\n\nand its end";
  auto factory = [] { return std::make_unique<SpoiledChunker>(SayLengthOfDocument); };
  CHECK(CheckChunker(factory, {.edit_radius = 1000, .documents = {document}}).empty());
  const auto findings = CheckChunker(factory, {.edit_radius = 4, .documents = {document}});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "chunker.edit_radius");
  document.text = "\u6F22\u5B57";
  CHECK(CheckChunker(factory, {.edit_radius = 4, .documents = {document}}).empty());
}

TEST_CASE("CheckChunker: every broken rule is found out") {
  std::atomic<std::size_t> counter = 0;
  std::atomic<int> in_flight = 0;
  auto fingerprint = [](std::string rule, std::function<std::string()> get) {
    return Broken{std::move(rule), [get = std::move(get)] {
                    return CheckChunker([&get] { return std::make_unique<FingerprintChunker>(get); });
                  }};
  };
  const std::vector<Broken> all = {
      {"chunker.factory", [] { return CheckChunker([] { return std::shared_ptr<Chunker>(); }); }},
      Spoiled("chunker.no_throw", [](const Document&, Chunks&) { throw std::runtime_error("thrown"); }),
      fingerprint("chunker.fingerprint.readable", [] { return std::string("two\nlines"); }),
      fingerprint("chunker.fingerprint.stable", [&] { return std::to_string(++counter); }),
      {"chunker.accepts",
       [] {
         return CheckChunker([] {
           return std::make_unique<FunctionChunker>("picky", [](const Document& document) -> absl::StatusOr<Chunks> {
             if (document.text.find('\r') != std::string::npos) return absl::InvalidArgumentError("a carriage return");
             return ParagraphChunker().Split(document);
           });
         });
       }},
      Spoiled("chunker.empty",
              [](const Document&, Chunks& chunks) {
                if (chunks.empty()) chunks.emplace_back();
              }),
      Spoiled("chunker.pure",
              [&](const Document&, Chunks& chunks) {
                if (!chunks.empty()) chunks[0].tokens = ++counter;
              }),
      Spoiled("chunker.concurrent",
              [&](const Document&, Chunks& chunks) {
                const bool alone = in_flight.fetch_add(1) == 0;
                std::this_thread::sleep_for(std::chrono::microseconds(100));
                if (!alone) chunks.clear();
                --in_flight;
              }),
      Spoiled("chunker.ranges.inside",
              [](const Document&, Chunks& chunks) {
                if (!chunks.empty()) ++chunks.back().range.end;
              }),
      Spoiled("chunker.ranges.order",
              [](const Document&, Chunks& chunks) {
                if (chunks.size() > 1) std::swap(chunks[0], chunks[1]);
              }),
      Spoiled("chunker.ranges.code_points",
              [](const Document& document, Chunks& chunks) {
                chunks.clear();
                for (std::size_t begin = 0; begin < document.text.size(); begin += 7) {
                  chunks.emplace_back().range = {begin, std::min(begin + 7, document.text.size())};
                }
              }),
      {"chunker.ranges.crlf",
       [] {
         return CheckChunker([] {
           return std::make_unique<FunctionChunker>("after each CR", [](const Document& document) {
             Chunks chunks;
             for (std::size_t begin = 0; begin < document.text.size();) {
               const std::size_t end = std::min(document.text.find('\r', begin), document.text.size() - 1) + 1;
               chunks.emplace_back().range = {begin, end};
               begin = end;
             }
             return chunks;
           });
         });
       }},
      Spoiled("chunker.ranges.tile",
              [](const Document&, Chunks& chunks) {
                if (chunks.size() > 1) chunks.erase(chunks.begin() + 1);
              }),
      Spoiled("chunker.overlap",
              [](const Document&, Chunks& chunks) {
                for (Chunk& chunk : chunks) chunk.overlap = chunk.range.begin;
              }),
      Spoiled("chunker.embeds_text",
              [](const Document& document, Chunks& chunks) {
                if (!chunks.empty()) chunks.emplace_back().range = {document.text.size(), document.text.size()};
              }),
      Spoiled("chunker.utf8",
              [](const Document&, Chunks& chunks) {
                for (Chunk& chunk : chunks) chunk.headings = {"\xC3"};
              }),
      Spoiled("chunker.tokens",
              [](const Document&, Chunks& chunks) {
                for (Chunk& chunk : chunks) chunk.context = "forgotten ";
              },
              {.count_tokens = CountWords}),
      Spoiled("chunker.tokens.estimated", [](const Document&, Chunks&) {}, {.tokens_are_estimated = true}),
      Spoiled("chunker.edit_radius", SayLengthOfDocument, {.edit_radius = 500}),
      {"chunker.stream", [] { return CheckChunker([] { return std::make_unique<ForgetfulChunker>(); }); }},
  };
  CheckFoundOut(all, ListedRules("check_chunker.h", "chunker"));
}

}  // namespace
}  // namespace ragpipe::testing

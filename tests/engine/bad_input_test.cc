// Documents that nobody should have sent: each is set aside with a reason, and nothing else is lost.
#include <limits>
#include <string>

#include "engine/rig.h"
#include "ragpipe/adapters.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

struct BadInput {
  std::string name;
  Document document;
  std::string expected;  // part of the reason
};

Document Make(std::string id, std::string text, Metadata metadata = {}) {
  Document document;
  document.id = std::move(id);
  document.text = std::move(text);
  document.metadata = std::move(metadata);
  return document;
}

std::vector<BadInput> BadInputs() {
  using namespace std::string_literals;
  return {
      {"a lone continuation byte", Make("x", "abc\x80 def"), "not UTF-8 at byte 3"},
      {"a truncated sequence", Make("x", "abc\xE2\x82"), "not UTF-8 at byte 3"},
      {"an overlong slash", Make("x", "\xC0\xAF"), "not UTF-8 at byte 0"},
      {"a surrogate", Make("x", "12345678\xED\xA0\x80"), "not UTF-8 at byte 8"},
      {"above U+10FFFF", Make("x", "\xF4\x90\x80\x80"), "not UTF-8 at byte 0"},
      {"Latin-1", Make("x", "na\xEFve"), "not UTF-8 at byte 2"},
      {"NUL", Make("x", "abc\0def"s), "NUL byte at 3"},
      {"too large", Make("x", std::string(5000, 'x')), "5000 bytes"},
      {"an empty id", Make("", "text"), "id is empty"},
      {"a long id", Make(std::string(10'000, 'i'), "text"), "10000 bytes"},
      {"an id with NUL", Make("a\0b"s, "text"), "NUL"},
      {"an id that is not UTF-8", Make("\xFF", "text"), "not UTF-8"},
      {"metadata that is not UTF-8", Make("x", "t", {{"k", "\xFF"s}}), "'k'"},
      {"metadata with NUL", Make("x", "t", {{"k", "a\0b"s}}), "'k'"},
      {"a field name that is not UTF-8", Make("x", "t", {{"\xFF", true}}), "name of a metadata field"},
      {"an empty field name", Make("x", "t", {{"", true}}), "name of a metadata field is empty"},
      {"an infinite number", Make("x", "t", {{"k", std::numeric_limits<double>::infinity()}}), "'k'"},
      {"a NaN", Make("x", "t", {{"k", std::numeric_limits<double>::quiet_NaN()}}), "'k'"},
      {"a list item that is not UTF-8", Make("x", "t", {{"k", std::vector<std::string>{"ok", "\xC3"}}}), "'k'"},
  };
}

}  // namespace

TEST_CASE("bad documents are set aside with a reason, the rest is indexed") {
  for (const BadInput& input : BadInputs()) {
    INFO(input.name);
    Rig rig;
    rig.options.max_document_bytes = 4096;
    rig.source.Put("before", "text before");
    rig.source.Put(input.document);
    rig.source.Put("z after", "text after");
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.processed == 2);
    CHECK(rig.report.documents.failed == 1);
    const auto letters = rig.store.checkpoint().ListDeadLetters("memory", "", 10);
    REQUIRE_OK(letters);
    REQUIRE(letters->size() == 1);
    const std::string& id = input.document.id;
    CHECK(letters->front().document_id == (id.empty() ? "(no id) number 1 of a listing" : id));
    CHECK(std::string(letters->front().reason.message()).find(input.expected) != std::string::npos);
    CHECK(rig.observer.dead_letters().size() == 1);
    CHECK(rig.store.records().size() == 2);

    rig.source.Delete(input.document.id);
    if (input.document.id == "x") rig.source.Put("x", "good now");
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.complete);
    CHECK(rig.store.checkpoint().ListDeadLetters("memory", "", 10).value().empty());
  }
}

TEST_CASE("a document of 100 MB is set aside by default and passes when allowed, whatever the budget") {
  Rig rig;
  std::string text;
  text.reserve(std::size_t{100} << 20);
  while (text.size() + 64 < (std::size_t{100} << 20)) {
    text += "paragraph " + std::to_string(text.size()) + std::string(40000, 'x') + "\n\n";
  }
  rig.source.Put("large", std::move(text));
  rig.source.Put("small", "text");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.failed == 1);
  CHECK(rig.store.records().size() == 1);

  rig.options.max_document_bytes = std::size_t{200} << 20;
  rig.options.memory_budget = std::size_t{1} << 20;
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.store.records().size() > 1000);
}

TEST_CASE("the same id several times in one feed: the last one counts") {
  Rig rig({.mode = MemorySourceOptions::Mode::kFeed});
  for (int i = 0; i < 500; ++i) rig.source.Put("doc" + std::to_string(i % 7), "version " + std::to_string(i));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.seen == 500);
  CHECK(rig.report.documents.superseded > 0);
  CHECK(rig.report.complete);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("options that make no sense are refused before anything is read") {
  Rig rig;
  rig.source.Put("a", "text");
  SECTION("memory_budget") { rig.options.memory_budget = 0; }
  SECTION("chunk_workers") { rig.options.chunk_workers = -1; }
  SECTION("embed_calls") { rig.options.embed_calls = -1; }
  SECTION("commit_interval") { rig.options.commit_interval = absl::ZeroDuration(); }
  SECTION("commit_documents") { rig.options.commit_documents = 0; }
  SECTION("max_document_bytes") { rig.options.max_document_bytes = 0; }
  SECTION("max_attempts") { rig.options.retry.max_attempts = 0; }
  SECTION("max_percent") { rig.options.deletion_guard.max_percent = std::numeric_limits<double>::quiet_NaN(); }
  const absl::Status status = rig.Run();
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(std::string(status.message()).find("PipelineOptions::") != std::string::npos);
  CHECK(rig.source.counts().streams_opened == 0);
}

TEST_CASE("an embedder that allows nothing, or has no dimension, is refused") {
  Rig rig;
  rig.source.Put("a", "text");
  const auto embed = [](const EmbedRequest&) -> absl::StatusOr<std::vector<std::vector<float>>> {
    return absl::InternalError("");
  };
  SECTION("no texts") {
    FunctionEmbedder embedder("none", 2, embed, {.texts = 0});
    Pipeline pipeline{rig.source, rig.chunker, embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    CHECK(absl::IsFailedPrecondition(pipeline.Run(rig.report)));
  }
  SECTION("no dimension") {
    FunctionEmbedder embedder("none", 0, embed);
    Pipeline pipeline{rig.source, rig.chunker, embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    CHECK(absl::IsFailedPrecondition(pipeline.Run(rig.report)));
  }
  SECTION("no name of the source") {
    FunctionSource source("", []() -> absl::StatusOr<std::vector<Document>> { return std::vector<Document>(); });
    Pipeline pipeline{source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    CHECK(absl::IsFailedPrecondition(pipeline.Run(rig.report)));
  }
}

TEST_CASE("a reason is there, in one line of bounded length, whatever the host says") {
  using namespace std::string_literals;
  Rig rig;
  rig.source.Push(BadChange{"no reason", absl::OkStatus(), {}, {}});
  rig.source.Push(BadChange{"", absl::DataLossError("torn"), {}, {}});
  rig.source.Push(BadChange{std::string(1'000'000, 'n'), absl::DataLossError("line\n" + std::string(1'000'000, 'r')), {}, {}});
  rig.source.Push(BadChange{"bytes \xFF", absl::DataLossError("caf\xE9"), {}, {}});
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.failed == 4);
  const auto letters = rig.store.checkpoint().ListDeadLetters("memory", "", 10);
  REQUIRE_OK(letters);
  REQUIRE(letters->size() == 4);
  for (const DeadLetter& letter : *letters) {
    const std::string reason(letter.reason.message());
    CHECK_FALSE(letter.reason.ok());
    CHECK_FALSE(reason.empty());
    CHECK(reason.size() < 3000);
    CHECK(reason.find_first_of("\n\xE9") == std::string::npos);
  }
  CHECK(ToJson(rig.report).size() < 10'000);
}

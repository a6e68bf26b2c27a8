// What a run does with what changed, and only with that.
#include <map>
#include <string>

#include "engine/rig.h"

using namespace ragpipe;
using namespace ragpipe::testing;

TEST_CASE("a cold run embeds everything, the next one nothing") {
  Rig rig;
  for (int i = 0; i < 50; ++i) rig.source.Put("doc" + std::to_string(i), "first of " + std::to_string(i) + "\n\nsecond of " + std::to_string(i));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.report.documents.processed == 50);
  CHECK(rig.report.chunks.embedded == 100);
  CHECK(rig.report.chunks.total == 100);
  CHECK(rig.report.embed.texts == 100);
  CHECK(rig.report.embed.tokens == 300);
  CHECK(rig.report.bytes.read > 0);
  rig.CheckIndexEqualsSource();

  const auto before = rig.store.counts();
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.report.documents.seen == 50);
  CHECK(rig.report.documents.unchanged == 50);
  CHECK(rig.report.chunks.reused == 100);
  CHECK(rig.report.chunks.total == 100);
  CHECK(rig.report.embed.calls == 0);
  CHECK(rig.store.counts().writes == before.writes);
  CHECK(rig.store.counts().commits == before.commits);
}

TEST_CASE("an unchanged version token is believed without reading the body") {
  Rig rig({.lazy = true});
  rig.source.Put("a", "text of a");
  REQUIRE_OK(rig.Run());
  CHECK(rig.source.counts().documents_loaded == 1);
  REQUIRE_OK(rig.Run());
  CHECK(rig.source.counts().documents_loaded == 1);
}

TEST_CASE("a new token with the same content is read but not chunked, and remembered") {
  Rig rig({.lazy = true});
  rig.source.Put("a", "text of a");
  REQUIRE_OK(rig.Run());
  rig.source.Put("a", "text of a");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.unchanged == 1);
  CHECK(rig.report.stage_times.chunk == absl::ZeroDuration());
  CHECK(rig.source.counts().documents_loaded == 2);
  REQUIRE_OK(rig.Run());
  CHECK(rig.source.counts().documents_loaded == 2);
}

TEST_CASE("documents without any version are compared by content") {
  Rig rig({.versions = MemorySourceOptions::Versions::kNone});
  rig.source.Put("a", "text");
  REQUIRE_OK(rig.Run());
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.unchanged == 1);
  CHECK(rig.report.embed.calls == 0);
}

TEST_CASE("an edit embeds one chunk; moved chunks are patched, vanished ones deleted") {
  Rig rig;
  rig.source.Put("a", "one\n\ntwo\n\nthree\n\nfour");
  REQUIRE_OK(rig.Run());
  rig.source.Put("a", "one\n\nsomething longer\n\nthree\n\nfour");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.chunks.embedded == 1);
  CHECK(rig.report.chunks.reused == 1);
  CHECK(rig.report.chunks.patched == 2);
  CHECK(rig.report.chunks.deleted == 1);
  CHECK(rig.report.embed.texts == 1);
  rig.CheckIndexEqualsSource();

  rig.source.Put("a", "one");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.embed.texts == 1);  // "one" lost its blank line
  CHECK(rig.report.chunks.deleted == 4);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a metadata-only change patches the payload and embeds nothing") {
  Rig rig;
  rig.source.Put("a", "one\n\ntwo", {{"lang", std::string("en")}});
  REQUIRE_OK(rig.Run());
  rig.source.Put("a", "one\n\ntwo", {{"lang", std::string("de")}});
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.processed == 1);
  CHECK(rig.report.chunks.patched == 2);
  CHECK(rig.report.embed.calls == 0);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a renamed document keeps its vectors") {
  Rig rig;
  rig.source.Put("old name", "one\n\ntwo\n\nthree");
  REQUIRE_OK(rig.Run());
  rig.source.Delete("old name");
  rig.source.Put("new name", "one\n\ntwo\n\nthree");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.embed.calls == 0);
  CHECK(rig.report.chunks.reused == 3);
  CHECK(rig.report.documents.deleted == 1);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("the same text twice in a document is embedded once and stored twice") {
  Rig rig;
  rig.source.Put("a", "same\n\nother\n\nsame\n\nsame\n\n");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.embed.texts == 2);
  CHECK(rig.report.chunks.total == 4);
  CHECK(rig.store.records().size() == 4);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("ids by document and index rename after an insertion but keep vectors") {
  Rig rig;
  rig.options.record_ids = RecordIds::kDocumentIndex;
  rig.source.Put("a", "one\n\ntwo\n\nthree");
  REQUIRE_OK(rig.Run());
  CHECK(rig.store.records().count("a:0") == 1);
  rig.source.Put("a", "zero\n\none\n\ntwo\n\nthree");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.embed.texts == 1);
  CHECK(rig.store.records().at("a:1").text == "one\n\n");
  rig.CheckIndexEqualsSource();
  rig.source.Put("a", "three");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.embed.calls == 0);
  CHECK(rig.store.records().size() == 1);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("record ids come from content: moving a chunk keeps its id, another document has another") {
  Rig rig;
  rig.source.Put("a", "one\n\ntwo\n\n");
  rig.source.Put("b", "one\n\n");
  REQUIRE_OK(rig.Run());
  std::map<std::string, std::string> ids;
  for (const auto& [id, record] : rig.store.records()) ids[record.document_id + "/" + record.text] = id;
  CHECK(ids.size() == 3);
  CHECK(ids["a/one\n\n"].size() == 36);
  rig.source.Put("a", "two\n\none\n\n");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.chunks.patched == 2);
  for (const auto& [id, record] : rig.store.records()) CHECK(ids.at(record.document_id + "/" + record.text) == id);
}

TEST_CASE("sinks that cannot patch or find vectors still end up right") {
  const bool patches = GENERATE(false, true);
  const bool finds = GENERATE(false, true);
  Rig rig({}, {.patches_payload = patches, .finds_vectors = finds});
  rig.source.Put("a", "one\n\ntwo\n\nthree");
  rig.source.Put("b", "four");
  REQUIRE_OK(rig.Run());
  rig.source.Put("a", "zero\n\none\n\ntwo\n\nthree");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.embed.texts == (patches || finds ? 1U : 4U));
  rig.CheckIndexEqualsSource();
}

TEST_CASE("without a ledger everything is written again and nothing is doubled or left behind") {
  Rig rig({}, {.keeps_ledger = false});
  rig.source.Put("a", "one\n\ntwo\n\nthree");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  rig.source.Put("a", "one");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.processed == 1);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a lost ledger does not leave orphans in the sink") {
  MemoryStore ledger_now;
  Rig rig({}, {.shared_transaction = false});
  rig.source.Put("a", "one\n\ntwo\n\nthree");
  REQUIRE_OK(rig.Run());
  rig.source.Put("a", "one");
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), ledger_now.checkpoint(), rig.options};
  REQUIRE_OK(pipeline.Run(rig.report));
  rig.CheckIndexEqualsSource();
}

TEST_CASE("documents with nothing to find have no records and are not looked at twice") {
  Rig rig;
  rig.source.Put("empty", "");
  rig.source.Put("blank", " \n\t\r\n ");
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.report.documents.processed == 2);
  CHECK(rig.report.chunks.total == 0);
  CHECK(rig.store.records().empty());
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.unchanged == 2);
}

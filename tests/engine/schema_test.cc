// Declared metadata: what is not as declared is taken, refused, left out or set aside, and the declaration is part of the
// recipe.
#include <absl/time/clock.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/rig.h"

using namespace ragpipe;
using namespace ragpipe::testing;

namespace {

using Mode = MemorySourceOptions::Mode;
using Evolved = RunReport::Fields::Evolved;

const std::string kSecret = "not to be shown";

/// `year` is an integer, `score` a double, `language` a string that must be there.
Schema Declared() {
  return {.fields = {{"year", FieldType::kInteger},
                     {"score", FieldType::kDouble},
                     {"language", FieldType::kString, true},
                     {"tags", FieldType::kStringList},
                     {"public", FieldType::kBool}}};
}

Metadata Good() { return {{"language", std::string("en")}, {"year", std::int64_t{2026}}}; }

Metadata With(Metadata metadata, std::string_view name, MetadataValue value) {
  metadata.insert_or_assign(std::string(name), std::move(value));
  return metadata;
}

Metadata Without(Metadata metadata, std::string_view name) {
  metadata.erase(metadata.find(name));
  return metadata;
}

struct SchemaRig : Rig {
  explicit SchemaRig(MemorySourceOptions source_options = {.mode = Mode::kFeed}, HashEmbedderOptions embedder_options = {})
      : Rig(source_options, {}, embedder_options) {
    options.schema = Declared();
  }

  std::vector<DeadLetter> Letters() {
    const auto letters = store.checkpoint().ListDeadLetters("memory", "", 100);
    REQUIRE_OK(letters);
    return *letters;
  }

  /// Of the one record that the index holds of a document.
  Metadata Stored(std::string_view document_id) {
    for (const auto& [id, record] : store.records()) {
      if (record.document_id == document_id) return record.metadata;
    }
    FAIL("no record of " << document_id);
    return {};
  }

  bool Holds(const std::string& document_id) { return store.entries("memory").count(document_id) != 0; }
};

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// A way to differ from the declaration, and the policy that it meets.
struct Difference {
  std::string name;
  SchemaPolicy Schema::*policy;
  Metadata metadata;
  std::vector<std::string> in_message;  // the field, and the types
  std::uint64_t RunReport::Fields::*count;
};

std::vector<Difference> Differences() {
  return {
      {"undeclared",
       &Schema::undeclared,
       With(Good(), "colour", kSecret),
       {"'colour'", "string"},
       &RunReport::Fields::undeclared},
      {"mistyped",
       &Schema::mistyped,
       With(Good(), "year", kSecret),
       {"'year'", "integer", "string"},
       &RunReport::Fields::mistyped},
      {"missing",
       &Schema::missing,
       Without(Good(), "language"),
       {"'language'", "string", "missing"},
       &RunReport::Fields::missing},
  };
}

void CheckMessage(const Difference& difference, std::string_view message) {
  INFO(message);
  for (const std::string& part : difference.in_message) CHECK(Contains(message, part));
  CHECK_FALSE(Contains(message, kSecret));
}

}  // namespace

TEST_CASE("evolve takes what is not as declared, and the report says what turned up") {
  const std::size_t kind = GENERATE(0U, 1U, 2U);
  const Difference difference = Differences()[kind];
  CAPTURE(difference.name);
  SchemaRig rig;
  rig.options.schema.*difference.policy = SchemaPolicy::kEvolve;
  rig.source.Put("good", "text", Good());
  rig.source.Put("a", "text a", difference.metadata);
  rig.source.Put("b", "text b", difference.metadata);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  rig.CheckIndexEqualsSource();
  CHECK(rig.report.fields.*difference.count == 2);
  CHECK(rig.report.fields.undeclared + rig.report.fields.mistyped + rig.report.fields.missing == 2);
  CHECK(rig.report.fields.discarded == 0);
  if (difference.name == "undeclared") CHECK(rig.report.fields.evolved == std::vector<Evolved>{{"colour", FieldType::kString}});
  if (difference.name == "mistyped") CHECK(rig.report.fields.evolved == std::vector<Evolved>{{"year", FieldType::kString}});
  if (difference.name == "missing") CHECK(rig.report.fields.evolved.empty());
}

TEST_CASE("freeze ends the run by an error that names field and types, and loses nothing") {
  const std::size_t kind = GENERATE(0U, 1U, 2U);
  const Difference difference = Differences()[kind];
  CAPTURE(difference.name);
  SchemaRig rig;
  rig.options.schema.*difference.policy = SchemaPolicy::kFreeze;
  rig.source.Put("good", "text", Good());
  REQUIRE_OK(rig.Run());
  rig.source.Put("a", "text a", difference.metadata);
  rig.source.Put("good 2", "text 2", Good());
  for (int again = 0; again < 2; ++again) {
    const absl::Status status = rig.Run();
    CHECK(absl::IsFailedPrecondition(status));
    CheckMessage(difference, {status.message().data(), status.message().size()});
    CHECK(Contains(std::string(status.message()), "document 'a'"));
    CHECK(rig.report.documents.pending >= 1);
    CHECK(rig.report.documents.failed == 0);
    CHECK(rig.report.fields.*difference.count == 1);
    CHECK(rig.Letters().empty());
    CHECK_FALSE(rig.Holds("a"));
    CHECK(rig.Holds("good"));
  }
  rig.options.schema.*difference.policy = SchemaPolicy::kEvolve;
  rig.options.on_recipe_change = OnRecipeChange::kRebuild;
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a dead letter of the schema names field and types, and a later good version clears it") {
  const std::size_t kind = GENERATE(0U, 1U, 2U);
  const bool lazy = GENERATE(false, true);
  const Difference difference = Differences()[kind];
  CAPTURE(difference.name);
  SchemaRig rig({.mode = Mode::kFeed, .lazy = lazy});
  rig.options.schema.*difference.policy = SchemaPolicy::kDeadLetter;
  rig.source.Put("a", "text before", Good());
  rig.source.Put("b", "text b", Good());
  REQUIRE_OK(rig.Run());
  const auto before = rig.store.records();
  rig.source.Put("a", "text a", difference.metadata);
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.failed == 1);
  CHECK(rig.report.fields.*difference.count == 1);
  CHECK(rig.store.records() == before);  // the index keeps what it held
  REQUIRE(rig.Letters().size() == 1);
  const DeadLetter letter = rig.Letters()[0];
  CHECK(letter.document_id == "a");
  CHECK(letter.stage == Stage::kLoad);
  CHECK(absl::IsInvalidArgument(letter.reason));
  CheckMessage(difference, {letter.reason.message().data(), letter.reason.message().size()});
  CHECK(letter.next_attempt == absl::InfiniteFuture());
  REQUIRE(letter.document.has_value() != lazy);
  if (!lazy) CHECK(letter.document->metadata == difference.metadata);

  rig.source.Put("a", "text a", Good());
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.Letters().empty());
  rig.CheckIndexEqualsSource();
}

TEST_CASE("a discarded field is not stored, and a change of nothing else is no change") {
  const bool undeclared = GENERATE(false, true);
  const std::string field = undeclared ? "colour" : "year";
  SchemaRig rig;
  (undeclared ? rig.options.schema.undeclared : rig.options.schema.mistyped) = SchemaPolicy::kDiscardField;
  rig.source.Put("a", "text", With(Good(), field, kSecret));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.report.fields.discarded == 1);
  CHECK(rig.report.fields.evolved.empty());
  CHECK(rig.Stored("a") == (undeclared ? Good() : Without(Good(), "year")));

  const auto writes = rig.store.counts().writes;
  rig.source.Put("a", "text", With(Good(), field, std::string("another")));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.report.documents.unchanged == 1);
  CHECK(rig.report.fields.discarded == 1);
  CHECK(rig.store.counts().writes == writes);

  rig.source.Put("a", "text", With(With(Good(), field, kSecret), "language", std::string("de")));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.processed == 1);
  CHECK(rig.report.chunks.patched == 1);
  CHECK(std::get<std::string>(rig.Stored("a").at("language")) == "de");
}

TEST_CASE("what is discarded need not be fit to be stored") {
  SchemaRig rig;
  rig.options.schema.undeclared = SchemaPolicy::kDiscardField;
  rig.source.Put("a", "text", With(With(Good(), "\xFF", std::string("x")), "binary", std::string("\0", 1)));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.complete);
  CHECK(rig.Stored("a") == Good());
}

TEST_CASE("a required field of the wrong type that is discarded is missing") {
  SchemaRig rig;
  rig.options.schema.mistyped = SchemaPolicy::kDiscardField;
  rig.source.Put("a", "text", With(Good(), "language", true));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.fields.mistyped == 1);
  CHECK(rig.report.fields.missing == 1);
  CHECK(rig.report.fields.discarded == 0);  // the document did not go on without it
  REQUIRE(rig.Letters().size() == 1);
  CHECK(Contains(std::string(rig.Letters()[0].reason.message()), "missing"));
  CHECK(rig.Letters()[0].document->metadata == With(Good(), "language", true));  // as it came
}

TEST_CASE("of several differences, freeze goes before dead letter, and that before the rest") {
  SchemaRig rig;
  rig.options.schema.undeclared = SchemaPolicy::kDeadLetter;
  rig.options.schema.missing = SchemaPolicy::kEvolve;
  rig.options.schema.mistyped = SchemaPolicy::kDiscardField;
  rig.source.Put("a", "text", {{"colour", kSecret}, {"year", kSecret}});
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.failed == 1);
  CHECK(rig.report.fields.undeclared == 1);
  CHECK(rig.report.fields.mistyped == 1);
  CHECK(rig.report.fields.missing == 1);
  CHECK(rig.report.fields.discarded == 0);

  rig.options.schema.mistyped = SchemaPolicy::kFreeze;
  rig.options.on_recipe_change = OnRecipeChange::kRebuild;
  CHECK(absl::IsFailedPrecondition(rig.Run()));
}

TEST_CASE("an integer stands for a double as long as that holds it exactly") {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  SchemaRig rig;
  rig.source.Put("a", "text", With(Good(), "score", std::int64_t{3}));
  rig.source.Put("b", "text", With(Good(), "score", -kMost));
  rig.source.Put("c", "text", With(Good(), "score", kMost + 1));
  rig.source.Put("d", "text", With(Good(), "year", 2026.0));  // not the other way round
  REQUIRE_OK(rig.Run());
  CHECK(std::get<double>(rig.Stored("a").at("score")) == 3.0);
  CHECK(std::get<double>(rig.Stored("b").at("score")) == -0x1p53);
  CHECK(rig.report.fields.mistyped == 2);
  REQUIRE(rig.Letters().size() == 2);
  CHECK(Contains(std::string(rig.Letters()[0].reason.message()), "no double holds"));

  rig.source.Put("a", "text", With(Good(), "score", 3.0));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.unchanged == 1);
}

TEST_CASE("every type is told from every other") {
  const std::vector<std::pair<FieldType, MetadataValue>> values = {{FieldType::kBool, true},
                                                                   {FieldType::kInteger, std::int64_t{1}},
                                                                   {FieldType::kDouble, 1.5},
                                                                   {FieldType::kString, std::string("1")},
                                                                   {FieldType::kStringList, std::vector<std::string>{"1"}}};
  for (const auto& [declared, unused] : values) {
    Rig rig;
    rig.options.schema = {.fields = {{"field", declared}}};
    for (const auto& [type, value] : values) rig.source.Put(std::string(ToString(type)), "text", {{"field", value}});
    REQUIRE_OK(rig.Run());
    CAPTURE(ToString(declared));
    CHECK(rig.report.documents.failed == (declared == FieldType::kDouble ? 3 : 4));
    CHECK(rig.store.entries("memory").count(std::string(ToString(declared))) == 1);
  }
}

TEST_CASE("the fields that turned up are told once each, and no more than twenty") {
  SchemaRig rig;
  for (int i = 0; i < 100; ++i)
    rig.source.Put("doc" + std::to_string(i), "text", With(Good(), "f" + std::to_string(i % 30), 1.5));
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.fields.undeclared == 100);
  CHECK(rig.report.fields.evolved.size() == 20);
  rig.source.Put("long", "text", With(Good(), std::string(10'000, 'x'), true));
  REQUIRE_OK(rig.Run());
  REQUIRE(rig.report.fields.evolved.size() == 1);
  CHECK(rig.report.fields.evolved[0].name.size() <= 210);
}

TEST_CASE("a continuous run that freezes ends by itself; the change comes again") {
  SchemaRig rig({.mode = Mode::kFeed, .endless = true});
  rig.options.clock = nullptr;
  rig.options.schema.undeclared = SchemaPolicy::kFreeze;
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  rig.source.Put("good", "text", Good());
  REQUIRE_OK(pipeline.Start());
  while (pipeline.Report().documents.processed < 1) absl::SleepFor(absl::Milliseconds(1));
  for (int again = 0; again < 2; ++again) {
    if (again == 0) {
      rig.source.Put("bad", "text", With(Good(), "colour", kSecret));
    } else {
      REQUIRE_OK(pipeline.Start());
    }
    while (pipeline.IsRunning()) absl::SleepFor(absl::Milliseconds(1));
    const absl::Status status = pipeline.Stop(absl::Seconds(10), rig.report);
    CHECK(absl::IsFailedPrecondition(status));
    CheckReport(rig.report);
    CHECK(rig.report.documents.pending == 1);
    CHECK(rig.Holds("good"));
  }
}

TEST_CASE("a schema is part of the recipe, the order of its fields is not") {
  SchemaRig rig;
  rig.source.Put("a", "text", Good());
  REQUIRE_OK(rig.Run());
  const std::string stored = rig.store.index().LoadRecipe()->schema;
  Schema& schema = rig.options.schema;
  SECTION("the same in another order") {
    std::swap(schema.fields.front(), schema.fields.back());
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.seen == 0);
  }
  SECTION("other schemas") {
    const int change = GENERATE(0, 1, 2, 3, 4, 5, 6);
    if (change == 0) schema.fields[1].type = FieldType::kString;
    if (change == 1) schema.fields[0].required = true;
    if (change == 2) schema.fields.pop_back();
    if (change == 3) schema.undeclared = SchemaPolicy::kDiscardField;
    if (change == 4) schema.mistyped = SchemaPolicy::kEvolve;
    if (change == 5) schema.missing = SchemaPolicy::kEvolve;
    if (change == 6) schema = {};
    const absl::Status status = rig.Run();
    CHECK(absl::IsFailedPrecondition(status));
    CHECK(Contains(std::string(status.message()), "schema was"));
    CHECK(Contains(std::string(status.message()), R"("language" string required)"));
    CHECK(rig.Holds("a"));

    Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
    Plan plan;
    REQUIRE_OK(pipeline.MakePlan({}, plan));
    CHECK(Contains(plan.recipe_change, "schema was"));
    CHECK(absl::IsFailedPrecondition(plan.refusal));

    rig.options.on_recipe_change = OnRecipeChange::kRebuild;
    REQUIRE_OK(rig.Run());
    CHECK(rig.report.documents.processed == 1);
  }
}

TEST_CASE("a schema that asks nothing leaves an index as it was") {
  Rig rig;
  rig.source.Put("a", "text", Good());
  REQUIRE_OK(rig.Run());
  CHECK(rig.store.index().LoadRecipe()->schema == "2;ids=content");
  rig.options.schema.mistyped = SchemaPolicy::kFreeze;  // of no field
  rig.options.schema.missing = SchemaPolicy::kFreeze;
  REQUIRE_OK(rig.Run());
  CHECK(rig.report.documents.unchanged == 1);
}

TEST_CASE("names of fields cannot be mistaken for another declaration") {
  Rig rig;
  rig.source.Put("a", "text");
  rig.options.schema = {.fields = {{"a", FieldType::kBool}, {"b", FieldType::kBool}}};
  REQUIRE_OK(rig.Run());
  rig.options.schema = {.fields = {{"a\" bool, \"b", FieldType::kBool}}};
  CHECK(absl::IsFailedPrecondition(rig.Run()));
}

TEST_CASE("a plan counts what the schema would set aside, and ends where it would freeze") {
  SchemaRig rig;
  rig.source.Put("good", "text", Good());
  rig.source.Put("bad", "text", With(Good(), "year", kSecret));
  Pipeline pipeline{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  Plan plan;
  REQUIRE_OK(pipeline.MakePlan({}, plan));
  CHECK(plan.documents.added == 1);
  CHECK(plan.documents.failed == 1);
  rig.options.schema.mistyped = SchemaPolicy::kFreeze;
  Pipeline frozen{rig.source, rig.chunker, rig.embedder, rig.store.sink(), rig.store.checkpoint(), rig.options};
  const absl::Status status = frozen.MakePlan({}, plan);
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(Contains(std::string(status.message()), "'year'"));
}

TEST_CASE("a declaration that makes no sense is refused by name") {
  Rig rig;
  Schema& schema = rig.options.schema;
  std::string expected;
  SECTION("twice") {
    schema.fields = {{"year", FieldType::kInteger}, {"year", FieldType::kString}};
    expected = "'year' is declared twice";
  }
  SECTION("no name") {
    schema.fields = {{"", FieldType::kInteger}};
    expected = "no name";
  }
  SECTION("not UTF-8") {
    schema.fields = {{"\xFF", FieldType::kInteger}};
    expected = "UTF-8";
  }
  SECTION("discard what is missing") {
    schema.missing = SchemaPolicy::kDiscardField;
    expected = "missing";
  }
  const absl::Status status = rig.Run();
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(Contains(std::string(status.message()), "PipelineOptions::schema"));
  CHECK(Contains(std::string(status.message()), expected));
}

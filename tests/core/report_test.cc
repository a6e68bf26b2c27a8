#include <string>

#include "ragpipe/report.h"
#include "support/catch.h"

using namespace ragpipe;

namespace {

RunReport Example() {
  RunReport report;
  report.documents = {
      .seen = 28, .unchanged = 1, .stale = 2, .superseded = 3, .processed = 4, .deleted = 5, .failed = 6, .pending = 7};
  report.chunks = {.embedded = 1, .reused = 2, .patched = 3, .deleted = 4, .total = 6};
  report.embed = {.calls = 1, .texts = 2, .tokens = 3, .tokens_are_estimated = true};
  report.bytes = {.read = 100, .embedded = 50};
  report.fields = {
      .undeclared = 4, .mistyped = 3, .missing = 2, .discarded = 1, .evolved = {{"a \"colour\"", FieldType::kStringList}}};
  report.elapsed = absl::Milliseconds(1500);
  report.freshness.Add(absl::Milliseconds(1500));
  report.watermark = absl::FromUnixSeconds(0);
  report.problems = {"a \"quoted\" \\ path\nand a line\x01"};
  return report;
}

}  // namespace

TEST_CASE("the JSON of a report is one line with every count") {
  const std::string json = ToJson(Example());
  CHECK(
      json ==
      R"({"documents":{"seen":28,"unchanged":1,"stale":2,"superseded":3,"processed":4,"deleted":5,"failed":6,"pending":7},)"
      R"("chunks":{"embedded":1,"reused":2,"patched":3,"deleted":4,"total":6},"embed":{"calls":1,"texts":2,"tokens":3,)"
      R"("tokens_are_estimated":true},)"
      R"("bytes":{"read":100,"embedded":50},"fields":{"undeclared":4,"mistyped":3,"missing":2,"discarded":1,)"
      R"("evolved":[{"name":"a \"colour\"","type":"string list"}]},"stage_seconds":{"read":0.000000,"load":0.000000,"chunk":0.000000,)"
      R"("embed":0.000000,"write":0.000000,"commit":0.000000},"commits":0,"retries":0,"deletions_refused":0,)"
      R"("deletions_deferred":0,"expired_letters":0,"max_lateness_seconds":0.000000,)"
      R"("watermark":"1970-01-01T00:00:00+00:00","freshness":{"count":1,"p50_seconds":1.500000,"p99_seconds":1.500000,)"
      R"("max_seconds":1.500000},"seconds":1.500000,"complete":false,)"
      R"("problems":["a \"quoted\" \\ path\u000aand a line\u0001"]})");
}

TEST_CASE("a JSON report never holds invalid UTF-8") {
  RunReport report;
  report.problems = {"bad \xFF byte", "caf\xC3\xA9"};
  CHECK(ToJson(report).find("\"problems\":[\"bad \xEF\xBF\xBD byte\",\"caf\xC3\xA9\"]") != std::string::npos);
}

TEST_CASE("the text of a report names the rare counts only when there are any") {
  const std::string text = ToText(Example());
  CHECK(text.find("28 seen: 4 processed, 1 unchanged, 5 deleted, 2 stale, 3 superseded, 6 failed, 7 pending") !=
        std::string::npos);
  CHECK(text.find("complete   no\n           a \"quoted\"") != std::string::npos);
  CHECK(text.find("fields     4 undeclared, 3 mistyped, 2 missing; 1 discarded; new: 'a \"colour\"' (string list)\n") !=
        std::string::npos);
  CHECK(text.find("freshness  1.500 s in the median, 1.500 s for 99 %, 1.500 s at most\n") != std::string::npos);
  CHECK(ToText(RunReport{}).find("freshness") == std::string::npos);
  CHECK(ToText(RunReport{}).find("stale") == std::string::npos);
  CHECK(ToText(RunReport{}).find("fields") == std::string::npos);
}

TEST_CASE("the text of a report tells an estimate from a count") {
  RunReport report = Example();
  CHECK(ToText(report).find("2 texts, about 3 tokens\n") != std::string::npos);
  report.embed.tokens_are_estimated = false;
  CHECK(ToText(report).find("2 texts, 3 tokens\n") != std::string::npos);
}

#include <absl/time/time.h>

#include <cstdint>
#include <limits>
#include <string>

#include "ragpipe/query.h"
#include "support/catch.h"

using namespace ragpipe;

TEST_CASE("the JSON of a hit is one line with all that a citation needs") {
  Hit hit;
  hit.score = 0.75;
  hit.vector_score = 0.5;
  hit.text_score = 12.25;
  hit.source = "fs:docs";
  hit.document_id = "ops/keys.md";
  hit.record_id = "2f0c";
  hit.position = 3;
  hit.chunk.range = {.begin = 10, .end = 42};
  hit.chunk.headings = {"Keys", "Rotation \"by hand\""};
  hit.chunk.tokens = 9;
  hit.chunk.tokens_are_estimated = true;
  hit.text = "Rotate.\n\tNow.";
  hit.media_type = "text/markdown";
  hit.metadata = {{"draft", false},
                  {"pages", std::int64_t{-4}},
                  {"path", std::string("ops/keys.md")},
                  {"tags", std::vector<std::string>{"a", "b"}},
                  {"weight", 1.5}};
  hit.version = {.token = "v7", .ordinal = std::numeric_limits<std::uint64_t>::max()};
  hit.updated_at = absl::FromUnixSeconds(0) + absl::Milliseconds(250);
  CHECK(
      ToJson(hit) ==
      R"({"score":0.75,"vector_score":0.5,"text_score":12.25,"source":"fs:docs","document_id":"ops/keys.md",)"
      R"("record_id":"2f0c","position":3,"range":{"begin":10,"end":42},"headings":["Keys","Rotation \"by hand\""],"tokens":9,)"
      R"("tokens_are_estimated":true,"text":"Rotate.\u000a\u0009Now.","media_type":"text/markdown",)"
      R"("metadata":{"draft":false,"pages":-4,"path":"ops/keys.md","tags":["a","b"],"weight":1.5},)"
      R"("version":{"token":"v7","ordinal":18446744073709551615},"updated_at":"1970-01-01T00:00:00.25+00:00"})");
}

TEST_CASE("what a hit does not know is null in its JSON, and so is what JSON cannot say") {
  Hit hit;
  hit.score = std::numeric_limits<double>::infinity();
  hit.metadata = {{"tags", std::vector<std::string>{}}};
  CHECK(ToJson(hit) ==
        R"({"score":null,"vector_score":0,"text_score":0,"source":"","document_id":"","record_id":"","position":0,)"
        R"("range":{"begin":0,"end":0},"headings":[],"tokens":0,"tokens_are_estimated":false,"text":"","media_type":"",)"
        R"("metadata":{"tags":[]},)"
        R"("version":{"token":null,"ordinal":null},"updated_at":null})");
}

TEST_CASE("the JSON of a hit never holds invalid UTF-8") {
  Hit hit;
  hit.version.token = "\xFF";
  hit.text = "caf\xC3\xA9";
  const std::string json = ToJson(hit);
  CHECK(json.find("\"token\":\"\xEF\xBF\xBD\"") != std::string::npos);
  CHECK(json.find("\"text\":\"caf\xC3\xA9\"") != std::string::npos);
}

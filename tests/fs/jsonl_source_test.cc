#include "ragpipe/fs/jsonl_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "in_child.h"
#include "read_feed.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace ragpipe::fs {
namespace {

using Ids = std::vector<std::string>;

Feed Read(std::string_view content, JsonlSourceOptions options = {}) {
  TempDir dir;
  WriteFile(dir / "log", content);
  JsonlSource source(dir / "log", std::move(options));
  return ReadFeed(source);
}

/// Why the only line is bad: "document id: reason".
std::string WhyBad(const std::string& line, JsonlSourceOptions options = {}) {
  const Feed feed = Read(line + "\n", std::move(options));
  CHECK(feed.changes.empty());
  REQUIRE(feed.bad.size() == 1);
  CHECK(feed.bad[0].reason.code() == absl::StatusCode::kInvalidArgument);
  return feed.bad[0].document_id + ": " + std::string(feed.bad[0].reason.message());
}

TEST_CASE("each line is a document with its fields") {
  const Feed feed =
      Read(R"({"id": "a", "text": "one\ntwo", "lang": "en", "pages": 3, "score": 0.5, "draft": true, "tags": ["x", "y"],)"
           R"( "none": null, "other": {"deep": [1, {"id": "no"}]}, "at": "2026-01-31T23:59:59.5+01:00", "v": 7})"
           "\n",
           {.metadata_fields = {"lang", "pages", "score", "draft", "tags", "none", "absent", "at"},
            .media_type = "text/markdown",
            .ordinal_field = "v",
            .updated_at_field = "at"});
  CHECK(feed.bad.empty());
  CHECK_FALSE(feed.complete);
  CHECK_FALSE(feed.incomplete.has_value());
  REQUIRE(feed.changes.size() == 1);
  const Change& change = feed.changes[0];
  CHECK(change.kind == Change::Kind::kUpsert);
  CHECK(change.document_id == "a");
  CHECK(change.version.token.size() == 32);
  CHECK(change.version.ordinal == 7);
  CHECK(change.updated_at == absl::FromUnixMillis(1769900399500));
  CHECK(change.size_hint == 7);
  REQUIRE(change.document.has_value());
  CHECK(change.document->id == "a");
  CHECK(change.document->text == "one\ntwo");
  CHECK(change.document->media_type == "text/markdown");
  CHECK(change.document->version == change.version);
  CHECK(change.document->updated_at == change.updated_at);
  CHECK(change.document->metadata == Metadata{{"lang", std::string("en")},
                                              {"pages", std::int64_t{3}},
                                              {"score", 0.5},
                                              {"draft", true},
                                              {"tags", std::vector<std::string>{"x", "y"}},
                                              {"at", std::string("2026-01-31T23:59:59.5+01:00")}});
}

TEST_CASE("line ends, blank lines and a byte order mark are no content") {
  const Feed feed =
      Read("\xEF\xBB\xBF{\"id\":1,\"text\":\"a\"}\r\n\r\n \t\n\n{\"id\":2,\"text\":\"b\"}\n{\"id\":3,\"text\":\"c\"}\r");
  CHECK(feed.bad.empty());
  CHECK(feed.ids() == Ids{"1", "2", "3"});
  CHECK(Read("").changes.empty());
  CHECK(Read("\xEF\xBB\xBF").changes.empty());
  CHECK(Read("\n\n").changes.empty());
}

TEST_CASE("integer ids become decimal text") {
  const Feed feed = Read(
      "{\"id\":0,\"text\":\"\"}\n{\"id\":-5,\"text\":\"\"}\n{\"id\":18446744073709551615,\"text\":\"\"}\n"
      "{\"id\":-9223372036854775808,\"text\":\"\"}\n");
  CHECK(feed.ids() == Ids{"0", "-5", "18446744073709551615", "-9223372036854775808"});
}

TEST_CASE("the token is that of the line and of the options") {
  auto token = [](std::string_view line, JsonlSourceOptions options = {}) {
    return Read(line, std::move(options)).changes.at(0).version.token;
  };
  const std::string line = R"({"id":"a","text":"x","k":"v"})";
  CHECK(token(line + "\n") == token(line));
  CHECK(token(line + "\n") == token(line + "\r\n"));
  CHECK(token(line) != token(R"({"id":"a","text":"y","k":"v"})"));
  CHECK(token(line) != token(line, {.metadata_fields = {"k"}}));
  CHECK(token(line) != token(line, {.media_type = "text/markdown"}));
}

TEST_CASE("a line whose deleted field is true deletes") {
  const Feed feed = Read(
      "{\"id\":1,\"gone\":true}\n{\"id\":2,\"gone\":false,\"text\":\"a\"}\n{\"id\":3,\"text\":\"a\"}\n"
      "{\"id\":4,\"gone\":null,\"text\":\"a\"}\n{\"id\":5,\"gone\":true,\"text\":7,\"v\":9}\n",
      {.deleted_field = "gone"});
  CHECK(feed.bad.empty());
  REQUIRE(feed.ids() == Ids{"1", "2", "3", "4", "5"});
  CHECK(feed.changes[0].kind == Change::Kind::kDelete);
  CHECK_FALSE(feed.changes[0].document.has_value());
  CHECK(feed.changes[1].kind == Change::Kind::kUpsert);
  CHECK(feed.changes[2].kind == Change::Kind::kUpsert);
  CHECK(feed.changes[3].kind == Change::Kind::kUpsert);
  CHECK(feed.changes[4].kind == Change::Kind::kDelete);
}

TEST_CASE("event times are RFC 3339 or seconds") {
  auto time = [](const std::string& value) {
    return Read("{\"id\":1,\"text\":\"\",\"t\":" + value + "}\n", {.updated_at_field = "t"}).changes.at(0).updated_at;
  };
  CHECK(time("\"1970-01-01T00:00:10Z\"") == absl::FromUnixSeconds(10));
  CHECK(time("10") == absl::FromUnixSeconds(10));
  CHECK(time("-10") == absl::FromUnixSeconds(-10));
  CHECK(time("10.25") == absl::FromUnixMillis(10250));
  CHECK(time("1.5e9") == absl::FromUnixSeconds(1500000000));
  CHECK(time("null") == absl::InfinitePast());
  CHECK(Read("{\"id\":1,\"text\":\"\"}\n", {.updated_at_field = "t"}).changes.at(0).updated_at == absl::InfinitePast());
}

TEST_CASE("a bad line is named by its id or its number, and says why without its content") {
  CHECK(WhyBad("{\"id\": 1, \"text\": secret}") == "line 1: line 1: not valid JSON at byte 19");
  CHECK(WhyBad("{\"id\": 1}") == "1: line 1: the field 'text' is null or absent; it must be a string");
  CHECK(WhyBad("{\"id\": 1, \"text\": 5}") == "1: line 1: the field 'text' is an integer; it must be a string");
  CHECK(WhyBad("{\"id\": 1, \"text\": {\"a\":1}}") == "1: line 1: the field 'text' is an object; it must be a string");
  CHECK(WhyBad("{\"text\": \"a\"}") == "line 1: line 1: the field 'id' is null or absent; it must be a string or an integer");
  CHECK(WhyBad("{\"id\": 1.0, \"text\": \"a\"}") ==
        "line 1: line 1: the field 'id' is a number with a fraction or exponent; it must be a string or an integer");
  CHECK(WhyBad("{\"id\": 18446744073709551616, \"text\": \"a\"}") ==
        "line 1: line 1: the field 'id' is an integer of more than 64 bits; it must be a string or an integer");
  CHECK(WhyBad("{\"id\": true, \"text\": \"a\"}") ==
        "line 1: line 1: the field 'id' is a boolean; it must be a string or an integer");
  CHECK(WhyBad("{\"id\": \"\", \"text\": \"a\"}") ==
        "line 1: line 1: the field 'id' is no document id: 1 to 4096 bytes without NUL");
  CHECK(WhyBad("{\"id\": \"a\\u0000b\", \"text\": \"a\"}") ==
        "line 1: line 1: the field 'id' is no document id: 1 to 4096 bytes without NUL");
  CHECK(WhyBad("{\"id\": \"" + std::string(4097, 'x') + "\", \"text\": \"a\"}") ==
        "line 1: line 1: the field 'id' is no document id: 1 to 4096 bytes without NUL");
  CHECK(WhyBad("{\"id\": 1, \"text\": \"a\", \"text\": \"b\"}") ==
        "1: line 1: the field 'text' is there more than once; it must be a string");
  CHECK(WhyBad("{\"id\": 1, \"text\": \"a\", \"id\": 2}") ==
        "line 1: line 1: the field 'id' is there more than once; it must be a string or an integer");
  CHECK(WhyBad("{\"id\": 1, \"text\": \"\xFF\"}") == "line 1: line 1: not UTF-8 at byte 20");
  CHECK(WhyBad("{\"id\": 1, \"text\": \"\\ud800\"}").starts_with("line 1: line 1: not valid JSON at byte "));
  CHECK(WhyBad(std::string("{\"id\": 1, \"text\": \"a\"}\0x", 24)) == "line 1: line 1: a NUL byte at byte 23");
  CHECK(WhyBad("{\"id\": 1, \"text\": \"a\"} {}").starts_with("line 1: line 1: not valid JSON at byte 2"));
  CHECK(WhyBad("{\"id\": 1, \"text\": 1e999}").starts_with("line 1: line 1: not valid JSON at byte "));
  for (const char* other : {"7", "null", "\"a\"", "[{\"id\":1}]", "true", "1.5"}) {
    CHECK(WhyBad(other) == "line 1: line 1: not a JSON object");
  }
}

TEST_CASE("other fields of a wrong type make a bad line too") {
  const JsonlSourceOptions options = {
      .metadata_fields = {"m"}, .deleted_field = "d", .ordinal_field = "v", .updated_at_field = "t"};
  auto why = [&options](const std::string& fields) { return WhyBad("{\"id\":1,\"text\":\"a\"," + fields + "}", options); };
  const std::string metadata = "a boolean, a number of at most 64 bits with its sign, a string or a list of strings";
  CHECK(why("\"v\":1,\"m\":{\"a\":1}") == "1: line 1: the field 'm' is an object; it must be " + metadata);
  CHECK(why("\"v\":1,\"m\":[\"a\",1]") ==
        "1: line 1: the field 'm' is a list with something else than strings; it must be " + metadata);
  CHECK(why("\"v\":1,\"m\":[[\"a\"]]") ==
        "1: line 1: the field 'm' is a list with something else than strings; it must be " + metadata);
  CHECK(why("\"v\":1,\"m\":9223372036854775808") == "1: line 1: the field 'm' is an integer; it must be " + metadata);
  CHECK(why("\"v\":1,\"d\":1") == "1: line 1: the field 'd' is an integer; it must be true, false, null or absent");
  CHECK(why("\"m\":1") == "1: line 1: the field 'v' is null or absent; it must be an integer >= 0");
  CHECK(why("\"v\":-1") == "1: line 1: the field 'v' is negative; it must be an integer >= 0");
  CHECK(why("\"v\":\"1\"") == "1: line 1: the field 'v' is a string; it must be an integer >= 0");
  CHECK(why("\"v\":1,\"t\":\"yesterday\"") == "1: line 1: the field 't' is no RFC 3339 time, such as 2026-01-31T23:59:59Z");
  CHECK(why("\"v\":1,\"t\":\"infinite-future\"") ==
        "1: line 1: the field 't' is no RFC 3339 time, such as 2026-01-31T23:59:59Z");
  CHECK(why("\"v\":1,\"t\":1700000000000") ==
        "1: line 1: the field 't' is beyond the year 9999; it must be seconds since 1970, not milliseconds");
  CHECK(why("\"v\":1,\"t\":true") == "1: line 1: the field 't' is a boolean; it must be RFC 3339 text or a number of seconds");
}

TEST_CASE("a bad line does not hide the others") {
  const Feed feed = Read("{\"id\":1,\"text\":\"a\"}\nnonsense\n\n{\"id\":2,\"text\":\"b\"}\n");
  CHECK(feed.ids() == Ids{"1", "2"});
  REQUIRE(feed.bad.size() == 1);
  CHECK(feed.bad[0].document_id == "line 2");
  CHECK(feed.order == Ids{"1", "line 2", "2"});
}

TEST_CASE("depth costs no stack, and what nobody asked for is skipped") {
  const std::string deep(300000, '[');
  CHECK(WhyBad(deep).starts_with("line 1: line 1: not a JSON object"));
  CHECK(WhyBad("{\"x\":" + deep).starts_with("line 1: line 1: not valid JSON at byte "));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"id\":";
  const Feed feed = Read("{\"id\":1,\"text\":\"a\",\"x\":" + deep + std::string(300000, ']') + ",\"y\":" + objects + "0" +
                         std::string(100000, '}') + "}\n");
  CHECK(feed.ids() == Ids{"1"});
}

TEST_CASE("a line above the limit is skipped without being held") {
  TempDir dir;
  WriteFile(dir / "log", "{\"id\":1,\"text\":\"a\"}\n");
  WriteFile(dir / "log", std::string(300000, 'x') + "\n{\"id\":2,\"text\":\"b\"}\n", std::ios::app);
  JsonlSource source(dir / "log", {.max_line_bytes = 100});
  const Feed feed = ReadFeed(source);
  CHECK(feed.order == Ids{"1", "line 2", "2"});
  CHECK(feed.bad[0].reason.message() == "line 2: it has more than 100 bytes; raise max_line_bytes or divide the document");

  // A hole of 64 MB.
  REQUIRE(truncate((dir / "log").c_str(), off_t{64} << 20) == 0);
  WriteFile(dir / "log", "\n{\"id\":3,\"text\":\"c\"}\n", std::ios::app);
  const PartitionCursor after_two{"", feed.changes[1].resume_after};
  CHECK(ReadFeed(source, std::span(&after_two, 1)).order == Ids{"line 4", "3"});
  CHECK(PeakGrowth([&] { ReadFeed(source, std::span(&after_two, 1)); }) < 10000);
}

TEST_CASE("a line of exactly the limit is read") {
  const std::string line = R"({"id":1,"text":"a"})";
  CHECK(Read(line + "\n" + line + " \n", {.max_line_bytes = line.size()}).order == Ids{"1", "line 2"});
}

TEST_CASE("a line may be longer than a block of the reader") {
  const std::string text(1000000, 'x');
  const std::string line = R"({"id":1,"text":")" + text + "\"}\n";
  const Feed feed = Read(line + line);
  REQUIRE(feed.changes.size() == 2);
  CHECK(feed.changes[1].document->text == text);
}

TEST_CASE("a last line without its newline is taken when it is a whole object") {
  const Feed whole = Read("{\"id\":1,\"text\":\"a\"}\n{\"id\":2,\"text\":\"b\"} ");
  CHECK(whole.ids() == Ids{"1", "2"});
  for (const char* torn : {"{", "{\"id\":2,\"text\":\"b\"", "{\"id\":2,\"text\":\"b\xC3", "nonsense", "12"}) {
    const Feed feed = Read(std::string("{\"id\":1,\"text\":\"a\"}\n") + torn);
    CHECK(feed.order == Ids{"1"});
  }
}

TEST_CASE("a snapshot is complete when every line was read") {
  const JsonlSourceOptions options = {.snapshot = true};
  auto reason = [&options](std::string_view content) {
    const Feed feed = Read(content, options);
    CHECK_FALSE(feed.complete);
    REQUIRE(feed.incomplete.has_value());
    return std::string(feed.incomplete->message());
  };
  const Feed feed = Read("{\"id\":1,\"text\":\"a\"}\n{\"id\":2,\"text\":\"b\"}", options);
  CHECK(feed.complete);
  CHECK(feed.ids() == Ids{"1", "2"});
  CHECK(feed.changes[0].resume_after.empty());
  CHECK(Read("", options).complete);

  // A bad line with an id is listed: its document is not gone.
  const Feed listed = Read("{\"id\":1,\"text\":\"a\"}\n{\"id\":2}\n", options);
  CHECK(listed.complete);
  CHECK(listed.order == Ids{"1", "2"});
  CHECK(listed.bad[0].resume_after.empty());

  CHECK(reason("{\"id\":1,\"text\":\"a\"}\nnonsense\n") == "line 2 has no document id that can be read");
  CHECK(reason("x\ny\nz\n") == "line 1 has no document id that can be read; and 2 more");
  CHECK(reason("{\"id\":1,\"text\":\"a\"}\n{\"id\":2,") == "the last line is torn: it has no newline and is no whole object");
}

TEST_CASE("a snapshot that is written to while it is read is incomplete, one that is replaced is not") {
  TempDir dir;
  std::string content;
  for (int i = 0; i < 1000; ++i) content += fmt::format("{{\"id\":{},\"text\":\"a\"}}\n", i);
  WriteFile(dir / "all", content);
  JsonlSource source(dir / "all", {.snapshot = true});
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  std::vector<Event> events;
  REQUIRE_OK((*stream)->Next(absl::InfinitePast(), events));
  REQUIRE_FALSE(events.empty());
  SECTION("truncated") {
    REQUIRE(truncate((dir / "all").c_str(), 10) == 0);
    CHECK(ReadFeed(**stream).incomplete.has_value());
  }
  SECTION("appended to") {
    WriteFile(dir / "all", "{\"id\":1,\"text\":\"a\"}\n", std::ios::app);
    CHECK(ReadFeed(**stream).incomplete.has_value());
  }
  SECTION("rewritten in place") {
    WriteFile(dir / "all", content);
    CHECK(ReadFeed(**stream).incomplete.has_value());
  }
  SECTION("replaced") {
    WriteFile(dir / "new", "{\"id\":1,\"text\":\"a\"}\n");
    std::filesystem::rename(dir / "new", dir / "all");
    const Feed feed = ReadFeed(**stream);
    CHECK(feed.complete);
    CHECK(events.size() + feed.changes.size() == 1000);
  }
}

TEST_CASE("a file that is no log and options that mean nothing are errors") {
  TempDir dir;
  WriteFile(dir / "log", "");
  auto code = [&dir](const std::string& name, JsonlSourceOptions options = {}) {
    return JsonlSource(dir / name, std::move(options)).StreamChanges({}).status().code();
  };
  CHECK(code("nothing") == absl::StatusCode::kNotFound);
  CHECK(code("") == absl::StatusCode::kFailedPrecondition);  // the directory
  REQUIRE(mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK(code("pipe") == absl::StatusCode::kFailedPrecondition);
  CHECK(code("log") == absl::StatusCode::kOk);
  const absl::StatusCode invalid = absl::StatusCode::kInvalidArgument;
  CHECK(code("log", {.id_field = ""}) == invalid);
  CHECK(code("log", {.text_field = ""}) == invalid);
  CHECK(code("log", {.id_field = "text"}) == invalid);
  CHECK(code("log", {.deleted_field = "x", .ordinal_field = "x"}) == invalid);
  CHECK(code("log", {.metadata_fields = {"a", "b", "a"}}) == invalid);
  CHECK(code("log", {.metadata_fields = {""}}) == invalid);
  CHECK(code("log", {.metadata_fields = {"id", "t"}, .updated_at_field = "t"}) == absl::StatusCode::kOk);
  CHECK(JsonlSource("a/b.jsonl").name() == "jsonl:a/b.jsonl");
  CHECK(JsonlSource("a/b.jsonl", {.name = "mine"}).name() == "mine");
}

TEST_CASE("a hundred thousand lines are read in batches and in little memory") {
  TempDir dir;
  std::string content;
  const std::string text(50, 'x');
  for (int i = 0; i < 100000; ++i) content += fmt::format("{{\"id\":{},\"text\":\"{}\"}}\n", i, text);
  WriteFile(dir / "log", content);
  content = std::string();
  JsonlSource source(dir / "log");
  auto read = [&source] {
    std::size_t changes = 0;
    auto stream = source.StreamChanges({});
    REQUIRE_OK(stream);
    std::vector<Event> events;
    for (bool ended = false; !ended; events.clear()) {
      REQUIRE_OK((*stream)->Next(absl::InfiniteFuture(), events));
      REQUIRE_FALSE(events.empty());
      REQUIRE(events.size() <= 300);
      ended = std::holds_alternative<EndOfFeed>(events.back());
      changes += events.size() - (ended ? 1 : 0);
    }
    REQUIRE(changes == 100000);
  };
  CHECK(PeakGrowth(read) < 10000);
}

TEST_CASE("large lines come a few at a time") {
  TempDir dir;
  const std::string line = R"({"id":1,"text":")" + std::string(1 << 20, 'x') + "\"}\n";
  for (int i = 0; i < 20; ++i) WriteFile(dir / "log", line, std::ios::app);
  JsonlSource source(dir / "log");
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  std::vector<Event> events;
  REQUIRE_OK((*stream)->Next(absl::InfiniteFuture(), events));
  CHECK(events.size() <= 5);
}

}  // namespace
}  // namespace ragpipe::fs

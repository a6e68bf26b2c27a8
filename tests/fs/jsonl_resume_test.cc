// Where a log is read on: cursors, rotation, growth.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/fs/jsonl_source.h"
#include "read_feed.h"
#include "support/catch.h"
#include "support/seed.h"
#include "support/temp_dir.h"

namespace ragpipe::fs {
namespace {

using Ids = std::vector<std::string>;

std::string Line(int id, std::size_t text_bytes = 10) {
  return fmt::format("{{\"id\":{},\"text\":\"{}\"}}", id, std::string(text_bytes, 'x'));
}

/// One run after another: each begins where the last left off.
class Reader {
 public:
  explicit Reader(std::string path, JsonlSourceOptions options = {}) : source_(std::move(path), std::move(options)) {}

  Feed Run() {
    const PartitionCursor since{"", cursor_};
    Feed feed = cursor_.empty() ? ReadFeed(source_) : ReadFeed(source_, std::span(&since, 1));
    // The order between changes and bad changes is lost in Feed; the last of either is the furthest.
    for (const Change& change : feed.changes) Advance(change.resume_after);
    for (const BadChange& bad : feed.bad) Advance(bad.resume_after);
    return feed;
  }

  const Cursor& cursor() const { return cursor_; }
  void set_cursor(Cursor cursor) { cursor_ = std::move(cursor); }

 private:
  static unsigned long long Offset(const Cursor& cursor) { return cursor.empty() ? 0 : std::stoull(cursor.substr(2)); }
  void Advance(const Cursor& cursor) {
    if (Offset(cursor) > Offset(cursor_)) cursor_ = cursor;
  }

  JsonlSource source_;
  Cursor cursor_;
};

TEST_CASE("a log is read on after every line, whatever the ends of the lines") {
  TempDir dir;
  const std::string newline = GENERATE(as<std::string>(), "\n", "\r\n", "\n\n");
  std::string content = "\xEF\xBB\xBF";
  constexpr int kLines = 150;
  for (int i = 0; i < kLines; ++i) content += Line(i, 20 + static_cast<std::size_t>(i % 40)) + newline;
  WriteFile(dir / "log", content);
  JsonlSource source(dir / "log");
  const Feed all = ReadFeed(source);
  REQUIRE(all.changes.size() == kLines);
  for (std::size_t i = 0; i < kLines; ++i) {
    const PartitionCursor since{"", all.changes[i].resume_after};
    const Feed rest = ReadFeed(source, std::span(&since, 1));
    REQUIRE(rest.changes.size() == kLines - 1 - i);
    for (std::size_t k = 0; k < rest.changes.size(); ++k) {
      REQUIRE(rest.changes[k].document_id == all.changes[i + 1 + k].document_id);
      REQUIRE(rest.changes[k].resume_after == all.changes[i + 1 + k].resume_after);
    }
  }
}

TEST_CASE("bad lines have cursors, and line numbers go on over runs") {
  TempDir dir;
  Reader reader(dir / "log");
  WriteFile(dir / "log", Line(1) + "\nbad\n");
  CHECK(reader.Run().order == Ids{"1", "line 2"});
  WriteFile(dir / "log", "\nbad\n" + Line(2) + "\n", std::ios::app);
  CHECK(reader.Run().order == Ids{"line 4", "2"});
  CHECK(reader.Run().order.empty());
}

TEST_CASE("a torn last line is read when it is whole") {
  TempDir dir;
  Reader reader(dir / "log");
  WriteFile(dir / "log", Line(1) + "\n{\"id\":2,\"te");
  CHECK(reader.Run().order == Ids{"1"});
  CHECK(reader.Run().order.empty());
  WriteFile(dir / "log", "xt\":\"b\"}", std::ios::app);
  CHECK(reader.Run().order == Ids{"2"});
  WriteFile(dir / "log", "\r\n", std::ios::app);
  CHECK(reader.Run().order.empty());
  WriteFile(dir / "log", "bad\n", std::ios::app);
  CHECK(reader.Run().order == Ids{"line 3"});
}

TEST_CASE("what follows a whole last line on the same line is bad") {
  TempDir dir;
  Reader reader(dir / "log");
  WriteFile(dir / "log", Line(1));
  CHECK(reader.Run().order == Ids{"1"});
  WriteFile(dir / "log", "garbage\n" + Line(2) + "\n", std::ios::app);
  CHECK(reader.Run().order == Ids{"line 1", "2"});
}

TEST_CASE("a torn line above the limit is reported in each run until it ends") {
  TempDir dir;
  Reader reader(dir / "log", {.max_line_bytes = 50});
  WriteFile(dir / "log", Line(1) + "\n" + std::string(200000, 'x'));
  CHECK(reader.Run().order == Ids{"1", "line 2"});
  WriteFile(dir / "log", std::string(200000, 'x'), std::ios::app);
  CHECK(reader.Run().order == Ids{"line 2"});
  WriteFile(dir / "log", "x\n" + Line(2) + "\n", std::ios::app);
  CHECK(reader.Run().order == Ids{"line 2", "2"});
  CHECK(reader.Run().order.empty());
}

TEST_CASE("a run reads what was there when it began") {
  TempDir dir;
  WriteFile(dir / "log", Line(1) + "\n" + Line(2) + "\n{\"id\":3,");
  JsonlSource source(dir / "log");
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  WriteFile(dir / "log", "\"text\":\"c\"}\n" + Line(4) + "\n", std::ios::app);
  const Feed feed = ReadFeed(**stream);
  REQUIRE(feed.ids() == Ids{"1", "2"});
  const PartitionCursor since{"", feed.changes[1].resume_after};
  CHECK(ReadFeed(source, std::span(&since, 1)).ids() == Ids{"3", "4"});
}

TEST_CASE("another file in its place is read from its beginning") {
  TempDir dir;
  Reader reader(dir / "log");
  std::string long_log;
  for (int i = 0; i < 200; ++i) long_log += Line(i, 50) + "\n";
  const std::string first = GENERATE_COPY(as<std::string>(), Line(1) + "\n", Line(1) + "\n" + Line(2) + "\n", long_log);
  WriteFile(dir / "log", first);
  REQUIRE_FALSE(reader.Run().changes.empty());
  REQUIRE(reader.Run().changes.empty());

  SECTION("truncated") {
    WriteFile(dir / "log", "");
    CHECK(reader.Run().order.empty());
    CHECK(reader.Run().order.empty());
    WriteFile(dir / "log", Line(7) + "\n");
    CHECK(reader.Run().order == Ids{"7"});
  }
  SECTION("rotated, and the new one is shorter") {
    WriteFile(dir / "new", Line(8) + "\n");
    std::filesystem::rename(dir / "new", dir / "log");
    CHECK(reader.Run().order == Ids{"8"});
  }
  SECTION("rotated, and the new one is longer") {
    WriteFile(dir / "log", Line(9, 100000) + "\n" + Line(10) + "\n");
    CHECK(reader.Run().order == Ids{"9", "10"});
  }
  SECTION("moved with its content: it is the same log") {
    std::filesystem::copy_file(dir / "log", dir / "copy");
    std::filesystem::rename(dir / "copy", dir / "log");
    WriteFile(dir / "log", Line(11) + "\n", std::ios::app);
    CHECK(reader.Run().order == Ids{"11"});
  }
}

TEST_CASE("a cursor that means nothing starts over") {
  TempDir dir;
  WriteFile(dir / "log", Line(1) + "\n" + Line(2) + "\n");
  JsonlSource source(dir / "log");
  const std::string good = ReadFeed(source).changes[0].resume_after;
  for (const std::string& cursor : Ids{"", "x", "1:", "1:5", "2" + good.substr(1), good + "0", good.substr(0, good.size() - 1),
                                       "1:99999999999999999999:1:0123456789abcdef", "1:-1:1:0123456789abcdef"}) {
    INFO(cursor);
    const PartitionCursor since{"", cursor};
    CHECK(ReadFeed(source, std::span(&since, 1)).ids() == Ids{"1", "2"});
  }
  const std::vector<PartitionCursor> since = {{"other", "x"}, {"", good}};
  CHECK(ReadFeed(source, since).ids() == Ids{"2"});
}

TEST_CASE("a log that grows by random pieces gives every line once") {
  RAGPIPE_RANDOM_TEST(random);
  auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 30; ++round) {
    TempDir dir;
    WriteFile(dir / "log", "");
    Reader reader(dir / "log", {.max_line_bytes = 1000});
    std::string content = below(2) == 0 ? "" : "\xEF\xBB\xBF";
    Ids expected;
    int line = 0;
    for (std::size_t i = 0, n = 20 + below(60); i < n; ++i) {
      ++line;
      const int id = static_cast<int>(i);
      switch (below(8)) {
        case 0:
          content += "  ";
          break;
        case 1:
          content += "bad";
          expected.push_back(fmt::format("line {}", line));
          break;
        case 2:
          content += fmt::format("{{\"id\":{}}}", id);
          expected.push_back(fmt::format("{}", id));
          break;
        default:
          content += Line(id, below(10) == 0 ? 900 : below(50));
          expected.push_back(fmt::format("{}", id));
          break;
      }
      content += below(3) == 0 ? "\r\n" : "\n";
    }
    Ids got;
    for (std::size_t at = 0; at < content.size();) {
      const std::size_t size = std::min(content.size() - at, 1 + below(below(4) == 0 ? 2000 : 60));
      WriteFile(dir / "log", std::string_view(content).substr(at, size), std::ios::app);
      at += size;
      if (below(3) == 0 && at != content.size()) continue;
      const Feed feed = reader.Run();
      got.insert(got.end(), feed.order.begin(), feed.order.end());
    }
    REQUIRE(got == expected);
    REQUIRE(reader.Run().order.empty());
  }
}

}  // namespace
}  // namespace ragpipe::fs

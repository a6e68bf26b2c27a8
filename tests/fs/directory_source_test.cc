#include "ragpipe/fs/directory_source.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "read_feed.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace ragpipe::fs {
namespace {

using Ids = std::vector<std::string>;

void Put(const TempDir& dir, const std::string& path, std::string_view content = "text") {
  std::filesystem::create_directories((dir.path() / path).parent_path());
  WriteFile(dir / path, content);
}

Ids Listed(const TempDir& dir, DirectorySourceOptions options = {}) {
  DirectorySource source(dir.path().string(), std::move(options));
  const Feed feed = ReadFeed(source);
  CHECK(feed.complete);
  CHECK(feed.bad.empty());
  return feed.ids();
}

absl::StatusOr<Document> LoadOne(const TempDir& dir, const std::string& id, DirectorySourceOptions options = {}) {
  DirectorySource source(dir.path().string(), std::move(options));
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  Change change;
  change.document_id = id;
  return (*stream)->Load(change);
}

bool Contains(const absl::Status& status, std::string_view text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

TEST_CASE("a directory is listed by name in byte order, a directory in its place") {
  TempDir dir;
  for (const char* path : {"b.md", "a/z.md", "a/b/c.md", "a.md", "B.md", "a-b/x.md", "\xC3\xA9.md", "~.md"}) Put(dir, path);
  CHECK(Listed(dir) == Ids{"B.md", "a/b/c.md", "a/z.md", "a-b/x.md", "a.md", "b.md", "~.md", "\xC3\xA9.md"});
}

TEST_CASE("an empty directory is a complete snapshot of nothing") {
  TempDir dir;
  std::filesystem::create_directories(dir / "a/b");
  CHECK(Listed(dir).empty());
}

TEST_CASE("a change tells path, time and size, and the document is read when it is asked for") {
  TempDir dir;
  Put(dir, "docs/a.md", "\xEF\xBB\xBF# Title\r\n");
  const timespec times[2] = {{1700000000, 0}, {1700000000, 123456789}};
  REQUIRE(utimensat(AT_FDCWD, (dir / "docs/a.md").c_str(), times, 0) == 0);
  DirectorySource source(dir.path().string());
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  const Feed feed = ReadFeed(**stream);
  REQUIRE(feed.changes.size() == 1);
  const Change& change = feed.changes[0];
  CHECK(change.kind == Change::Kind::kUpsert);
  CHECK(change.document_id == "docs/a.md");
  CHECK(change.size_hint == 12);
  CHECK(change.updated_at == absl::FromUnixNanos(1700000000123456789));
  CHECK_FALSE(change.version.ordinal.has_value());
  CHECK_FALSE(change.document.has_value());
  CHECK(change.resume_after.empty());

  const auto document = (*stream)->Load(change);
  REQUIRE_OK(document);
  CHECK(document->id == "docs/a.md");
  CHECK(document->text == "\xEF\xBB\xBF# Title\r\n");
  CHECK(document->media_type == "text/markdown");
  CHECK(document->metadata == Metadata{{"path", std::string("docs/a.md")}});
  CHECK(document->updated_at == change.updated_at);
}

TEST_CASE("the version token stays while the file does, and no write leaves it") {
  TempDir dir;
  Put(dir, "a.txt", "one");
  ClockAhead clock(absl::Seconds(10));
  DirectorySource source(dir.path().string(), {.clock = &clock});
  const std::string token = ReadFeed(source).changes[0].version.token;
  REQUIRE_FALSE(token.empty());
  CHECK(ReadFeed(source).changes[0].version.token == token);
  CHECK(LoadOne(dir, "a.txt", {.clock = &clock})->version.token == token);

  SECTION("written again, with the same size and mtime") {
    struct stat before {};
    REQUIRE(stat((dir / "a.txt").c_str(), &before) == 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    WriteFile(dir / "a.txt", "two");
    const timespec times[2] = {before.st_atim, before.st_mtim};
    REQUIRE(utimensat(AT_FDCWD, (dir / "a.txt").c_str(), times, 0) == 0);
  }
  SECTION("replaced by another file with the same size and mtime") {
    struct stat before {};
    REQUIRE(stat((dir / "a.txt").c_str(), &before) == 0);
    WriteFile(dir / "b.txt", "two");
    const timespec times[2] = {before.st_atim, before.st_mtim};
    REQUIRE(utimensat(AT_FDCWD, (dir / "b.txt").c_str(), times, 0) == 0);
    std::filesystem::rename(dir / "b.txt", dir / "a.txt");
  }
  CHECK(ReadFeed(source).changes[0].version.token != token);
}

TEST_CASE("a file written within two seconds has no version token") {
  TempDir dir;
  Put(dir, "a.txt");
  ClockAhead soon(absl::Milliseconds(500));
  CHECK(ReadFeed(*std::make_unique<DirectorySource>(dir.path().string(), DirectorySourceOptions{.clock = &soon}))
            .changes[0]
            .version.token.empty());
  CHECK(LoadOne(dir, "a.txt", {.clock = &soon})->version.token.empty());

  SECTION("an old mtime does not hide a new ctime") {
    const timespec times[2] = {{1700000000, 0}, {1700000000, 0}};
    REQUIRE(utimensat(AT_FDCWD, (dir / "a.txt").c_str(), times, 0) == 0);
    DirectorySource source(dir.path().string());
    CHECK(ReadFeed(source).changes[0].version.token.empty());
  }
  SECTION("nor the other way round") {
    ClockAhead clock(absl::Seconds(10));
    const timespec times[2] = {{4000000000, 0}, {4000000000, 0}};
    REQUIRE(utimensat(AT_FDCWD, (dir / "a.txt").c_str(), times, 0) == 0);
    DirectorySource source(dir.path().string(), {.clock = &clock});
    CHECK(ReadFeed(source).changes[0].version.token.empty());
  }
}

TEST_CASE("include and exclude choose the files") {
  TempDir dir;
  for (const char* path : {"a.md", "b.txt", "docs/c.md", "docs/old/d.md", "node_modules/e.md", "src/node_modules/x/f.md"}) {
    Put(dir, path);
  }
  CHECK(Listed(dir, {.include = {"**/*.md"}}) ==
        Ids{"a.md", "docs/c.md", "docs/old/d.md", "node_modules/e.md", "src/node_modules/x/f.md"});
  CHECK(Listed(dir, {.include = {"**/*.md"}, .exclude = {"**/node_modules/**"}}) == Ids{"a.md", "docs/c.md", "docs/old/d.md"});
  CHECK(Listed(dir, {.exclude = {"**/node_modules", "docs/old/"}}) == Ids{"a.md", "b.txt", "docs/c.md"});
  CHECK(Listed(dir, {.include = {"docs/*", "*.txt"}}) == Ids{"b.txt", "docs/c.md"});
  CHECK(Listed(dir, {.exclude = {"**"}}).empty());
}

TEST_CASE("hidden files and directories are listed on demand") {
  TempDir dir;
  for (const char* path : {".a.md", ".git/b.md", "c.md", "d/.e/f.md"}) Put(dir, path);
  CHECK(Listed(dir) == Ids{"c.md"});
  CHECK(Listed(dir, {.hidden = true}) == Ids{".a.md", ".git/b.md", "c.md", "d/.e/f.md"});
}

TEST_CASE("files of well-known binary formats are listed on demand") {
  TempDir dir;
  for (const char* path : {"a.png", "b.PDF", "c.zip", "d.md", "e.svg", "f.unknown", "g.docx"}) Put(dir, path);
  CHECK(Listed(dir) == Ids{"d.md", "e.svg", "f.unknown"});
  CHECK(Listed(dir, {.binary = true}).size() == 7);
  CHECK(LoadOne(dir, "a.png")->media_type == "application/octet-stream");
}

TEST_CASE("the extension tells the media type") {
  TempDir dir;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a.md", "text/markdown"},
      {"a.MARKDOWN", "text/markdown"},
      {"a.txt", "text/plain"},
      {"a.htm", "text/html"},
      {"a.html", "text/html"},
      {"a.json", "application/json"},
      {"a.jsonl", "application/x-ndjson"},
      {"a.csv", "text/csv"},
      {"a.xml", "application/xml"},
      {"a.yaml", "application/yaml"},
      {"a.yml", "application/yaml"},
      {"a.toml", "application/toml"},
      {"a.rst", "text/x-rst"},
      {"a.org", "text/org"},
      {"a.tex", "text/x-tex"},
      {"a.cc", "text/x-c++src"},
      {"a.py", "text/x-python"},
      {"a.rs", "text/rust"},
      {"a.tar.md", "text/markdown"},
      {"README", "text/plain"},
      {"a.", "text/plain"},
      {"a.md5", "text/plain"},
      {"md", "text/plain"},
      {"d.md/x", "text/plain"},
      {"a.averylongextension", "text/plain"},
  };
  for (const auto& [path, media_type] : cases) {
    INFO(path);
    Put(dir, path);
    const auto document = LoadOne(dir, path);
    REQUIRE_OK(document);
    CHECK(document->media_type == media_type);
  }
}

TEST_CASE("symbolic links are followed on demand, and never in a circle") {
  TempDir dir;
  TempDir other;
  Put(dir, "a/f.md", "target");
  Put(other, "g.md");
  const auto link = [](const std::string& target, const std::string& path) {
    REQUIRE(symlink(target.c_str(), path.c_str()) == 0);
  };
  link("a/f.md", dir / "file.md");
  link("..", dir / "a/up");
  link(".", dir / "self");
  link("nothing", dir / "dead.md");
  link("circle.md", dir / "circle.md");
  link("a/f.md/x", dir / "through_a_file");
  link(other.path().string(), dir / "out");
  CHECK(Listed(dir) == Ids{"a/f.md"});
  CHECK(Listed(dir, {.follow_symlinks = true}) == Ids{"a/f.md", "file.md", "out/g.md"});
  CHECK(LoadOne(dir, "file.md", {.follow_symlinks = true})->text == "target");
  CHECK(LoadOne(dir, "out/g.md", {.follow_symlinks = true}).ok());

  // A link that cannot be looked at would be a hole; an excluded one is not looked at.
  link(std::string(300, 'x'), dir / "name_too_long");
  DirectorySource source(dir.path().string(), {.follow_symlinks = true});
  CHECK(ReadFeed(source).incomplete.has_value());
  CHECK(Listed(dir, {.exclude = {"name_*", "out"}, .follow_symlinks = true}) == Ids{"a/f.md", "file.md"});

  // What became a link since it was listed is not followed.
  CHECK(LoadOne(dir, "file.md").status().code() == absl::StatusCode::kNotFound);
  CHECK(LoadOne(dir, "out/g.md").status().code() == absl::StatusCode::kNotFound);
}

TEST_CASE("two directories that link to each other are listed once on each path") {
  TempDir dir;
  Put(dir, "a/x.md");
  Put(dir, "b/y.md");
  REQUIRE(symlink("../b", (dir / "a/to_b").c_str()) == 0);
  REQUIRE(symlink("../a", (dir / "b/to_a").c_str()) == 0);
  CHECK(Listed(dir, {.follow_symlinks = true}) == Ids{"a/to_b/y.md", "a/x.md", "b/to_a/x.md", "b/y.md"});
}

TEST_CASE("pipes and sockets are passed over and never opened") {
  TempDir dir;
  Put(dir, "a.md");
  REQUIRE(mkfifo((dir / "pipe.md").c_str(), 0600) == 0);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (dir / "socket.md").c_str(), sizeof(address.sun_path) - 1);
  REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(symlink("pipe.md", (dir / "link.md").c_str()) == 0);
  CHECK(Listed(dir) == Ids{"a.md"});
  CHECK(Listed(dir, {.follow_symlinks = true}) == Ids{"a.md"});
  CHECK(LoadOne(dir, "pipe.md").status().code() == absl::StatusCode::kNotFound);  // and does not wait for a writer
  CHECK(LoadOne(dir, "socket.md").status().code() == absl::StatusCode::kNotFound);
  close(fd);
}

TEST_CASE("a path that is not UTF-8 is reported with its bytes escaped") {
  TempDir dir;
  Put(dir, "a\xFF.md");
  Put(dir, "d\x80/x.md");
  Put(dir, "fine\n.md");
  Put(dir, "z\xFF.png");  // not listed, so not bad
  DirectorySource source(dir.path().string());
  const Feed feed = ReadFeed(source);
  CHECK(feed.complete);
  CHECK(feed.ids() == Ids{"fine\n.md"});
  REQUIRE(feed.bad.size() == 2);
  CHECK(feed.bad[0].document_id == "a\\xFF.md");
  CHECK(feed.bad[1].document_id == "d\\x80/x.md");
  CHECK(feed.bad[0].reason.code() == absl::StatusCode::kInvalidArgument);
  CHECK(Contains(feed.bad[0].reason, "not UTF-8"));
}

TEST_CASE("a file above the size limit is refused unread, also when it grew after the listing") {
  TempDir dir;
  Put(dir, "a.txt", "12345678");
  DirectorySource source(dir.path().string(), {.max_file_bytes = 8});
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  const Feed feed = ReadFeed(**stream);
  CHECK((*stream)->Load(feed.changes[0]).ok());
  WriteFile(dir / "a.txt", "9", std::ios::app);
  const absl::Status status = (*stream)->Load(feed.changes[0]).status();
  CHECK(status.code() == absl::StatusCode::kOutOfRange);
  CHECK(Contains(status, "9 bytes"));
  CHECK(Contains(status, "at most 8"));

  // A sparse file of a terabyte costs nothing.
  REQUIRE(truncate((dir / "a.txt").c_str(), off_t{1} << 40) == 0);
  CHECK(LoadOne(dir, "a.txt").status().code() == absl::StatusCode::kOutOfRange);
}

TEST_CASE("a file that has gone since the listing is not found") {
  TempDir dir;
  Put(dir, "d/a.txt");
  DirectorySource source(dir.path().string());
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  const Feed feed = ReadFeed(**stream);
  std::filesystem::remove(dir / "d/a.txt");
  CHECK((*stream)->Load(feed.changes[0]).status().code() == absl::StatusCode::kNotFound);
  std::filesystem::create_directory(dir / "d/a.txt");
  CHECK((*stream)->Load(feed.changes[0]).status().code() == absl::StatusCode::kNotFound);
  std::filesystem::remove_all(dir / "d");
  CHECK((*stream)->Load(feed.changes[0]).status().code() == absl::StatusCode::kNotFound);
}

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kPages = 256;

std::string Page(int round) {
  std::string page(kPageBytes, ' ');
  page.replace(0, 8, std::to_string(10000000 + round));
  return page;
}

/// Whether the text was the file's at one moment: the pages of a round up to some page, those of the round before after it.
bool IsOneState(std::string_view text) {
  if (text.size() != kPages * kPageBytes) return false;
  const int first = std::stoi(std::string(text.substr(0, 8)));
  int last = first;
  for (std::size_t page = 0; page < kPages; ++page) {
    const int round = std::stoi(std::string(text.substr(page * kPageBytes, 8)));
    if (round > last || round < first - 1) return false;
    last = round;
  }
  return true;
}

TEST_CASE("a file that is written to while it is read is as it was at one moment, or refused") {
  TempDir dir;
  std::string content;
  for (std::size_t page = 0; page < kPages; ++page) content += Page(0);
  Put(dir, "a.txt", content);
  std::atomic<bool> stop = false;
  std::atomic<int> pause_ms = 0;
  std::thread writer([&] {
    const int fd = open((dir / "a.txt").c_str(), O_WRONLY);
    for (int round = 1; !stop; ++round) {
      const std::string page = Page(round);
      for (std::size_t i = 0; i < kPages; ++i) {
        static_cast<void>(pwrite(fd, page.data(), page.size(), static_cast<off_t>(i * kPageBytes)));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    }
    close(fd);
  });
  auto load = [&dir] {
    const auto document = LoadOne(dir, "a.txt");
    if (document.ok()) {
      CHECK(IsOneState(document->text));
    } else {
      CHECK(document.status().code() == absl::StatusCode::kDataLoss);
      CHECK(Contains(document.status(), "written to while it was read"));
    }
    return document.ok();
  };
  int refused = 0;
  for (int i = 0; i < 50 && refused == 0; ++i) refused += load() ? 0 : 1;
  CHECK(refused > 0);
  pause_ms = 50;
  for (int i = 0; i < 10; ++i) load();
  stop = true;
  writer.join();
  CHECK(load());
}

TEST_CASE("documents are loaded from several threads while the listing goes on") {
  TempDir dir;
  for (int i = 0; i < 600; ++i) Put(dir, std::to_string(i % 7) + "/" + std::to_string(i), std::to_string(i));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  DirectorySource source(dir.path().string());
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> loaders;
  for (int worker = 0; worker < 3; ++worker) {
    loaders.emplace_back([&stream, &wrong, worker] {
      for (int i = worker; i < 600; i += 3) {
        Change change;
        change.document_id = std::to_string(i % 7) + "/" + std::to_string(i);
        const auto document = (*stream)->Load(change);
        if (!document.ok() || document->text != std::to_string(i)) ++wrong;
      }
    });
  }
  CHECK(ReadFeed(**stream).changes.size() == 600);
  for (std::thread& loader : loaders) loader.join();
  CHECK(wrong == 0);
}

TEST_CASE("a root is the same however it is spelt") {
  TempDir dir;
  Put(dir, "a/b.md");
  REQUIRE(symlink(dir.path().c_str(), (dir / "a/link").c_str()) == 0);
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  for (const std::string& root : Ids{"a", "a/", "./a", "a//", dir / "a", "a/link/a"}) {
    INFO(root);
    DirectorySource source(root);
    CHECK(ReadFeed(source).ids() == Ids{"b.md"});
  }
  std::filesystem::current_path(before);
  CHECK(DirectorySource("docs").name() == "fs:docs");
  CHECK(DirectorySource("docs/").name() == "fs:docs");
  CHECK(DirectorySource("/").name() == "fs:/");
  CHECK(DirectorySource("docs", {.name = "mine"}).name() == "mine");
}

TEST_CASE("a root that cannot be listed and options that mean nothing are errors") {
  TempDir dir;
  Put(dir, "file");
  auto code = [](const std::string& root, DirectorySourceOptions options = {}) {
    return DirectorySource(root, std::move(options)).StreamChanges({}).status().code();
  };
  CHECK(code(dir / "nothing") == absl::StatusCode::kNotFound);
  CHECK(code(dir / "file") == absl::StatusCode::kFailedPrecondition);
  CHECK(code("") == absl::StatusCode::kInvalidArgument);
  CHECK(code(dir.path(), {.include = {}}) == absl::StatusCode::kInvalidArgument);
  CHECK(code(dir.path(), {.include = {"[z-a]"}}) == absl::StatusCode::kInvalidArgument);
  CHECK(code(dir.path(), {.exclude = {"/abs"}}) == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a wide directory comes in batches") {
  TempDir dir;
  for (int i = 0; i < 1000; ++i) Put(dir, std::to_string(i));
  DirectorySource source(dir.path().string());
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  std::vector<Event> events;
  REQUIRE_OK((*stream)->Next(absl::InfiniteFuture(), events));
  CHECK(events.size() > 100);
  CHECK(events.size() <= 300);
  CHECK(Listed(dir).size() == 1000);
}

TEST_CASE("a file that goes away while the tree is walked is no error") {
  TempDir dir;
  for (int i = 0; i < 600; ++i) Put(dir, std::to_string(10000 + i));
  Put(dir, "zz/a");
  DirectorySource source(dir.path().string());
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  std::vector<Event> events;
  REQUIRE_OK((*stream)->Next(absl::InfinitePast(), events));
  std::filesystem::remove(dir / "10599");
  std::filesystem::remove_all(dir / "zz");
  const Feed feed = ReadFeed(**stream);
  CHECK(feed.complete);
  CHECK(events.size() + feed.changes.size() == 599);
}

/// A chain of directories "d/d/d/...", with a file on both sides of the next one; built and removed without long paths.
class DeepTree {
 public:
  DeepTree(const TempDir& dir, int levels, const std::string& name) : name_(name) {
    int fd = open(dir.path().c_str(), O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < levels; ++i) {
      REQUIRE(mkdirat(fd, name_.c_str(), 0700) == 0);
      const int next = openat(fd, name_.c_str(), O_RDONLY | O_DIRECTORY);
      REQUIRE(next >= 0);
      close(fd);
      fd = next;
      for (const char* file : {"a", "z"}) close(openat(fd, file, O_WRONLY | O_CREAT, 0600));
    }
    deepest_ = fd;
    levels_ = levels;
  }
  ~DeepTree() {
    for (int i = 0; i < levels_; ++i) {
      for (const char* file : {"a", "z"}) unlinkat(deepest_, file, 0);
      const int parent = openat(deepest_, "..", O_RDONLY | O_DIRECTORY);
      unlinkat(parent, name_.c_str(), AT_REMOVEDIR);
      close(deepest_);
      deepest_ = parent;
    }
    close(deepest_);
  }
  DeepTree(const DeepTree&) = delete;
  DeepTree& operator=(const DeepTree&) = delete;

 private:
  std::string name_;
  int deepest_ = -1;
  int levels_ = 0;
};

/// Lowers the number of descriptors that may be open.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit lower{limit, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_CASE("two thousand levels are walked with few descriptors") {
  TempDir dir;
  const DeepTree tree(dir, 2000, "d");
  const DescriptorLimit limit(64);
  DirectorySource source(dir.path().string());
  auto stream = source.StreamChanges({});
  REQUIRE_OK(stream);
  const Feed feed = ReadFeed(**stream);
  CHECK(feed.complete);
  REQUIRE(feed.changes.size() == 4000);
  CHECK(feed.changes[0].document_id == "d/a");
  CHECK(feed.changes[1999].document_id.size() == 4001);
  CHECK(feed.changes[2000].document_id.back() == 'z');
  CHECK(feed.changes[3999].document_id == "d/z");
  CHECK((*stream)->Load(feed.changes[1999]).ok());
}

TEST_CASE("a path longer than an id is reported under a short name") {
  TempDir dir;
  const DeepTree tree(dir, 30, std::string(200, 'd'));
  DirectorySource source(dir.path().string());
  const Feed feed = ReadFeed(source);
  CHECK(feed.complete);
  CHECK(feed.changes.size() == 40);
  REQUIRE(feed.bad.size() == 20);
  CHECK(feed.bad[0].document_id.size() <= 4096);
  CHECK(feed.bad[0].document_id != feed.bad[1].document_id);
  CHECK(Contains(feed.bad[0].reason, "at most 4096"));
}

}  // namespace
}  // namespace ragpipe::fs

// What a process that is not root may not read. The tests run in a child, which gives root up where it has it.
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include "in_child.h"
#include "ragpipe/fs/directory_source.h"
#include "ragpipe/fs/jsonl_source.h"
#include "read_feed.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace ragpipe::fs {
namespace {

using std::filesystem::perms;

/// What `describe` returns in a process without root's rights.
std::string Unprivileged(const std::function<std::string()>& describe) {
  return InChild([&describe]() -> std::string {
    if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) return "cannot give root up";
    return describe();
  });
}

/// "id id ... | complete", or the reason why not.
std::string Summary(const std::string& root, DirectorySourceOptions options = {}) {
  DirectorySource source(root, std::move(options));
  auto stream = source.StreamChanges({});
  if (!stream.ok()) return Describe(stream);
  const Feed feed = ReadFeed(**stream);
  std::string summary;
  for (const std::string& id : feed.order) summary += id + " ";
  return summary + "| " + (feed.complete ? "complete" : feed.incomplete->ToString());
}

void Open(const TempDir& dir) { std::filesystem::permissions(dir.path(), perms{0755}); }

TEST_CASE("an unreadable directory makes the snapshot incomplete, unless it is excluded") {
  TempDir dir;
  Open(dir);
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    std::filesystem::create_directory(dir / name);
    WriteFile((dir / name) + "/x", "text");
  }
  for (const char* name : {"b", "c", "d", "e"}) std::filesystem::permissions(dir / name, perms::none);
  const std::string root = dir.path().string();
  CHECK(Unprivileged([&] { return Summary(root); }) ==
        "a/x | PERMISSION_DENIED: 4 places could not be listed: 'b' (Permission denied), 'c' (Permission denied), "
        "'d' (Permission denied) and 1 more");
  CHECK(Unprivileged([&] { return Summary(root, {.exclude = {"b/**", "{c,d}", "**/e/**"}}); }) == "a/x | complete");
  CHECK(Unprivileged([&] { return Summary(root, {.include = {"a/*"}}); }) == "a/x | complete");
  for (const char* name : {"b", "c", "d", "e"}) std::filesystem::permissions(dir / name, perms{0700});
}

TEST_CASE("a directory whose files cannot be looked at makes the snapshot incomplete") {
  TempDir dir;
  Open(dir);
  std::filesystem::create_directory(dir / "a");
  WriteFile(dir / "a/x", "text");
  std::filesystem::permissions(dir / "a", perms{0744});
  CHECK(Unprivileged([&] { return Summary(dir.path().string()); }) ==
        "| PERMISSION_DENIED: 1 place could not be listed: 'a/x' (Permission denied)");
  std::filesystem::permissions(dir / "a", perms{0700});
}

TEST_CASE("a file that may not be read is listed and refused") {
  TempDir dir;
  Open(dir);
  WriteFile(dir / "a", "text");
  std::filesystem::permissions(dir / "a", perms::none);
  CHECK(Unprivileged([&] { return Summary(dir.path().string()); }) == "a | complete");
  CHECK(Unprivileged([&] {
          DirectorySource source(dir.path().string());
          auto stream = source.StreamChanges({});
          Change change;
          change.document_id = "a";
          return Describe((*stream)->Load(change));
        }) == "INVALID_ARGUMENT: 'a' cannot be read: Permission denied");
}

TEST_CASE("a root or a log that may not be read is an error of the run") {
  TempDir dir;
  Open(dir);
  std::filesystem::create_directory(dir / "root");
  WriteFile(dir / "log", "{}");
  for (const char* name : {"root", "log"}) std::filesystem::permissions(dir / name, perms::none);
  CHECK(Unprivileged([&] { return Summary(dir / "root"); }).starts_with("PERMISSION_DENIED: the root directory"));
  CHECK(Unprivileged([&] { return Describe(JsonlSource(dir / "log").StreamChanges({})); }).starts_with("PERMISSION_DENIED: "));
}

}  // namespace
}  // namespace ragpipe::fs

#include "fs/glob.h"

#include <string>
#include <string_view>
#include <vector>

#include "support/catch.h"
#include "support/seed.h"

namespace ragpipe::fs {
namespace {

GlobSet Compiled(const std::vector<std::string>& globs) {
  auto set = GlobSet::Compile(globs);
  REQUIRE_OK(set);
  return *std::move(set);
}

TEST_CASE("a glob matches the paths that it describes") {
  struct Case {
    std::string glob;
    std::vector<std::string> matching;
    std::vector<std::string> others;
  };
  const std::vector<Case> cases = {
      {"**", {"a", "a/b", "a/b/c.md", ".x"}, {}},
      {"a.md", {"a.md"}, {"a.mdx", "xa.md", "d/a.md", "A.md", "a,md"}},
      {"*", {"a", "a.md"}, {"a/b"}},
      {"*.md", {"a.md", ".md"}, {"a.md/b", "d/a.md", "a.mdx"}},
      {"*a*b*", {"ab", "xaxbx", "aabb"}, {"ba", "a/b"}},
      {"**/*.md", {"a.md", "d/a.md", "d/e/a.md"}, {"a.txt", "a.md/b.txt"}},
      {"**/a", {"a", "x/a", "x/y/a"}, {"xa", "x/ya", "a/x"}},
      {"a/**", {"a/b", "a/b/c"}, {"a", "ab", "b/a/c"}},
      {"a/", {"a/b", "a/b/c"}, {"a", "ab"}},
      {"a/**/b", {"a/b", "a/x/b", "a/x/y/b", "a/b/b"}, {"ab", "a/xb", "a/b/c", "x/a/b"}},
      {"a/**/*", {"a/b", "a/b/c"}, {"a"}},
      {"**/**/a", {"a", "x/a", "x/y/a"}, {"xa"}},
      {"**/a/**", {"a/x", "y/a/x", "y/a/a"}, {"a", "y/a", "b/x"}},
      {"**/node_modules/**", {"node_modules/a", "x/node_modules/a/b"}, {"node_modules", "my_node_modules/a"}},
      {"a?c",
       {"abc", "a.c",
        "a\xC3\xA9"
        "c"},
       {"ac", "a/c", "abbc"}},
      {"??", {"ab", "\xE2\x82\xAC\xF0\x9F\x98\x80"}, {"a", "abc", "\xE2\x82\xAC"}},
      {"[abc]x", {"ax", "cx"}, {"dx", "x", "abx"}},
      {"[a-c]", {"a", "b", "c"}, {"d", "-"}},
      {"[!a-c]", {"d", "-", "\xC3\xA9"}, {"a", "b", "/"}},
      {"[^a]", {"b"}, {"a"}},
      {"[]a]", {"]", "a"}, {"b"}},
      {"[a-]", {"a", "-"}, {"b"}},
      {"[-a]", {"a", "-"}, {"b"}},
      {"[\\]]", {"]"}, {"\\"}},
      {"[*?{]", {"*", "?", "{"}, {"a"}},
      {"[\xC3\xA0-\xC3\xBF]", {"\xC3\xA9"}, {"e", "\xC4\x80"}},
      {"a[!x]b", {"acb"}, {"a/b", "axb"}},
      {"\\*", {"*"}, {"a", "\\*"}},
      {"\\{a,b\\}", {"{a,b}"}, {"a", "b"}},
      {"{a,b}", {"a", "b"}, {"c", "{a,b}", "ab"}},
      {"*.{md,txt}", {"x.md", "x.txt"}, {"x.rst", "x.md,txt"}},
      {"{a,b{c,d}}e", {"ae", "bce", "bde"}, {"be", "ce"}},
      {"{,x}a", {"a", "xa"}, {"ya"}},
      {"{a}", {"a"}, {"{a}"}},
      {"{**/,}x", {"x", "a/x"}, {"ax"}},
      {"{docs,src}/**/*.{md,h}", {"docs/a.md", "src/x/y.h"}, {"a.md", "lib/a.md", "docs/a.c"}},
      {"a,b", {"a,b"}, {"a", "b"}},
      {"a b/\xC3\xA9*", {"a b/\xC3\xA9t\xC3\xA9"}, {"a b/e"}},
      {"*.bin", {"\xFF.bin"}, {"\xFF.bi"}},
      {"?.x", {"\xFF.x"}, {"\xFF\xFF.x"}},
  };
  for (const Case& c : cases) {
    INFO("glob " << c.glob);
    const GlobSet set = Compiled({c.glob});
    for (const std::string& path : c.matching) {
      INFO("path " << path);
      CHECK(set.Matches(path));
    }
    for (const std::string& path : c.others) {
      INFO("path " << path);
      CHECK_FALSE(set.Matches(path));
    }
  }
}

TEST_CASE("a set of globs matches what any of them does, and an empty one nothing") {
  const GlobSet set = Compiled({"*.md", "docs/**"});
  CHECK(set.Matches("a.md"));
  CHECK(set.Matches("docs/x"));
  CHECK_FALSE(set.Matches("a.txt"));
  CHECK_FALSE(Compiled({}).Matches("a"));
}

TEST_CASE("a glob that cannot mean anything is refused with the reason") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "empty"},
      {"{,a}", "empty"},
      {"/a", "begins with '/'"},
      {"./a", "'.' or '..'"},
      {"a/../b", "'.' or '..'"},
      {"a//b", "empty part"},
      {"a/[b", "']'"},
      {"[", "']'"},
      {"[]", "']'"},
      {"{a,b", "'}'"},
      {"a}", "'{'"},
      {"[z-a]", "range"},
      {"[[:alpha:]]", "character class"},
      {"[a/b]", "'/' in a set"},
      {"a**", "'**' beside"},
      {"**.md", "'**' beside"},
      {"***", "'**' beside"},
      {"a\\", "single '\\'"},
      {std::string(5000, 'a'), "bytes"},
      {"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "alternatives"},
  };
  for (const auto& [glob, reason] : cases) {
    INFO("glob " << glob.substr(0, 100));
    const auto set = GlobSet::Compile(std::vector<std::string>{glob});
    REQUIRE(set.status().code() == absl::StatusCode::kInvalidArgument);
    INFO(Describe(set));
    CHECK(std::string(set.status().message()).find(reason) != std::string::npos);
  }
}

TEST_CASE("a directory tells what can match below it") {
  auto after = [](const GlobSet& set, std::string_view directory) {
    GlobSet::State state = set.Start();
    set.Advance(state, directory);
    return state;
  };
  const GlobSet set = Compiled({"a/b/*.md", "c/**", "**/d/**/*"});
  CHECK_FALSE(GlobSet::IsDead(after(set, "a/")));
  CHECK_FALSE(set.AcceptsEverythingBelow(after(set, "a/b/")));
  CHECK(set.AcceptsEverythingBelow(after(set, "c/")));
  CHECK(set.AcceptsEverythingBelow(after(set, "c/x/y/")));
  CHECK(set.AcceptsEverythingBelow(after(set, "x/d/")));
  CHECK_FALSE(set.AcceptsEverythingBelow(after(set, "x/")));
  const GlobSet narrow = Compiled({"a/b/*.md"});
  CHECK(GlobSet::IsDead(after(narrow, "x/")));
  CHECK(GlobSet::IsDead(after(narrow, "a/c/")));
  CHECK(GlobSet::IsDead(after(narrow, "a/b/c/")));
}

TEST_CASE("a glob with many stars takes linear time") {
  std::string glob;
  for (int i = 0; i < 200; ++i) glob += "*a";
  const GlobSet set = Compiled({glob + "*b", "**/*a/**/*a/**/*a/**/b"});
  CHECK_FALSE(set.Matches(std::string(20000, 'a')));
}

/// The definition, as slow as it is short. Alternatives are tried one by one, the first group first.
bool Reference(const std::string& glob, const std::string& path, bool part_begins = true) {
  if (const std::size_t open = glob.find('{'); open != std::string::npos) {  // not nested, and not in sets
    const std::size_t close = glob.find('}', open);
    for (std::size_t begin = open + 1; begin <= close;) {
      const std::size_t end = std::min(glob.find(',', begin), close);
      if (Reference(glob.substr(0, open) + glob.substr(begin, end - begin) + glob.substr(close + 1), path, part_begins))
        return true;
      begin = end + 1;
    }
    return false;
  }
  if (glob.empty()) return path.empty();
  if (part_begins && (glob == "**" || glob == "**/")) return !path.empty();
  if (part_begins && glob.starts_with("**/")) {
    for (std::size_t i = 0; i <= path.size(); ++i) {
      if ((i == 0 || path[i - 1] == '/') && Reference(glob.substr(3), path.substr(i))) return true;
    }
    return false;
  }
  if (glob.front() == '*') {
    for (std::size_t i = 0; i <= path.size(); ++i) {
      if (Reference(glob.substr(1), path.substr(i), false)) return true;
      if (i < path.size() && path[i] == '/') return false;
    }
    return false;
  }
  if (glob == "/") return path.size() > 1 && path.front() == '/';  // "docs/"
  if (path.empty()) return false;
  const std::string rest = path.substr(1);
  if (glob.front() == '?') return path.front() != '/' && Reference(glob.substr(1), rest, false);
  if (glob.front() == '[') {  // "[a]" or "[!a]"
    const bool negated = glob[1] == '!';
    const char member = glob[negated ? 2 : 1];
    return path.front() != '/' && (path.front() == member) != negated &&
           Reference(glob.substr(glob.find(']') + 1), rest, false);
  }
  return glob.front() == path.front() && Reference(glob.substr(1), rest, glob.front() == '/');
}

TEST_CASE("random globs match what their definition says, whole and directory by directory") {
  RAGPIPE_RANDOM_TEST(random);
  auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> pieces = {"a", "b", "a", "b", "*", "?", "[a]", "[!a]", "{a,b}", "{,ab}", "{*,b}"};
  int matches = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string glob;
    for (std::size_t part = 0, parts = 1 + below(4); part < parts; ++part) {
      if (part > 0) glob += '/';
      if (below(3) == 0) {
        glob += "**";
        continue;
      }
      for (std::size_t i = 0, n = 1 + below(3); i < n; ++i) glob += pieces[below(pieces.size())];
    }
    const auto set = GlobSet::Compile(std::vector<std::string>{glob});
    if (!set.ok()) continue;  // an empty part, or two stars together
    INFO("glob " << glob);
    for (int i = 0; i < 20; ++i) {
      std::string path;
      GlobSet::State state = set->Start();
      for (std::size_t part = 0, parts = 1 + below(4); part < parts; ++part) {
        std::string name;
        for (std::size_t k = 0, n = 1 + below(3); k < n; ++k) name += below(2) == 0 ? 'a' : 'b';
        if (part > 0) {
          set->Advance(state, "/");
          path += '/';
        }
        set->Advance(state, name);
        path += name;
      }
      INFO("path " << path);
      const bool expected = Reference(glob, path);
      REQUIRE(set->Matches(path) == expected);
      REQUIRE(set->Accepts(state) == expected);
      matches += expected ? 1 : 0;
    }
  }
  CHECK(matches > 1000);
}

}  // namespace
}  // namespace ragpipe::fs

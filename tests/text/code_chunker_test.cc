#include "ragpipe/text/code_chunker.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "chunk_checks.h"
#include "support/catch.h"
#include "support/seed.h"
#include "test_tokenizers.h"

using ragpipe::Chunk;
using ragpipe::Document;
using ragpipe::text::CodeChunker;
using ragpipe::text::CodeChunkerOptions;
using ragpipe::text::CodeLanguage;
using ragpipe::text::CodeLanguageOf;

namespace {

using Strings = std::vector<std::string>;

constexpr CodeLanguage kLanguages[] = {
    CodeLanguage::kC,      CodeLanguage::kCpp,  CodeLanguage::kGo,    CodeLanguage::kJava, CodeLanguage::kJavaScript,
    CodeLanguage::kPython, CodeLanguage::kRust, CodeLanguage::kShell, CodeLanguage::kSql,  CodeLanguage::kTypeScript};

std::vector<Chunk> Split(const std::string& text, CodeLanguage language, std::size_t max_tokens) {
  Document document;
  document.text = text;
  const auto tokenizer = WordTokens();
  const auto chunker = CodeChunker::Create(tokenizer, {.max_tokens = max_tokens, .language = language});
  REQUIRE_OK(chunker);
  const auto chunks = chunker->Split(document);
  REQUIRE_OK(chunks);
  REQUIRE(FindFault(text, *chunks, *tokenizer, max_tokens, 0) == "");
  return *chunks;
}

Strings Texts(const std::string& text, CodeLanguage language, std::size_t max_tokens) {
  Strings texts;
  for (const Chunk& chunk : Split(text, language, max_tokens)) texts.emplace_back(OwnText(text, chunk));
  return texts;
}

// The headings of the chunk that holds `part`.
Strings HeadingsAt(const std::string& part, const std::string& text, CodeLanguage language, std::size_t max_tokens) {
  const std::size_t at = text.find(part);
  REQUIRE(at != std::string::npos);
  for (const Chunk& chunk : Split(text, language, max_tokens)) {
    if (chunk.range.begin <= at && at < chunk.range.end) return chunk.headings;
  }
  return {};
}

std::string Repeat(const std::string& text, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) all += text;
  return all;
}

std::string Statements(int count, const std::string& indent, const std::string& end) {
  std::string text;
  for (int i = 0; i < count; ++i) text += indent + "call" + std::to_string(i) + "(x)" + end + "\n";
  return text;
}

}  // namespace

TEST_CASE("A media type names its language", "[code]") {
  CHECK(CodeLanguageOf("text/x-c++src") == CodeLanguage::kCpp);
  CHECK(CodeLanguageOf("Text/X-Python; charset=utf-8") == CodeLanguage::kPython);
  CHECK(CodeLanguageOf("application/sql") == CodeLanguage::kSql);
  CHECK(CodeLanguageOf("text/markdown") == std::nullopt);
  CHECK(CodeLanguageOf("") == std::nullopt);
}

TEST_CASE("Options of a code chunker are checked when it is made", "[code]") {
  CHECK(CodeChunker::Create(nullptr).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(CodeChunker::Create(WordTokens(), {.max_tokens = 0}).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("Definitions stay whole, with their comments and attributes", "[code]") {
  const std::string a = "// What a does.\n// More.\nint a(int x) {\n  return x;\n}\n\n";
  const std::string b = "/** What b does. */\n[[nodiscard]]\ntemplate <class T>\nint b(T x) {\n  return x + 1;\n}\n\n";
  const std::string c = "int c(int x)\n{\n  return x + 2;\n}\n";
  CHECK(Texts(a + b + c, CodeLanguage::kCpp, 32) == Strings{a, b, c});

  const std::string f =
      "# About f.\n@cache\n@other(1,\n       2)\ndef f(x):\n    '''Doc.\n\nNo indent.\n'''\n    return x\n\n\n";
  const std::string g = "class G:\n    y = 1\n    z = 22\n    def h(self): return 1\n\n    # the end of G\n";
  CHECK(Texts(f + g, CodeLanguage::kPython, 36) == Strings{f, g});
  CHECK(Texts(g + "x = 1\n", CodeLanguage::kPython, 24) == Strings{g, "x = 1\n"});

  const std::string r = "/// Doc.\n#[derive(Debug)]\npub struct R<'a> {\n    x: &'a str,\n}\n\n";
  const std::string s = "impl<'a> R<'a> {\n    fn y(&self) -> char { '}' }\n}\n";
  CHECK(Texts(r + s, CodeLanguage::kRust, 29) == Strings{r, s});
}

TEST_CASE("A chunk inside a definition begins with the signatures around it", "[code]") {
  SECTION("C++") {
    const std::string text = "namespace n {\n\nclass A : public B {\n public:\n  int f(int a,\n        int b) {\n" +
                             Statements(40, "    ", ";") + "  }\n};\n\n}  // namespace n\n";
    const auto chunks = Split(text, CodeLanguage::kCpp, 80);
    REQUIRE(chunks.size() > 2);
    CHECK(chunks[1].context == "namespace n\nclass A : public B\nint f(int a, int b)\n");
    CHECK(chunks[1].headings == Strings{"namespace n", "class A : public B", "int f(int a, int b)"});
    CHECK(Split(text, CodeLanguage::kCpp, 40)[2].context == "int f(int a, int b)\n");  // the innermost fits a quarter
    CHECK(Split(text, CodeLanguage::kCpp, 12)[5].context.empty());
  }
  SECTION("Python") {
    const std::string text =
        "class A:\n    def f(\n        self,\n        b,\n    ):\n" + Statements(40, "        ", "") + "\nx = 1\n";
    const auto chunks = Split(text, CodeLanguage::kPython, 60);
    REQUIRE(chunks.size() > 2);
    CHECK(chunks[1].context == "class A\ndef f( self, b, )\n");
    CHECK(HeadingsAt("x = 1", text, CodeLanguage::kPython, 10) == Strings{});
  }
  SECTION("Go") {
    const std::string text =
        "package p\n\nfunc (s *S) F(a int) error {\n\tif a > 1 {\n" + Statements(40, "\t\t", "") + "\t}\n}\n";
    CHECK(HeadingsAt("call30", text, CodeLanguage::kGo, 60) == Strings{"func (s *S) F(a int) error"});
  }
  SECTION("Java") {
    const std::string text = "class A {\n  @Override\n  public void f() throws E {\n    for (;;) {\n" +
                             Statements(40, "      ", ";") + "    }\n  }\n}\n";
    CHECK(HeadingsAt("call30", text, CodeLanguage::kJava, 60) == Strings{"class A", "public void f() throws E"});
  }
  SECTION("JavaScript") {
    const std::string text = "export const f = async (a) => {\n" + Statements(40, "  ", "") + "}\n\nit('does', () => {\n" +
                             Statements(40, "  ", "").replace(2, 4, "last") + "})\n";
    CHECK(HeadingsAt("call30", text, CodeLanguage::kJavaScript, 60) == Strings{"export const f = async (a) =>"});
    CHECK(HeadingsAt("last0", text, CodeLanguage::kJavaScript, 60) == Strings{"it('does', () =>"});
  }
  SECTION("TypeScript") {
    const std::string text = "@Component({\n  selector: 'a',\n})\nexport class A<T> {\n  f(x: T): void {\n" +
                             Statements(40, "    ", ";") + "  }\n}\n";
    CHECK(HeadingsAt("call30", text, CodeLanguage::kTypeScript, 60) == Strings{"export class A<T>", "f(x: T): void"});
  }
  SECTION("Rust") {
    const std::string text = "impl T for S {\n    fn f(&self) {\n        match x {\n" + Statements(40, "            ", ",") +
                             "        }\n    }\n}\n";
    CHECK(HeadingsAt("call30", text, CodeLanguage::kRust, 60) == Strings{"impl T for S", "fn f(&self)"});
  }
  SECTION("shell") {
    const std::string text = "f() {\n  if true; then\n" + Statements(40, "    ", "").replace(4, 8, "echo '}'") + "  fi\n}\n";
    CHECK(HeadingsAt("call30", text, CodeLanguage::kShell, 60) == Strings{"f()"});
  }
  SECTION("SQL") {
    std::string text = "CREATE TABLE t (a INT);\n\nINSERT INTO t (a, b) VALUES\n";
    for (int i = 0; i < 40; ++i) text += "  (" + std::to_string(i) + ", 'it''s; (')" + (i < 39 ? ",\n" : ";\n");
    CHECK(HeadingsAt("(30,", text, CodeLanguage::kSql, 60) == Strings{"INSERT INTO t (a, b) VALUES"});
    const std::string routine = "CREATE FUNCTION f() RETURNS int AS $$\nBEGIN\n" + Statements(40, "  ", ";") +
                                "END;\n$$ LANGUAGE plpgsql;\n\nSELECT 1;\n";
    CHECK(HeadingsAt("call30", routine, CodeLanguage::kSql, 60) == Strings{"CREATE FUNCTION f() RETURNS int AS $$"});
    CHECK(HeadingsAt("SELECT", routine, CodeLanguage::kSql, 5) == Strings{});
  }
}

TEST_CASE("A statement of several lines is one, and the next is another", "[code]") {
  const std::string first = "first(one,\n      two)";
  const std::string second = "second(three,\n       four)";
  for (const CodeLanguage language : kLanguages) {
    CAPTURE(static_cast<int>(language));
    const bool semicolons = language == CodeLanguage::kC || language == CodeLanguage::kCpp || language == CodeLanguage::kJava ||
                            language == CodeLanguage::kRust || language == CodeLanguage::kSql;
    const std::string end = semicolons ? ";\n" : "\n";
    CHECK(Texts(first + end + second + end, language, 8) == Strings{first + end, second + end});
  }
}

TEST_CASE("Brackets in strings and comments are none", "[code]") {
  const std::string tail = "int last() {\n  return 1;\n}\n";
  auto last = [&](const std::string& before, CodeLanguage language, const std::string& end) {
    const std::string text = before + "\n" + end;
    return Texts(text, language, WordTokens()->Count(end)).back() == end;
  };
  CHECK(last("const char* a = \"{ \\\" {\";", CodeLanguage::kC, tail));
  CHECK(last("char a = '{', b = '\\'';", CodeLanguage::kC, tail));
  CHECK(last("int x = 1'000'000; // {", CodeLanguage::kCpp, tail));
  CHECK(last("auto s = R\"x(\n}{{ )\" )x\";", CodeLanguage::kCpp, tail));
  CHECK(last("/* { \n { */ int x;", CodeLanguage::kJava, tail));
  CHECK(last("String s = \"\"\"\n {{{ \" \n\"\"\";", CodeLanguage::kJava, tail));
  CHECK(last("#define OPEN {\n#define TWO \\\n  {", CodeLanguage::kC, tail));
  CHECK(last("#if A\nvoid f() {\n#else\nvoid f(int x) {\n#endif\n}", CodeLanguage::kC, tail));
  CHECK(last("var s = `\n{{{`", CodeLanguage::kGo, "func last() int {\n\treturn 1\n}\n"));
  CHECK(last("let s = `{ ${ `${ {a: '}'} }` } {`;", CodeLanguage::kJavaScript, "function last() {\n  return 1;\n}\n"));
  CHECK(last("let r = /[/{]\\/{/g, q = a / b / c;", CodeLanguage::kJavaScript, "function last() {\n  return 1;\n}\n"));
  CHECK(last("let s = r#\"{ \" {\"#; /* { /* { */ { */", CodeLanguage::kRust, "fn last() -> i32 {\n    1\n}\n"));
  CHECK(last("s = '''\n(((\n'''  # (", CodeLanguage::kPython, "def last():\n    return (1)\n"));
  CHECK(last("cat <<'EOF' <<-E2\n{ ( if\nEOF\n\t{\n\tE2", CodeLanguage::kShell, "last() {\n  return 1\n}\n"));
  CHECK(last("case $x in\n  a) echo \"(\" ;; # (\nesac", CodeLanguage::kShell, "last() {\n  return 1\n}\n"));
}

TEST_CASE("Code of no known language is split as text", "[code]") {
  Document document;
  document.text = "One. Two.\n\nThree.";
  document.media_type = "text/plain";
  const auto chunker = CodeChunker::Create(WordTokens(), {.max_tokens = 4});
  REQUIRE_OK(chunker);
  const auto chunks = chunker->Split(document);
  REQUIRE_OK(chunks);
  CHECK(chunks->size() == 2);
}

TEST_CASE("Every guarantee holds on code made of fragments", "[code]") {
  RAGPIPE_RANDOM_TEST(random);
  const Strings fragments = {"{",
                             "}",
                             "(",
                             ")",
                             "[",
                             "]",
                             "\"",
                             "'",
                             "`",
                             "${",
                             "/*",
                             "*/",
                             "//",
                             "#",
                             "--",
                             "\\",
                             "\n",
                             "\r\n",
                             "\r",
                             "\n\n",
                             "  ",
                             "\t",
                             ";",
                             ",",
                             ":",
                             "R\"x(",
                             ")x\"",
                             "r#\"",
                             "\"#",
                             "'''",
                             "\"\"\"",
                             "<<EOF",
                             "EOF\n",
                             "$$",
                             "$t$",
                             "BEGIN ",
                             "END ",
                             "CASE ",
                             "if ",
                             "fi",
                             "do ",
                             "done",
                             "case ",
                             "esac",
                             "else ",
                             "then ",
                             "def f(x):\n",
                             "    ",
                             "class A {\n",
                             "#if X\n",
                             "#else\n",
                             "#endif\n",
                             "@x\n",
                             "#[a]\n",
                             "return ",
                             "x = 1",
                             "\xC3\xA9",
                             "\xF0\x9F\x91\xA8",
                             "\xEF\xBB\xBF",
                             "/a[/]b/",
                             "function ",
                             "=> {\n",
                             "};\n",
                             "word"};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::size_t n = random() % 80; n > 0; --n) {
      const std::string& fragment = fragments[random() % fragments.size()];
      for (std::size_t times = random() % 10 == 0 ? random() % 40 : 1; times > 0; --times) text += fragment;
    }
    const auto tokenizer = random() % 2 == 0 ? WordTokens() : ByteTokens();
    const std::size_t max_tokens = 4 + random() % 60;
    const CodeLanguage language = kLanguages[random() % std::size(kLanguages)];
    CAPTURE(text, static_cast<int>(language), max_tokens, tokenizer->Fingerprint());
    Document document;
    document.text = text;
    const auto chunker = CodeChunker::Create(tokenizer, {.max_tokens = max_tokens, .language = language});
    REQUIRE_OK(chunker);
    const auto chunks = chunker->Split(document);
    REQUIRE_OK(chunks);
    REQUIRE(FindFault(text, *chunks, *tokenizer, max_tokens, 0) == "");
  }
}

TEST_CASE("Overlap of code is whole lines, and does not repeat the signature", "[code]") {
  Document document;
  document.text = "void f(int a) {\n  one(a);\n  two(a);\n  three(a);\n  four(a);\n  five(a);\n  six(a);\n  seven(a);\n}\n";
  const auto tokenizer = WordTokens();
  const auto chunker = CodeChunker::Create(tokenizer, {.max_tokens = 28, .overlap_tokens = 6, .language = CodeLanguage::kCpp});
  REQUIRE_OK(chunker);
  const auto chunks = chunker->Split(document);
  REQUIRE_OK(chunks);
  REQUIRE(FindFault(document.text, *chunks, *tokenizer, 28, 6) == "");
  REQUIRE(chunks->size() > 1);
  for (std::size_t i = 1; i < chunks->size(); ++i) {
    const Chunk& chunk = (*chunks)[i];
    const std::string overlap = document.text.substr(chunk.range.begin - chunk.overlap, chunk.overlap);
    CHECK(overlap.rfind("  ", 0) == 0);
    CHECK(overlap.back() == '\n');
    CHECK(overlap.find("void") == std::string::npos);
  }
}

TEST_CASE("CodeChunker: sizes are options as elsewhere, and the recipe names languages", "[code]") {
  auto refused = [](const std::string& name, CodeChunkerOptions options) {
    const absl::Status status = CodeChunker::Create(WordTokens(), options).status();
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(std::string(status.message()).find("CodeChunkerOptions::" + name) != std::string::npos);
  };
  refused("overlap_tokens", {.max_tokens = 4, .overlap_tokens = 4});
  refused("min_tokens", {.max_tokens = 4, .min_tokens = 5});
  refused("max_bytes", {.max_bytes = 3});
  const auto fingerprint = [](CodeChunkerOptions options) {
    const auto chunker = CodeChunker::Create(WordTokens(), options);
    REQUIRE_OK(chunker);
    return chunker->Fingerprint();
  };
  CHECK(fingerprint({.language = CodeLanguage::kCpp}).find("language=cpp,") != std::string::npos);
  CHECK(fingerprint({}).find("language=media_type,") != std::string::npos);
  CHECK(fingerprint({}) != fingerprint({.overlap_tokens = 1}));
}

TEST_CASE("Code that is made to take longer is split in linear time", "[code]") {
  // Counted in 8 KB blocks at constant cost, so that the time is the scanner's and the splitter's.
  const Strings hostile = {"{",        "}",     "(",      "{\n",    "}\n",     "[(\n",   "\"",    "'",     "`",
                           "`${",      "/*",    "R\"x(",  "r#\"#",  "r####\"", "\"###",  "'''",   "<<a ",  "<<a\n",
                           "$a$ ",     "$a",    "BEGIN ", "END ",   "CASE\n",  "if ",    "do\n",  "case ", "a\n",
                           "\n",       " ",     "x",      "#if\n{", "#else\n", "@a\n",   "# a\n", "=/[",   "= /a",
                           "// {\n\n", "    {", "enum {", "\\",     "\\\n",    "else\n", ")\n",   "{ }"};
  const auto tokenizer = std::make_shared<RuleTokenizer>("blocks", [](std::string_view text) { return text.size() / 512 + 1; });
  // A quadratic step would take minutes.
  for (const std::string& unit : hostile) {
    Document document;
    document.text = Repeat(unit, 100000);
    for (const CodeLanguage language : kLanguages) {
      CAPTURE(unit, static_cast<int>(language));
      const auto chunker = CodeChunker::Create(tokenizer, {.max_tokens = 64, .language = language});
      REQUIRE_OK(chunker);
      REQUIRE_OK(chunker->Split(document));
    }
  }
}

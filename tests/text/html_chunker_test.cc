#include "ragpipe/text/html_chunker.h"

#include <absl/status/status.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "chunk_checks.h"
#include "core/utf8.h"
#include "support/catch.h"
#include "support/seed.h"
#include "test_tokenizers.h"

using ragpipe::ByteRange;
using ragpipe::Chunk;
using ragpipe::Document;
using ragpipe::text::HtmlChunker;
using ragpipe::text::HtmlChunkerOptions;
using ragpipe::text::HtmlText;
using ragpipe::text::OffsetMap;
using ragpipe::text::ReadHtml;

namespace {

using Strings = std::vector<std::string>;

Document Html(std::string text) {
  Document document;
  document.text = std::move(text);
  document.media_type = "text/html";
  return document;
}

// The first guarantee that does not hold, in words.
std::string FindFault(const std::string& html, const std::vector<Chunk>& chunks, std::size_t max_tokens,
                      bool drop_boilerplate) {
  const HtmlText seen = ReadHtml(html, drop_boilerplate);
  std::string text;
  std::size_t at = 0;
  for (const Chunk& chunk : chunks) {
    if (chunk.range.begin != at || chunk.range.end < at || chunk.range.end > html.size()) return "ranges do not tile";
    at = chunk.range.end;
    if (!ragpipe::internal::IsCodePointBoundary(html, at)) return "a cut inside a code point";
    if (!chunk.text.has_value()) return "no text";
    if (chunk.tokens != WordTokens()->Count(chunk.context + *chunk.text)) return "a wrong count";
    if (chunk.tokens > max_tokens) return "more than the cap";
    text += *chunk.text;
  }
  if (text != seen.text) return "the texts are not what is seen";
  if (!chunks.empty() && at != html.size()) return "the end is missing";
  std::size_t source_at = 0;
  std::size_t text_at = 0;
  for (const OffsetMap::Edit& edit : seen.map.edits()) {
    if (edit.source.begin < source_at || edit.text.begin < text_at) return "edits out of order";
    const std::string_view same = std::string_view(html).substr(source_at, edit.source.begin - source_at);
    if (same != std::string_view(seen.text).substr(text_at, edit.text.begin - text_at)) return "a run differs";
    source_at = edit.source.end;
    text_at = edit.text.end;
  }
  if (std::string_view(html).substr(source_at) != std::string_view(seen.text).substr(text_at)) return "the end differs";
  std::size_t dropped_at = 0;
  for (const ByteRange& range : seen.dropped) {
    if (range.begin < dropped_at || range.end < range.begin || range.end > html.size()) return "dropped ranges out of order";
    dropped_at = range.end;
  }
  return "";
}

std::vector<Chunk> Split(const std::string& html, HtmlChunkerOptions options) {
  const auto chunker = HtmlChunker::Create(WordTokens(), options);
  REQUIRE_OK(chunker);
  const auto chunks = chunker->Split(Html(html));
  REQUIRE_OK(chunks);
  REQUIRE(FindFault(html, *chunks, options.max_tokens, options.drop_boilerplate) == "");
  return *chunks;
}

std::string Repeat(const std::string& text, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) all += text;
  return all;
}

std::string Words(int count) {
  std::string words;
  for (int i = 0; i < count; ++i) words += "w" + std::to_string(i) + " ";
  return words;
}

}  // namespace

// As innerText of a browser, but for the empty lines that html_chunker.h names.
TEST_CASE("The visible text is that of a browser", "[html]") {
  CHECK(ReadHtml("<p>One</p>\n<p>Two <b>bold</b>\n  words</p>").text == "One\n\nTwo bold words");
  CHECK(ReadHtml("<div>a</div><div>b<div>c</div></div>d").text == "a\nb\nc\nd");
  CHECK(ReadHtml("<h1>T</h1>text<ul><li>a<li>b <ul><li>c</ul></ul>").text == "T\n\ntext\n\na\nb\nc");
  CHECK(ReadHtml("a<br>b<br><br>c").text == "a\nb\n\nc");
  CHECK(ReadHtml("<p> x <span> y </span> z </p>").text == "x y z");
  CHECK(ReadHtml("<pre>\n  a\n\tb </pre>c").text == "  a\n\tb \n\nc");
  CHECK(ReadHtml("<table><tr><th>a<th>b<tr><td>1<td>2</table>").text == "a\tb\n1\t2");
  CHECK(ReadHtml("x<script>var a = '<p>';</script>y<style>p{}</style><!-- c -->z").text == "xyz");
  CHECK(ReadHtml("<head><title>T</title></head><body>b").text == "b");
  CHECK(ReadHtml("<p hidden>no<p>yes<span style=\"color:red; Display : none\">no</span>").text == "yes");
  CHECK(ReadHtml("&lt;p&gt; &amp;amp; &eacute; &eacute &#233;&#xe9; &#128; &#0; &notit; &nosuch; &").text ==
        "<p> &amp; \u00E9 \u00E9 \u00E9\u00E9 \u20AC \uFFFD \u00ACit; &nosuch; &");
  CHECK(ReadHtml("a < b <3 </> c</b>d").text == "a < b <3 cd");
  CHECK(ReadHtml("<nav>n</nav><p>t</p><footer>f</footer>").text == "n\n\nt\n\nf");
}

TEST_CASE("What is left out is reported", "[html]") {
  const std::string html = "<nav>menu</nav><p>text</p><script>s</script>";
  CHECK(ReadHtml(html, true).text == "text");
  CHECK(ReadHtml(html, true).dropped == std::vector<ByteRange>{{0, 15}, {26, html.size()}});
  CHECK(ReadHtml(html).dropped == std::vector<ByteRange>{{26, html.size()}});
}

TEST_CASE("Chunks of HTML follow its headings", "[html]") {
  const std::string one = "<section><h2>One</h2><p>" + Words(8) + "</p></section>";
  const std::string html =
      "<h1>Top &amp; all</h1>" + one + "<section><h2>Two</h2><p>" + Words(14) + "</p><p>" + Words(14) + "</p></section>";
  const auto chunks = Split(html, {.max_tokens = 20});
  REQUIRE(chunks.size() >= 3);
  CHECK(chunks[0].headings == Strings{"Top & all"});
  CHECK(chunks.back().headings == Strings{"Top & all", "Two"});
  CHECK(chunks.back().context == "Top & all > Two\n");
  CHECK(html.substr(chunks.back().range.begin, 3) == "<p>");  // the cut is before the tag
}

TEST_CASE("A divided table repeats its header, a list its items whole", "[html]") {
  std::string table = "<table><thead><tr><th>Name<th>Value</tr></thead><tbody>";
  for (int i = 0; i < 30; ++i) table += "<tr><td>n" + std::to_string(i) + "</td><td>v" + std::to_string(i) + "</td></tr>\n";
  table += "</tbody></table>";
  const auto chunks = Split("<p>Before.</p>" + table, {.max_tokens = 12});
  REQUIRE(chunks.size() > 5);
  for (std::size_t i = 2; i < chunks.size(); ++i) {
    CHECK(chunks[i].context == "Name\tValue\n");
    CHECK(chunks[i].text->front() == 'n');
    CHECK(chunks[i].tokens <= 12);
  }
}

TEST_CASE("Other media types are split as text, and nothing gives no chunks", "[html]") {
  const auto chunker = HtmlChunker::Create(WordTokens(), {.max_tokens = 4});
  REQUIRE_OK(chunker);
  Document plain = Html("<p>One.</p>");
  plain.media_type = "text/plain";
  CHECK((*chunker->Split(plain))[0].text == std::nullopt);
  CHECK(chunker->Split(Html(""))->empty());
  CHECK(chunker->Split(Html("<script>x</script><!-- c -->"))->empty());
  CHECK(HtmlChunker::Create(nullptr).status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(HtmlChunker::Create(WordTokens(), {.max_tokens = 0}).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("Overlap of HTML is visible text, and a range of the source", "[html]") {
  const std::string html = "<p>One <b>two</b> three. Four <i>five</i> six. Seven eight nine. Ten eleven twelve.</p>";
  const auto chunker = HtmlChunker::Create(WordTokens(), {.max_tokens = 10, .overlap_tokens = 3});
  REQUIRE_OK(chunker);
  const auto split = chunker->Split(Html(html));
  REQUIRE_OK(split);
  const std::vector<Chunk>& chunks = *split;
  REQUIRE(chunks.size() > 1);
  for (std::size_t i = 1; i < chunks.size(); ++i) {
    CHECK(chunks[i].overlap > 0);
    CHECK(chunks[i].overlap <= chunks[i - 1].range.size());
    const std::size_t first_word = chunks[i].text->find(' ');
    CHECK(chunks[i - 1].text->find(chunks[i].text->substr(0, first_word)) != std::string::npos);
  }
  CHECK(HtmlChunker::Create(WordTokens(), {.max_tokens = 4, .overlap_tokens = 4}).status().code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK(HtmlChunker::Create(WordTokens(), {.max_tokens = 4, .min_tokens = 5}).status().code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK(HtmlChunker::Create(WordTokens(), {.max_bytes = 1}).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("Every guarantee holds on HTML made of fragments", "[html]") {
  RAGPIPE_RANDOM_TEST(random);
  const Strings fragments = {"<p>",
                             "</p>",
                             "<div>",
                             "</div>",
                             "<h1>",
                             "</h1>",
                             "<h3>",
                             "</h3>",
                             "<ul>",
                             "<li>",
                             "</li>",
                             "</ul>",
                             "<table>",
                             "</table>",
                             "<tr>",
                             "<td>",
                             "<th>",
                             "<thead>",
                             "</thead>",
                             "<pre>",
                             "</pre>",
                             "<b>",
                             "</b>",
                             "<script>",
                             "</script>",
                             "<!--",
                             "-->",
                             "<nav>",
                             "</nav>",
                             "<span hidden>",
                             "</span>",
                             "<br>",
                             "<hr>",
                             "&amp;",
                             "&eacute",
                             "&#x41;",
                             "&",
                             "<",
                             ">",
                             "\"",
                             " ",
                             "\n",
                             "\r\n",
                             "word ",
                             "Two words. ",
                             "\xC3\xA9",
                             "\xF0\x9F\x91\xA8",
                             "<blockquote>",
                             "</blockquote>",
                             "<p title=\"",
                             "<template>",
                             "</template>",
                             "<body>",
                             "<head>",
                             "</head>",
                             "<textarea>",
                             "</textarea>",
                             "&#0;",
                             "&ngE;",
                             "<title>"};
  for (int round = 0; round < 4000; ++round) {
    std::string html;
    for (std::size_t n = random() % 60; n > 0; --n) {
      const std::string& fragment = fragments[random() % fragments.size()];
      for (std::size_t times = random() % 12 == 0 ? random() % 40 : 1; times > 0; --times) html += fragment;
    }
    CAPTURE(html);
    Split(html, {.max_tokens = 3 + random() % 40, .drop_boilerplate = random() % 2 == 0});
  }
}

TEST_CASE("HTML that is made to take longer is split in linear time", "[html]") {
  const Strings hostile = {"<div>",
                           "<p>",
                           "<b>",
                           "<b><p>",
                           "</div>",
                           "</x>",
                           "<table>",
                           "<table><tr><td>",
                           "<ul><li>",
                           "<li>",
                           "<font size=1>",
                           "<a x=",
                           "<a b ",
                           "<a \"",
                           "<!--",
                           "<!-",
                           "<script>",
                           "<script></",
                           "&",
                           "&a",
                           "&#",
                           "&amp;",
                           "<",
                           "</",
                           "<pre>",
                           "<pre>\n",
                           "<span hidden>",
                           "<nav>",
                           "<h1>",
                           "<td>",
                           "x",
                           " ",
                           "\n",
                           "<p hidden><i>",
                           "<select>",
                           "<svg>",
                           "<blockquote>",
                           "<textarea>",
                           "<title>",
                           "<template>"};
  const auto tokenizer = std::make_shared<RuleTokenizer>("blocks", [](std::string_view text) { return text.size() / 512 + 1; });
  const auto chunker = HtmlChunker::Create(tokenizer, {.max_tokens = 64});
  REQUIRE_OK(chunker);
  // A quadratic step would take minutes.
  for (const std::string& unit : hostile) {
    CAPTURE(unit);
    REQUIRE_OK(chunker->Split(Html(Repeat(unit, 300000) + "end")));
  }
  std::string attributes = "<p ";
  for (int i = 0; i < 100000; ++i) attributes += "a" + std::to_string(i) + "=1 ";
  REQUIRE_OK(chunker->Split(Html(attributes + ">x")));
}

#include "page.h"

#include <algorithm>
#include <string_view>

#include "json.h"

namespace {

constexpr char kHead[] = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chunks</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1d2430; --quiet: #667085; --line: #dfe3ea; --overlap: #b42318;
  --c0: #dbeafe; --c1: #dcfce7; --c2: #fef3c7; --c3: #fce7f3; --c4: #ede9fe; --c5: #cffafe; --edge: #1d4ed8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151b; --card: #1a1f28; --ink: #e5e9f0; --quiet: #97a1b3; --line: #2c3442; --overlap: #fda29b;
    --c0: #1c3358; --c1: #17402a; --c2: #4a3a12; --c3: #4c2239; --c4: #352a5e; --c5: #123f49; --edge: #84adff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 24px; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 4px; font-size: 20px; }
.about { margin: 0 0 20px; color: var(--quiet); }
h2 { margin: 24px 0 8px; font: 600 15px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 16px; align-items: start; }
.column { min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.top { padding: 12px 16px; border-bottom: 1px solid var(--line); }
.top b { font-size: 16px; }
.figures { color: var(--quiet); font-variant-numeric: tabular-nums; }
.bars { display: flex; align-items: flex-end; gap: 1px; height: 36px; margin-top: 8px; border-top: 1px dashed var(--line); }
.bars i { flex: 1 1 2px; min-width: 0; background: var(--edge); opacity: .55; border-radius: 1px 1px 0 0; }
.bars i.on { opacity: 1; }
pre { margin: 0; padding: 14px 16px; font: 13px/1.65 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
      tab-size: 4; }
.chunk { padding: 1px 0; border-radius: 3px; box-decoration-break: clone; -webkit-box-decoration-break: clone; cursor: default; }
.chunk:focus { outline: none; }
.chunk.on { box-shadow: 0 0 0 1.5px var(--edge); }
.chunk::before { content: attr(data-tokens); margin-right: 5px; padding: 0 5px; border-radius: 8px; background: var(--card);
                 color: var(--quiet); font: 600 10.5px/1.5 system-ui, sans-serif; vertical-align: 1px; }
.c0 { background: var(--c0); } .c1 { background: var(--c1); } .c2 { background: var(--c2); }
.c3 { background: var(--c3); } .c4 { background: var(--c4); } .c5 { background: var(--c5); }
.overlap { text-decoration: underline dotted var(--overlap); text-underline-offset: 3px; }
.overlap.on { background: color-mix(in srgb, var(--overlap) 30%, transparent); }
#card { position: fixed; z-index: 1; max-width: min(460px, 90vw); padding: 10px 14px; border: 1px solid var(--line);
        border-radius: 8px; background: var(--card); box-shadow: 0 8px 28px rgb(0 0 0 / .22); font-size: 13px; pointer-events: none; }
#card[hidden] { display: none; }
#card dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; margin: 0; }
#card dt { color: var(--quiet); }
#card dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 12em; overflow: hidden; }
</style>
</head>
<body>
)html";

constexpr char kTail[] = R"html(<div id="card" hidden></div>
<script>
const card = document.getElementById("card");
let lit = [];
function show(chunk, x, y) {
  hide();
  const column = chunk.closest(".column");
  const number = chunk.dataset.number;
  lit = [...column.querySelectorAll(`[data-number="${number}"], [data-of="${number}"]`)];
  lit.forEach(part => part.classList.add("on"));
  const about = JSON.parse(chunk.dataset.about);
  const list = document.createElement("dl");
  for (const [name, value] of Object.entries(about)) {
    const term = document.createElement("dt"), text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    list.append(term, text);
  }
  card.replaceChildren(list);
  card.hidden = false;
  const box = card.getBoundingClientRect();
  card.style.left = Math.max(8, Math.min(x + 16, innerWidth - box.width - 8)) + "px";
  card.style.top = Math.max(8, y + 20 + box.height > innerHeight ? y - box.height - 14 : y + 20) + "px";
}
function hide() {
  lit.forEach(part => part.classList.remove("on"));
  lit = [];
  card.hidden = true;
}
document.addEventListener("mousemove", event => {
  const chunk = event.target.closest(".chunk");
  if (chunk) show(chunk, event.clientX, event.clientY); else hide();
});
document.addEventListener("focusin", event => {
  const chunk = event.target.closest(".chunk");
  if (!chunk) return;
  const box = chunk.getClientRects()[0];
  show(chunk, box.left, box.top);
});
document.addEventListener("focusout", hide);
</script>
</body>
</html>
)html";

std::string Escape(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        const bool control = (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7F;
        if (control) {
          html += "\xEF\xBF\xBD";
        } else {
          html += c;
        }
    }
  }
  return html;
}

// What the card says, as JSON: names and values in the order of reading.
std::string About(const std::vector<ragpipe::Chunk>& chunks, std::size_t i, std::string_view text) {
  const ragpipe::Chunk& chunk = chunks[i];
  std::string json = "{\"chunk\":\"" + std::to_string(i + 1) + " of " + std::to_string(chunks.size()) + "\",\"tokens\":\"" +
                     std::to_string(chunk.tokens) + "\",\"bytes\":\"" + std::to_string(chunk.range.begin) + " to " +
                     std::to_string(chunk.range.end) + "\"";
  std::string path;
  for (const std::string& heading : chunk.headings) path += (path.empty() ? "" : " \u203A ") + heading;
  if (!path.empty()) json += ",\"headings\":" + JsonString(path);
  if (!chunk.context.empty()) json += ",\"context\":" + JsonString(chunk.context);
  if (chunk.overlap > 0) json += ",\"overlap\":" + JsonString(text.substr(chunk.range.begin - chunk.overlap, chunk.overlap));
  if (chunk.text.has_value()) json += ",\"reads\":" + JsonString(*chunk.text);
  return json + "}";
}

void WriteColumn(const ChunkedFile& file, const ChunkedBy& column, std::size_t max_tokens, std::ostream& out) {
  const std::vector<ragpipe::Chunk>& chunks = column.chunks;
  std::size_t sum = 0;
  std::size_t most = 0;
  for (const ragpipe::Chunk& chunk : chunks) {
    sum += chunk.tokens;
    most = std::max(most, chunk.tokens);
  }
  out << "<div class=\"column\"><div class=\"top\"><b>" << Escape(column.chunker) << "</b> <span class=\"figures\">"
      << chunks.size() << " chunks, " << (chunks.empty() ? 0 : sum / chunks.size()) << " tokens on average, " << most
      << " at most</span><div class=\"bars\">";
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    out << "<i data-number=\"" << i << "\" style=\"height:" << std::min<std::size_t>(100, 100 * chunks[i].tokens / max_tokens)
        << "%\"></i>";
  }
  out << "</div></div>\n<pre>";
  const std::string_view text = file.text;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const ragpipe::ByteRange range = chunks[i].range;
    // The end of a chunk may be repeated by the next.
    const std::size_t overlap = i + 1 < chunks.size() ? std::min(chunks[i + 1].overlap, range.size()) : 0;
    const std::size_t split = range.end - overlap;
    out << "<span class=\"chunk c" << i % 6 << "\" tabindex=\"0\" data-number=\"" << i << "\" data-tokens=\""
        << chunks[i].tokens << "\" data-about=\"" << Escape(About(chunks, i, text)) << "\">"
        << Escape(text.substr(range.begin, split - range.begin));
    if (overlap > 0)
      out << "<span class=\"overlap\" data-of=\"" << i + 1 << "\">" << Escape(text.substr(split, overlap)) << "</span>";
    out << "</span>";
  }
  out << "</pre></div>\n";
}

}  // namespace

void WritePage(const std::vector<ChunkedFile>& files, std::size_t max_tokens, const std::string& tokenizer, std::ostream& out) {
  out << kHead << "<h1>Chunks of at most " << max_tokens << " tokens</h1>\n<p class=\"about\">Counted by the tokenizer \""
      << Escape(tokenizer)
      << "\". Each colour is one chunk, with its tokens before it; point at one to see its range, headings, context and "
         "overlap. "
      << "What the next chunk repeats is underlined.</p>\n";
  for (const ChunkedFile& file : files) {
    out << "<h2>" << Escape(file.path) << "</h2>\n<div class=\"columns\">";
    for (const ChunkedBy& column : file.columns) WriteColumn(file, column, max_tokens, out);
    out << "</div>\n";
  }
  out << kTail;
}

#include "fs/media_type.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

namespace ragpipe::fs {
namespace {

struct Extension {
  std::string_view extension;
  std::string_view media_type;  // empty = binary
};

// Registered names where there are any, else those of the freedesktop.org shared MIME-info database. Sorted.
constexpr Extension kExtensions[] = {
    {"7z", ""},
    {"a", ""},
    {"aac", ""},
    {"adoc", "text/asciidoc"},
    {"apk", ""},
    {"asciidoc", "text/asciidoc"},
    {"avi", ""},
    {"avif", ""},
    {"bash", "application/x-shellscript"},
    {"bat", "application/x-bat"},
    {"bib", "text/x-bibtex"},
    {"bin", ""},
    {"bmp", ""},
    {"bz2", ""},
    {"c", "text/x-csrc"},
    {"cc", "text/x-c++src"},
    {"class", ""},
    {"cpp", "text/x-c++src"},
    {"cs", "text/x-csharp"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"cxx", "text/x-c++src"},
    {"dart", "application/x-dart"},
    {"db", ""},
    {"deb", ""},
    {"dll", ""},
    {"dmg", ""},
    {"doc", ""},
    {"docx", ""},
    {"dylib", ""},
    {"ear", ""},
    {"el", "text/x-emacs-lisp"},
    {"eml", "message/rfc822"},
    {"eot", ""},
    {"epub", ""},
    {"erl", "text/x-erlang"},
    {"ex", "text/x-elixir"},
    {"exe", ""},
    {"exs", "text/x-elixir"},
    {"flac", ""},
    {"gguf", ""},
    {"gif", ""},
    {"go", "text/x-go"},
    {"gz", ""},
    {"h", "text/x-chdr"},
    {"h5", ""},
    {"heic", ""},
    {"hh", "text/x-c++hdr"},
    {"hpp", "text/x-c++hdr"},
    {"hs", "text/x-haskell"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"hxx", "text/x-c++hdr"},
    {"ico", ""},
    {"ini", "text/plain"},
    {"ipynb", "application/x-ipynb+json"},
    {"iso", ""},
    {"jar", ""},
    {"java", "text/x-java"},
    {"jpeg", ""},
    {"jpg", ""},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"jsonl", "application/x-ndjson"},
    {"jsx", "text/jsx"},
    {"kt", "text/x-kotlin"},
    {"kts", "text/x-kotlin"},
    {"less", "text/x-less"},
    {"lib", ""},
    {"log", "text/plain"},
    {"lua", "text/x-lua"},
    {"lz4", ""},
    {"m4a", ""},
    {"markdown", "text/markdown"},
    {"md", "text/markdown"},
    {"mdx", "text/markdown"},
    {"mjs", "text/javascript"},
    {"mkv", ""},
    {"ml", "text/x-ocaml"},
    {"mov", ""},
    {"mp3", ""},
    {"mp4", ""},
    {"mpeg", ""},
    {"mpg", ""},
    {"msi", ""},
    {"ndjson", "application/x-ndjson"},
    {"npy", ""},
    {"npz", ""},
    {"o", ""},
    {"obj", ""},
    {"odp", ""},
    {"ods", ""},
    {"odt", ""},
    {"ogg", ""},
    {"onnx", ""},
    {"opus", ""},
    {"org", "text/org"},
    {"otf", ""},
    {"parquet", ""},
    {"pdf", ""},
    {"php", "application/x-php"},
    {"pickle", ""},
    {"pkl", ""},
    {"pl", "application/x-perl"},
    {"pm", "application/x-perl"},
    {"png", ""},
    {"ppt", ""},
    {"pptx", ""},
    {"proto", "text/x-protobuf"},
    {"ps1", "application/x-powershell"},
    {"psd", ""},
    {"pt", ""},
    {"pth", ""},
    {"py", "text/x-python"},
    {"pyc", ""},
    {"pyi", "text/x-python"},
    {"pyo", ""},
    {"r", "text/x-r"},
    {"rar", ""},
    {"rb", "application/x-ruby"},
    {"rpm", ""},
    {"rs", "text/rust"},
    {"rst", "text/x-rst"},
    {"safetensors", ""},
    {"scala", "text/x-scala"},
    {"scss", "text/x-scss"},
    {"sh", "application/x-shellscript"},
    {"so", ""},
    {"sql", "application/sql"},
    {"sqlite", ""},
    {"sqlite3", ""},
    {"svg", "image/svg+xml"},
    {"swift", "text/x-swift"},
    {"tar", ""},
    {"tex", "text/x-tex"},
    {"tgz", ""},
    {"tif", ""},
    {"tiff", ""},
    {"toml", "application/toml"},
    {"ts", "text/x-typescript"},
    {"tsv", "text/tab-separated-values"},
    {"tsx", "text/x-typescript"},
    {"ttf", ""},
    {"txt", "text/plain"},
    {"war", ""},
    {"wasm", ""},
    {"wav", ""},
    {"webm", ""},
    {"webp", ""},
    {"whl", ""},
    {"wma", ""},
    {"wmv", ""},
    {"woff", ""},
    {"woff2", ""},
    {"xhtml", "application/xhtml+xml"},
    {"xls", ""},
    {"xlsx", ""},
    {"xml", "application/xml"},
    {"xz", ""},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", ""},
    {"zst", ""},
};

static_assert(std::adjacent_find(std::begin(kExtensions), std::end(kExtensions), [](const Extension& a, const Extension& b) {
                return a.extension >= b.extension;
              }) == std::end(kExtensions));

constexpr std::size_t kLongestExtension =
    std::max_element(std::begin(kExtensions), std::end(kExtensions), [](const Extension& a, const Extension& b) {
      return a.extension.size() < b.extension.size();
    })->extension.size();

}  // namespace

std::string_view MediaTypeOf(std::string_view path) {
  constexpr std::string_view kUnknown = "text/plain";
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return kUnknown;  // ".bin" is a hidden file without an extension
  const std::string_view extension = name.substr(dot + 1);
  if (extension.size() > kLongestExtension) return kUnknown;
  std::array<char, kLongestExtension> buffer;
  for (std::size_t i = 0; i < extension.size(); ++i) {  // not tolower(): it asks the locale
    const char c = extension[i];
    buffer[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  const std::string_view lower(buffer.data(), extension.size());
  const auto* found = std::lower_bound(std::begin(kExtensions), std::end(kExtensions), lower,
                                       [](const Extension& entry, std::string_view key) { return entry.extension < key; });
  if (found == std::end(kExtensions) || found->extension != lower) return kUnknown;
  return found->media_type;
}

}  // namespace ragpipe::fs

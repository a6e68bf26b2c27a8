#include <algorithm>
#include <iterator>
#include <string>

#include "ragpipe/text/code_chunker.h"

namespace ragpipe::text {
namespace {

struct NamedLanguage {
  std::string_view media_type;
  CodeLanguage language;
};

// Registered names, those of the freedesktop.org shared MIME-info database, and what editors and servers say.
constexpr NamedLanguage kNames[] = {
    {"application/ecmascript", CodeLanguage::kJavaScript},
    {"application/javascript", CodeLanguage::kJavaScript},
    {"application/sql", CodeLanguage::kSql},
    {"application/typescript", CodeLanguage::kTypeScript},
    {"application/x-javascript", CodeLanguage::kJavaScript},
    {"application/x-python", CodeLanguage::kPython},
    {"application/x-sh", CodeLanguage::kShell},
    {"application/x-shellscript", CodeLanguage::kShell},
    {"application/x-typescript", CodeLanguage::kTypeScript},
    {"text/ecmascript", CodeLanguage::kJavaScript},
    {"text/javascript", CodeLanguage::kJavaScript},
    {"text/jsx", CodeLanguage::kJavaScript},
    {"text/rust", CodeLanguage::kRust},
    {"text/tsx", CodeLanguage::kTypeScript},
    {"text/typescript", CodeLanguage::kTypeScript},
    {"text/x-c", CodeLanguage::kC},
    {"text/x-c++", CodeLanguage::kCpp},
    {"text/x-c++hdr", CodeLanguage::kCpp},
    {"text/x-c++src", CodeLanguage::kCpp},
    {"text/x-chdr", CodeLanguage::kCpp},
    {"text/x-csrc", CodeLanguage::kC},
    {"text/x-go", CodeLanguage::kGo},
    {"text/x-golang", CodeLanguage::kGo},
    {"text/x-java", CodeLanguage::kJava},
    {"text/x-java-source", CodeLanguage::kJava},
    {"text/x-python", CodeLanguage::kPython},
    {"text/x-python3", CodeLanguage::kPython},
    {"text/x-rust", CodeLanguage::kRust},
    {"text/x-script.python", CodeLanguage::kPython},
    {"text/x-sh", CodeLanguage::kShell},
    {"text/x-shellscript", CodeLanguage::kShell},
    {"text/x-sql", CodeLanguage::kSql},
    {"text/x-typescript", CodeLanguage::kTypeScript},
};
static_assert(std::is_sorted(std::begin(kNames), std::end(kNames),
                             [](const NamedLanguage& a, const NamedLanguage& b) { return a.media_type < b.media_type; }));

}  // namespace

std::optional<CodeLanguage> CodeLanguageOf(std::string_view media_type) {
  std::string name(media_type.substr(0, media_type.find(';')));
  while (!name.empty() && name.back() == ' ') name.pop_back();
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto* found = std::lower_bound(std::begin(kNames), std::end(kNames), std::string_view(name),
                                       [](const NamedLanguage& entry, std::string_view key) { return entry.media_type < key; });
  if (found == std::end(kNames) || found->media_type != name) return std::nullopt;
  return found->language;
}

}  // namespace ragpipe::text

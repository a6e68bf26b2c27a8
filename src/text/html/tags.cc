#include "text/html/tags.h"

#include <algorithm>
#include <iterator>

namespace ragpipe::text::internal {
namespace {

constexpr std::uint32_t kPlainBlock = HtmlTag::kBlock | HtmlTag::kClosesParagraph;
constexpr std::uint32_t kHead = kPlainBlock | HtmlTag::kParagraph | HtmlTag::kHeading;
constexpr std::uint32_t kPage = kPlainBlock | HtmlTag::kBoilerplate;
constexpr std::uint32_t kNever = HtmlTag::kUnseen;
constexpr std::uint32_t kNeverRaw = HtmlTag::kUnseen | HtmlTag::kRawText;
constexpr std::uint32_t kListing = kPlainBlock | HtmlTag::kParagraph | HtmlTag::kPreformatted;

// Sorted. The display of each is that of the HTML Living Standard, section 15.3.
constexpr HtmlTag kTags[] = {
    {"", 0},
    {"address", kPlainBlock},
    {"area", HtmlTag::kVoid},
    {"article", kPlainBlock},
    {"aside", kPage},
    {"audio", kNever},
    {"base", HtmlTag::kVoid},
    {"basefont", HtmlTag::kVoid},
    {"bgsound", HtmlTag::kVoid},
    {"blockquote", kPlainBlock | HtmlTag::kParagraph | HtmlTag::kQuote},
    {"body", HtmlTag::kBlock},
    {"br", HtmlTag::kVoid},
    {"canvas", kNever},
    {"caption", HtmlTag::kBlock},
    {"center", kPlainBlock},
    {"col", HtmlTag::kVoid},
    {"datalist", kNever},
    {"dd", kPlainBlock | HtmlTag::kItem},
    {"details", kPlainBlock},
    {"dialog", kPlainBlock},
    {"dir", kPlainBlock | HtmlTag::kParagraph | HtmlTag::kList},
    {"div", kPlainBlock},
    {"dl", kPlainBlock | HtmlTag::kParagraph | HtmlTag::kList},
    {"dt", kPlainBlock | HtmlTag::kItem},
    {"embed", HtmlTag::kVoid},
    {"fieldset", kPlainBlock},
    {"figcaption", kPlainBlock},
    {"figure", kPlainBlock | HtmlTag::kParagraph},
    {"footer", kPage},
    {"form", kPlainBlock},
    {"frame", HtmlTag::kVoid},
    {"h1", kHead},
    {"h2", kHead},
    {"h3", kHead},
    {"h4", kHead},
    {"h5", kHead},
    {"h6", kHead},
    {"head", kNever},
    {"header", kPage},
    {"hgroup", kPlainBlock},
    {"hr", kPlainBlock | HtmlTag::kVoid},
    {"html", HtmlTag::kBlock},
    {"iframe", kNeverRaw},
    {"img", HtmlTag::kVoid},
    {"input", HtmlTag::kVoid},
    {"keygen", HtmlTag::kVoid},
    {"legend", HtmlTag::kBlock},
    {"li", kPlainBlock | HtmlTag::kItem},
    {"link", HtmlTag::kVoid},
    {"listing", kListing},
    {"main", kPlainBlock},
    {"menu", kPlainBlock | HtmlTag::kParagraph | HtmlTag::kList},
    {"meta", HtmlTag::kVoid},
    {"nav", kPage},
    {"noembed", kNeverRaw},
    {"noframes", kNeverRaw},
    {"noscript", kNever},
    {"object", kNever},
    {"ol", kPlainBlock | HtmlTag::kParagraph | HtmlTag::kList},
    {"optgroup", HtmlTag::kBlock},
    {"option", HtmlTag::kBlock},
    {"p", kPlainBlock | HtmlTag::kParagraph},
    {"param", HtmlTag::kVoid},
    {"plaintext", kListing},
    {"pre", kListing},
    {"rp", kNever},
    {"script", kNeverRaw},
    {"search", kPlainBlock},
    {"section", kPlainBlock},
    {"source", HtmlTag::kVoid},
    {"style", kNeverRaw},
    {"summary", kPlainBlock},
    {"svg", kNever},
    {"table", kPlainBlock | HtmlTag::kTable},
    {"tbody", HtmlTag::kRowGroup},
    {"td", HtmlTag::kCell},
    {"template", kNever},
    {"textarea", HtmlTag::kRawText | HtmlTag::kReferences | HtmlTag::kPreformatted},
    {"tfoot", HtmlTag::kRowGroup},
    {"th", HtmlTag::kCell},
    {"thead", HtmlTag::kRowGroup},
    {"title", kNeverRaw},
    {"tr", HtmlTag::kRow},
    {"track", HtmlTag::kVoid},
    {"ul", kPlainBlock | HtmlTag::kParagraph | HtmlTag::kList},
    {"video", kNever},
    {"wbr", HtmlTag::kVoid},
    {"xmp", kListing | HtmlTag::kRawText},
};
static_assert(std::size(kTags) <= kHtmlTags);
static_assert(std::is_sorted(std::begin(kTags), std::end(kTags),
                             [](const HtmlTag& a, const HtmlTag& b) { return a.name < b.name; }));

}  // namespace

std::size_t HtmlTagIndex(std::string_view name) {
  const auto* found = std::lower_bound(std::begin(kTags), std::end(kTags), name,
                                       [](const HtmlTag& tag, std::string_view key) { return tag.name < key; });
  return found != std::end(kTags) && found->name == name ? static_cast<std::size_t>(found - std::begin(kTags)) : 0;
}

const HtmlTag& HtmlTagAt(std::size_t index) { return kTags[index]; }

}  // namespace ragpipe::text::internal

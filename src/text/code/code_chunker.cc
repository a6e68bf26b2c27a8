#include "ragpipe/text/code_chunker.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/status_macros.h"
#include "ragpipe/text/recursive_chunker.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/chunker_options.h"
#include "text/chunking/limits.h"
#include "text/chunking/packing.h"
#include "text/chunking/prose.h"
#include "text/code/framing.h"
#include "text/code/items.h"

namespace ragpipe::text {
namespace {

using internal::CodeItem;
using internal::Level;

std::string_view NameOf(const std::optional<CodeLanguage>& language) {
  if (!language) return "media_type";
  switch (*language) {
    case CodeLanguage::kC:
      return "c";
    case CodeLanguage::kCpp:
      return "cpp";
    case CodeLanguage::kGo:
      return "go";
    case CodeLanguage::kJava:
      return "java";
    case CodeLanguage::kJavaScript:
      return "javascript";
    case CodeLanguage::kPython:
      return "python";
    case CodeLanguage::kRust:
      return "rust";
    case CodeLanguage::kShell:
      return "shell";
    case CodeLanguage::kSql:
      return "sql";
    case CodeLanguage::kTypeScript:
      return "typescript";
  }
  return "unknown";
}

// Turns items into atoms.
class ItemSplitter {
 public:
  ItemSplitter(const std::vector<CodeItem>& items, internal::ProseSplitter& prose, internal::Packer& packer)
      : items_(items), prose_(prose), packer_(packer) {}

  absl::Status Split() {
    const std::size_t end = items_.back().end;
    if (prose_.AddWhole({0, end}, 0, Level::kHeading1, 0)) return absl::OkStatus();
    return AddSiblings(0, 0, end, Level::kHeading1);
  }

 private:
  absl::Status AddSiblings(std::uint32_t first, std::size_t lead, std::size_t end, Level level);
  absl::Status AddItem(std::uint32_t index, std::size_t lead, Level level);
  std::uint32_t NextSibling(std::uint32_t index) const;
  Level LevelBetween(const CodeItem& before, const CodeItem& after) const;

  const std::vector<CodeItem>& items_;
  internal::ProseSplitter& prose_;
  internal::Packer& packer_;
};

// Those from `first` on that end at `end` or before. `level` is that of the boundary after them.
absl::Status ItemSplitter::AddSiblings(std::uint32_t first, std::size_t lead, std::size_t end, Level level) {
  for (std::uint32_t i = first;;) {
    if (items_[i].end >= end) return AddItem(i, lead, level);
    const std::uint32_t next = NextSibling(i);
    RAGPIPE_RETURN_IF_ERROR(AddItem(i, lead, LevelBetween(items_[i], items_[next])));
    i = next;
    lead = items_[i].begin;
  }
}

absl::Status ItemSplitter::AddItem(std::uint32_t index, std::size_t lead, Level level) {
  const CodeItem& item = items_[index];
  const ByteRange range{item.begin, item.end};
  if (prose_.AddWhole(range, lead, level, index)) return absl::OkStatus();
  if (item.body == item.end) return prose_.SplitLines(range, lead, level, index);

  if (item.is_definition) packer_.EndGroup();
  const ByteRange head{item.begin, item.body};
  RAGPIPE_RETURN_IF_ERROR(prose_.SplitLines(head, lead, Level::kForced, index));
  const bool leads = prose_.Fits(head);
  RAGPIPE_RETURN_IF_ERROR(AddSiblings(index + 1, leads ? item.begin : item.body, item.end, level));
  if (item.is_definition) packer_.EndGroup();
  return absl::OkStatus();
}

std::uint32_t ItemSplitter::NextSibling(std::uint32_t index) const {
  const auto next = std::partition_point(items_.begin() + index + 1, items_.end(),
                                         [end = items_[index].end](const CodeItem& item) { return item.begin < end; });
  return static_cast<std::uint32_t>(next - items_.begin());
}

// Between definitions the outer boundary is the better place, within a function first the outer, then one at a blank line.
Level ItemSplitter::LevelBetween(const CodeItem& before, const CodeItem& after) const {
  constexpr int kHeadings = 6;
  const bool in_function = before.parent != CodeItem::kNoParent && items_[before.parent].holds_statements;
  if (!in_function) {
    if (before.body != before.end || after.body != after.end) {
      return static_cast<Level>(static_cast<int>(Level::kHeading1) - std::min<int>(before.depth, kHeadings - 1));
    }
    return after.after_blank ? Level::kRule : Level::kBlock;
  }
  const std::uint32_t outer = items_[before.parent].parent;
  const bool nested = outer != CodeItem::kNoParent && items_[outer].holds_statements;
  if (nested) return after.after_blank ? Level::kParagraph : Level::kLine;
  return after.after_blank ? Level::kBlock : Level::kItem;
}

}  // namespace

absl::StatusOr<CodeChunker> CodeChunker::Create(std::shared_ptr<const Tokenizer> tokenizer, CodeChunkerOptions options) {
  RAGPIPE_RETURN_IF_ERROR(internal::CheckLimits("CodeChunker", tokenizer.get(), internal::LimitsOf(options)));
  return CodeChunker(std::move(tokenizer), options);
}

CodeChunker::CodeChunker(std::shared_ptr<const Tokenizer> tokenizer, CodeChunkerOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

absl::StatusOr<std::vector<Chunk>> CodeChunker::Split(const Document& document) const {
  const std::string_view text = document.text;
  RAGPIPE_RETURN_IF_ERROR(internal::CheckText("CodeChunker", text));
  const std::optional<CodeLanguage> language = options_.language ? options_.language : CodeLanguageOf(document.media_type);
  if (!language) {
    RAGPIPE_ASSIGN_OR_RETURN(const auto plain, RecursiveChunker::Create(tokenizer_, {.max_tokens = options_.max_tokens,
                                                                                     .overlap_tokens = options_.overlap_tokens,
                                                                                     .min_tokens = options_.min_tokens,
                                                                                     .max_bytes = options_.max_bytes,
                                                                                     .fill = options_.fill}));
    return plain.Split(document);
  }
  if (text.empty()) return std::vector<Chunk>();

  const std::unique_ptr<RangeCounter> counter = tokenizer_->CountRanges(text);
  const std::vector<CodeItem> items = internal::ScanCodeItems(text, *language);
  const internal::Limits limits = internal::LimitsOf(options_);
  internal::CodeFraming framing(text, items, *tokenizer_, *counter, limits, options_.signature_context);
  internal::Packer packer(text, *tokenizer_, *counter, limits, framing);
  internal::ProseSplitter prose(text, *counter, limits, packer);
  RAGPIPE_RETURN_IF_ERROR(ItemSplitter(items, prose, packer).Split());
  return packer.Finish();
}

std::string CodeChunker::Fingerprint() const {
  return fmt::format("ragpipe.code/3({},language={},signature_context={},{})",
                     internal::LimitsFingerprint(internal::LimitsOf(options_)), NameOf(options_.language),
                     options_.signature_context, internal::BoundaryFingerprint(*tokenizer_));
}

}  // namespace ragpipe::text

#include "text/code/framing.h"

#include <algorithm>
#include <utility>

#include "core/utf8.h"
#include "text/chunking/overlap.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kMaxSignatures = 6;  // every chunk of a definition repeats them
constexpr std::size_t kMaxSignatureBytes = 128;

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The head of a definition on one line, without what opens its body.
std::string SignatureOf(std::string_view head) {
  std::string signature;
  bool space = false;
  for (const char c : head) {
    if (IsSpace(c)) {
      space = !signature.empty();
      continue;
    }
    if (signature.size() + 2 > kMaxSignatureBytes) break;
    if (space) signature += ' ';
    space = false;
    signature += c;
  }
  if (const std::size_t valid = ragpipe::internal::FindInvalidUtf8(signature); valid != std::string::npos) {
    signature.resize(valid);  // the end may divide a code point
  }
  while (!signature.empty() && (signature.back() == '{' || signature.back() == ':' || signature.back() == ' ')) {
    signature.pop_back();
  }
  return signature;
}

}  // namespace

Frame CodeFraming::FrameAt(std::size_t begin, std::uint32_t tag, std::size_t room, const Chunk* previous) {
  Frame frame;
  auto definition_at = [this](std::uint32_t item) {
    while (item != CodeItem::kNoParent && !items_[item].is_definition) item = items_[item].parent;
    return item;
  };
  std::uint32_t enclosing = definition_at(tag);
  if (enclosing != CodeItem::kNoParent) frame.headings = FrameOf(enclosing).path;

  // A chunk that begins with the head of a definition needs the signatures around that one.
  if (enclosing != CodeItem::kNoParent && begin < items_[enclosing].body) enclosing = definition_at(items_[enclosing].parent);
  if (enclosing != CodeItem::kNoParent && signature_context_) SetContext(enclosing, room, frame);
  const std::size_t limit = std::min(limits_.overlap_tokens, room - frame.tokens);
  if (limit == 0 || previous == nullptr) return frame;
  const std::size_t head_end = enclosing == CodeItem::kNoParent ? 0 : items_[enclosing].body;
  const ByteRange before{std::max(previous->range.begin, std::min(head_end, begin)), begin};
  const Overlap overlap = FindOverlap(text_, counter_, before, limit, OverlapUnit::kLines);
  frame.overlap = overlap.bytes;
  frame.tokens += overlap.tokens;
  return frame;
}

void CodeFraming::SetContext(std::uint32_t definition, std::size_t room, Frame& frame) {
  const DefinitionFrame& of_definition = FrameOf(definition);
  for (const Context* context : {&of_definition.full, &of_definition.innermost}) {
    if (context->text.empty() || context->tokens > room) continue;
    frame.context = context->text;
    frame.tokens = context->tokens;
    return;
  }
}

const CodeFraming::DefinitionFrame& CodeFraming::FrameOf(std::uint32_t definition) {
  if (definition_frame_ && definition_frame_->item == definition) return *definition_frame_;
  DefinitionFrame frame;
  frame.item = definition;
  for (std::uint32_t i = definition; i != CodeItem::kNoParent && frame.path.size() < kMaxSignatures; i = items_[i].parent) {
    const CodeItem& item = items_[i];
    if (!item.is_definition) continue;
    std::string signature = SignatureOf(text_.substr(item.code, item.body - item.code));
    if (!signature.empty() && signature != "namespace") frame.path.push_back(std::move(signature));
  }
  std::reverse(frame.path.begin(), frame.path.end());
  if (!frame.path.empty()) {
    std::string lines;
    for (const std::string& signature : frame.path) lines += signature + "\n";
    frame.innermost = MakeContext(frame.path.back() + "\n");
    frame.full = MakeContext(std::move(lines));
  }
  return definition_frame_.emplace(std::move(frame));
}

CodeFraming::Context CodeFraming::MakeContext(std::string text) const {
  const std::size_t tokens = tokenizer_.Count(text);
  if (tokens > limits_.max_tokens / 4) return {};
  return {std::move(text), tokens};
}

}  // namespace ragpipe::text::internal

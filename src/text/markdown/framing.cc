#include "text/markdown/framing.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "text/chunking/overlap.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kNoSection = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kMaxContextBytes = 4096;  // few tokens can have many bytes, and every chunk of a table repeats them

}  // namespace

MarkdownFraming::MarkdownFraming(std::string_view text, const std::vector<Block>& blocks, HeadingText heading_text,
                                 const Tokenizer& tokenizer, const RangeCounter& counter, const Limits& limits,
                                 bool heading_context)
    : text_(text),
      blocks_(blocks),
      tokenizer_(tokenizer),
      counter_(counter),
      limits_(limits),
      heading_context_(heading_context) {
  for (const Block& block : blocks) {
    if (block.kind != BlockKind::kHeading || block.depth != 0) continue;
    std::size_t parent = sections_.empty() ? kNoSection : sections_.size() - 1;
    while (parent != kNoSection && sections_[parent].level >= block.level) parent = sections_[parent].parent;
    sections_.push_back({block.begin, parent, block.level, heading_text(text.substr(block.begin, block.end - block.begin))});
  }
}

Frame MarkdownFraming::FrameAt(std::size_t begin, std::uint32_t tag, std::size_t room, const Chunk* previous) {
  Frame frame;
  const std::size_t section = SectionAt(begin);
  const bool in_section = section != kNoSection;
  const bool at_heading = in_section && sections_[section].begin == begin;
  const SectionFrame* const of_section = in_section ? &FrameOfSection(section) : nullptr;
  if (in_section) frame.headings = of_section->path;
  const Block& block = blocks_[tag];
  const bool continues = block.head_end != 0 && begin >= block.head_end;
  SetContext(heading_context_ && !at_heading ? of_section : nullptr, continues ? &ContinuationOf(tag) : nullptr, room, frame);

  const std::size_t limit = std::min(limits_.overlap_tokens, room - frame.tokens);
  if (limit == 0 || at_heading || previous == nullptr) return frame;
  std::size_t from = std::max(previous->range.begin, in_section ? sections_[section].begin : 0);
  if (continues) from = std::max(from, block.head_end);
  const Overlap overlap =
      FindOverlap(text_, counter_, {from, begin}, limit, continues ? OverlapUnit::kLines : OverlapUnit::kWords);
  frame.overlap = overlap.bytes;
  frame.tokens += overlap.tokens;
  return frame;
}

// A unit that fits alone stays whole: the context gives way to it, headings first.
void MarkdownFraming::SetContext(const SectionFrame* section, const Context* continuation, std::size_t room,
                                 Frame& frame) const {
  const Context none;
  const Context* const full = section != nullptr ? &section->full : &none;
  const Context* const innermost = section != nullptr ? &section->innermost : &none;
  for (const Context* rows : {continuation != nullptr ? continuation : &none, &none}) {
    for (const Context* headings : {full, innermost, &none}) {
      if (headings->tokens + rows->tokens > room) continue;
      frame.context = headings->text + rows->text;
      frame.tokens = headings->tokens + rows->tokens;
      return;
    }
  }
}

std::size_t MarkdownFraming::SectionAt(std::size_t begin) const {
  auto after = std::upper_bound(sections_.begin(), sections_.end(), begin,
                                [](std::size_t offset, const Section& section) { return offset < section.begin; });
  return after == sections_.begin() ? kNoSection : static_cast<std::size_t>(after - sections_.begin()) - 1;
}

const MarkdownFraming::SectionFrame& MarkdownFraming::FrameOfSection(std::size_t section) {
  if (section_frame_ && section_frame_->section == section) return *section_frame_;
  SectionFrame frame;
  frame.section = section;
  for (std::size_t i = section; i != kNoSection; i = sections_[i].parent) frame.path.push_back(sections_[i].heading);
  std::reverse(frame.path.begin(), frame.path.end());

  std::string joined;
  for (const std::string& heading : frame.path) joined += (joined.empty() ? "" : " > ") + heading;
  frame.innermost = MakeContext(frame.path.back() + "\n", limits_.max_tokens / 4);
  frame.full = MakeContext(joined + "\n", limits_.max_tokens / 4);
  if (frame.full.text.empty()) frame.full = frame.innermost;
  return section_frame_.emplace(std::move(frame));
}

const MarkdownFraming::Context& MarkdownFraming::ContinuationOf(std::uint32_t tag) {
  if (continued_block_ == tag) return continuation_;
  continued_block_ = tag;
  const Block& block = blocks_[tag];
  const std::size_t size = block.head_end - block.head_begin;
  continuation_ = size > kMaxContextBytes
                      ? Context()
                      : MakeContext(std::string(text_.substr(block.head_begin, size)), (limits_.max_tokens - 1) / 2);
  return continuation_;
}

MarkdownFraming::Context MarkdownFraming::MakeContext(std::string text, std::size_t limit) const {
  const std::size_t tokens = tokenizer_.Count(text);
  if (tokens > limit || text == "\n") return {};
  return {std::move(text), tokens};
}

}  // namespace ragpipe::text::internal

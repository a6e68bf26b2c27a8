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
                                 bool heading_context, const std::vector<OpenSection>& open)
    : text_(text),
      blocks_(blocks),
      heading_text_(heading_text),
      tokenizer_(tokenizer),
      counter_(counter),
      limits_(limits),
      heading_context_(heading_context) {
  for (const OpenSection& section : open) {
    const std::size_t front = blocks.front().begin;
    AddSection({.begin = front - std::min(section.bytes_before, front), .level = section.level, .heading = section.heading});
  }
  for (const Block& block : blocks) {
    if (block.kind == BlockKind::kHeading && block.depth == 0) {
      AddSection({.begin = block.begin, .level = block.level, .block = &block, .heading = {}});
    }
  }
}

void MarkdownFraming::AddSection(Section section) {
  section.parent = sections_.empty() ? kNoSection : sections_.size() - 1;
  while (section.parent != kNoSection && sections_[section.parent].level >= section.level) {
    section.parent = sections_[section.parent].parent;
  }
  sections_.push_back(std::move(section));
}

const std::string& MarkdownFraming::HeadingOf(std::size_t section) {
  Section& read = sections_[section];
  if (read.block != nullptr) {
    read.heading = heading_text_(text_.substr(read.block->begin, read.block->end - read.block->begin));
    read.block = nullptr;
  }
  return read.heading;
}

Frame MarkdownFraming::FrameAt(std::size_t begin, std::uint32_t tag, std::size_t room, const Chunk* previous) {
  Frame frame;
  const std::size_t section = SectionAt(begin);
  const bool in_section = section != kNoSection;
  const bool at_heading = in_section && sections_[section].begin == begin;
  if (in_section) frame.headings = PathOf(section);
  const SectionContext* const of_section =
      heading_context_ && in_section && !at_heading ? &ContextOf(section, frame.headings) : nullptr;
  const Block& block = blocks_[tag];
  const bool continues = block.head_end != 0 && begin >= block.head_end;
  SetContext(of_section, continues ? &ContinuationOf(tag) : nullptr, room, frame);

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

std::vector<OpenSection> MarkdownFraming::OpenSectionsAt(std::size_t front) {
  std::vector<OpenSection> open;
  for (std::size_t i = SectionAt(front - 1); i != kNoSection; i = sections_[i].parent) {
    open.push_back({front - sections_[i].begin, sections_[i].level, HeadingOf(i)});
  }
  std::reverse(open.begin(), open.end());
  return open;
}

// A unit that fits alone stays whole: the context gives way to it, headings first.
void MarkdownFraming::SetContext(const SectionContext* section, const Context* continuation, std::size_t room,
                                 Frame& frame) const {
  const Context none;
  const Context* const full = section != nullptr ? &section->full : &none;
  const Context* const innermost = section != nullptr ? &section->innermost : &none;
  for (const Context* rows : {continuation != nullptr ? continuation : &none, &none}) {
    for (const Context* headings : {full, innermost, &none}) {
      if (headings->tokens + rows->tokens > room) continue;
      frame.context = headings->text + rows->text;
      frame.tokens = headings->tokens + rows->tokens;
      if (rows->text.empty() || headings->text.empty()) frame.context_tokens = frame.tokens;
      return;
    }
  }
}

std::size_t MarkdownFraming::SectionAt(std::size_t begin) const {
  auto after = std::upper_bound(sections_.begin(), sections_.end(), begin,
                                [](std::size_t offset, const Section& section) { return offset < section.begin; });
  return after == sections_.begin() ? kNoSection : static_cast<std::size_t>(after - sections_.begin()) - 1;
}

std::vector<std::string> MarkdownFraming::PathOf(std::size_t section) {
  std::vector<std::string> path;
  for (std::size_t i = section; i != kNoSection; i = sections_[i].parent) path.push_back(HeadingOf(i));
  std::reverse(path.begin(), path.end());
  return path;
}

const MarkdownFraming::SectionContext& MarkdownFraming::ContextOf(std::size_t section, const std::vector<std::string>& path) {
  if (section_context_ && section_context_->section == section) return *section_context_;
  std::string joined;
  for (const std::string& heading : path) joined += (joined.empty() ? "" : " > ") + heading;
  SectionContext context{section, MakeContext(joined + "\n", limits_.max_tokens / 4), {}};
  context.innermost = path.size() == 1 ? context.full : MakeContext(path.back() + "\n", limits_.max_tokens / 4);
  if (context.full.text.empty()) context.full = context.innermost;
  return section_context_.emplace(std::move(context));
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

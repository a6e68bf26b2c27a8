#include "text/markdown/sections.h"

#include <cstddef>
#include <cstdint>

#include "core/status_macros.h"
#include "ragpipe/chunk.h"
#include "text/chunking/boundaries.h"

namespace ragpipe::text::internal {
namespace {

Level LevelOfHeading(const Block& heading) {
  return static_cast<Level>(static_cast<int>(Level::kHeading1) - (heading.level - 1));
}

// Small sections are packed with their siblings. One that does not fit is a group of its own, so that an edit in it does not
// reach its neighbours.
class SectionSplitter {
 public:
  SectionSplitter(const std::vector<Block>& blocks, ProseSplitter& prose, Packer& packer, const SectionWindow& window)
      : blocks_(blocks), prose_(prose), packer_(packer), is_first_(window.is_first), is_last_(window.is_last) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (blocks[i].depth == 0) top_.push_back(static_cast<std::uint32_t>(i));
    }
    for (const OpenSection& section : window.open) open_.push_back(section.level);
  }

  absl::Status Split();

 private:
  const Block& Top(std::size_t i) const { return blocks_[top_[i]]; }
  bool IsHeading(std::size_t i) const { return Top(i).kind == BlockKind::kHeading; }

  // The first heading from `i` on of that level or a higher one; top_.size() where the window has none.
  std::size_t NextHeading(std::size_t i, int level) const {
    while (i < top_.size() && (!IsHeading(i) || Top(i).level > level)) ++i;
    return i;
  }
  bool IsKnown(std::size_t next_heading) const { return is_last_ || next_heading < top_.size(); }
  Level LevelBefore(std::size_t next_heading) const {
    return next_heading < top_.size() ? LevelOfHeading(Top(next_heading)) : Level::kHeading1;
  }

  enum class Outcome { kAdded, kDivided, kUnknown };
  Outcome TrySection(std::size_t first, std::size_t last);
  void CloseSections(int level);
  absl::Status AddBlocks(std::size_t first, std::size_t last, Level level);
  absl::Status AddBlock(std::uint32_t index, std::size_t lead, Level level);
  absl::Status AddChildren(std::uint32_t index, std::size_t lead, Level level);
  absl::Status AddTable(std::uint32_t index, std::size_t lead, Level level);
  absl::Status AddFence(std::uint32_t index, std::size_t lead, Level level);

  Level LevelBetween(const Block& before, const Block& after) const;

  const std::vector<Block>& blocks_;
  ProseSplitter& prose_;
  Packer& packer_;
  const bool is_first_;
  const bool is_last_;
  std::vector<std::uint32_t> top_;  // indices of the blocks outside all containers
  std::vector<int> open_;           // levels of the sections that are being divided, rising
};

absl::Status SectionSplitter::Split() {
  if (top_.empty() || (is_first_ && TrySection(0, top_.size()) != Outcome::kDivided)) return absl::OkStatus();
  const std::size_t end = is_last_ ? top_.size() : top_.size() - 1;
  for (std::size_t i = 0; i < end;) {
    const bool is_section = IsHeading(i);
    if (is_section) {
      CloseSections(Top(i).level);
      const std::size_t next = NextHeading(i + 1, Top(i).level);
      const Outcome outcome = TrySection(i, next);
      if (outcome == Outcome::kUnknown) break;
      if (outcome == Outcome::kAdded) {
        i = next;
        continue;
      }
      packer_.EndGroup();
      open_.push_back(Top(i).level);
    }
    const std::size_t next = NextHeading(is_section ? i + 1 : i, 6);
    if (!IsKnown(next)) return AddBlocks(i, end, LevelBetween(Top(end - 1), Top(end)));
    // A heading without a body leads to the section below it.
    const bool is_bare = is_section && next == i + 1 && next < top_.size() && Top(next).level > Top(i).level;
    RAGPIPE_RETURN_IF_ERROR(AddBlocks(i, next, is_bare ? Level::kForced : LevelBefore(next)));
    i = next;
  }
  return absl::OkStatus();
}

// Adds the section whole if it fits. One of which the window has no end is divided if it cannot fit, whatever follows.
SectionSplitter::Outcome SectionSplitter::TrySection(std::size_t first, std::size_t last) {
  const ByteRange range{Top(first).begin, Top(last - 1).end};
  if (!IsKnown(last)) return prose_.SurelyDoesNotFit(range) ? Outcome::kDivided : Outcome::kUnknown;
  return prose_.AddWhole(range, range.begin, LevelBefore(last), top_[first]) ? Outcome::kAdded : Outcome::kDivided;
}

// Before a heading of that level.
void SectionSplitter::CloseSections(int level) {
  for (; !open_.empty() && open_.back() >= level; open_.pop_back()) packer_.EndGroup();
}

absl::Status SectionSplitter::AddBlocks(std::size_t first, std::size_t last, Level level) {
  for (std::size_t i = first; i < last; ++i) {
    const bool led = i > first && Top(i - 1).kind == BlockKind::kHeading && prose_.Fits({Top(i - 1).begin, Top(i - 1).end});
    const std::size_t lead = led ? Top(i - 1).begin : Top(i).begin;
    const Level at_end = i + 1 < last ? LevelBetween(Top(i), Top(i + 1)) : level;
    RAGPIPE_RETURN_IF_ERROR(AddBlock(top_[i], lead, at_end));
  }
  return absl::OkStatus();
}

absl::Status SectionSplitter::AddBlock(std::uint32_t index, std::size_t lead, Level level) {
  // A container of one block is that block.
  while (index + 1 < blocks_.size() && blocks_[index + 1].depth > blocks_[index].depth &&
         blocks_[index + 1].end == blocks_[index].end) {
    ++index;
  }
  const Block& block = blocks_[index];
  const ByteRange range{block.begin, block.end};
  switch (block.kind) {
    case BlockKind::kFence:
    case BlockKind::kTable:
      if (prose_.AddWhole(range, block.begin, level, index)) return absl::OkStatus();  // whole, even without its heading
      return block.kind == BlockKind::kFence ? AddFence(index, lead, level) : AddTable(index, lead, level);
    case BlockKind::kQuote:
    case BlockKind::kList:
    case BlockKind::kItem:
      if (prose_.AddWhole(range, lead, level, index)) return absl::OkStatus();
      return AddChildren(index, lead, level);
    default:
      return prose_.Split(range, lead, level, index);
  }
}

absl::Status SectionSplitter::AddChildren(std::uint32_t index, std::size_t lead, Level level) {
  const Block& parent = blocks_[index];
  std::uint32_t child = index + 1;
  auto is_inside = [this, &parent](std::uint32_t i) { return i < blocks_.size() && blocks_[i].depth > parent.depth; };
  if (!is_inside(child)) return prose_.Split({parent.begin, parent.end}, lead, level, index);  // an empty item
  while (is_inside(child)) {
    std::uint32_t next = child + 1;
    while (is_inside(next) && blocks_[next].depth > blocks_[child].depth) ++next;
    const Level at_end = is_inside(next) ? LevelBetween(blocks_[child], blocks_[next]) : level;
    RAGPIPE_RETURN_IF_ERROR(AddBlock(child, lead, at_end));
    lead = blocks_[child].end;
    child = next;
  }
  return absl::OkStatus();
}

absl::Status SectionSplitter::AddTable(std::uint32_t index, std::size_t lead, Level level) {
  const Block& table = blocks_[index];
  const bool has_rows = table.head_end < table.end;
  RAGPIPE_RETURN_IF_ERROR(prose_.Split({table.begin, table.head_end}, lead, has_rows ? Level::kForced : level, index));
  return prose_.SplitLines({table.head_end, table.end}, table.begin, level, index);
}

absl::Status SectionSplitter::AddFence(std::uint32_t index, std::size_t lead, Level level) {
  const Block& fence = blocks_[index];
  const bool is_closed = fence.tail_begin < fence.end;
  const bool has_body = fence.head_end < fence.tail_begin;
  RAGPIPE_RETURN_IF_ERROR(
      prose_.Split({fence.begin, fence.head_end}, lead, has_body || is_closed ? Level::kForced : level, index));
  RAGPIPE_RETURN_IF_ERROR(
      prose_.SplitLines({fence.head_end, fence.tail_begin}, fence.begin, is_closed ? Level::kForced : level, index));
  if (!is_closed) return absl::OkStatus();
  return prose_.Split({fence.tail_begin, fence.end}, level, index);
}

// Of siblings, neither a heading outside all containers.
Level SectionSplitter::LevelBetween(const Block& before, const Block& after) const {
  if (before.kind == BlockKind::kHeading || after.kind == BlockKind::kThematicBreak) return Level::kForced;
  if (before.kind == BlockKind::kThematicBreak) return before.depth == 0 ? Level::kRule : Level::kParagraph;
  if (before.kind == BlockKind::kItem) return before.depth == 1 ? Level::kItem : Level::kParagraph;
  return before.depth == 0 ? Level::kBlock : Level::kParagraph;
}

}  // namespace

absl::Status SplitSections(const std::vector<Block>& blocks, ProseSplitter& prose, Packer& packer,
                           const SectionWindow& window) {
  return SectionSplitter(blocks, prose, packer, window).Split();
}

}  // namespace ragpipe::text::internal

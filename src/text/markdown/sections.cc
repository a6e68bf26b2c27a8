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

// Turns the blocks of a document into atoms. A section is a heading with all that it rules, smaller sections included.
class SectionSplitter {
 public:
  SectionSplitter(const std::vector<Block>& blocks, ProseSplitter& prose, Packer& packer)
      : blocks_(blocks), prose_(prose), packer_(packer) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (blocks[i].depth == 0) top_.push_back(static_cast<std::uint32_t>(i));
    }
  }

  absl::Status Split() {
    if (AddWhole(0, top_.size(), Level::kHeading1)) return absl::OkStatus();
    return DivideSection(0, 0, top_.size(), Level::kHeading1);
  }

 private:
  const Block& Top(std::size_t i) const { return blocks_[top_[i]]; }

  // Sections are ranges of top-level blocks. `level` is that of the boundary after them.
  bool AddWhole(std::size_t first, std::size_t last, Level level) {
    const std::size_t begin = Top(first).begin;
    return prose_.AddWhole({begin, Top(last - 1).end}, begin, level, top_[first]);
  }

  absl::Status DivideSection(std::size_t first, std::size_t headings, std::size_t last, Level level);
  absl::Status AddBlocks(std::size_t first, std::size_t last, Level level);
  absl::Status AddBlock(std::uint32_t index, std::size_t lead, Level level);
  absl::Status AddChildren(std::uint32_t index, std::size_t lead, Level level);
  absl::Status AddTable(std::uint32_t index, std::size_t lead, Level level);
  absl::Status AddFence(std::uint32_t index, std::size_t lead, Level level);

  Level LevelBetween(const Block& before, const Block& after) const;

  const std::vector<Block>& blocks_;
  ProseSplitter& prose_;
  Packer& packer_;
  std::vector<std::uint32_t> top_;  // indices of the blocks outside all containers
};

// Small sections are packed with their siblings. One that does not fit is a group of its own, so that an edit in it does not
// reach its neighbours. `headings` is 1, and 0 for the document, which has no heading of its own.
absl::Status SectionSplitter::DivideSection(std::size_t first, std::size_t headings, std::size_t last, Level level) {
  auto next_heading = [this, last](std::size_t i, int at_most) {
    while (i < last && (Top(i).kind != BlockKind::kHeading || Top(i).level > at_most)) ++i;
    return i;
  };
  auto level_before = [this, last, level](std::size_t i) { return i < last ? LevelOfHeading(Top(i)) : level; };

  std::size_t child = next_heading(first + headings, 6);
  // A heading without a body leads to the section below it.
  const bool bare_heading = child == first + headings && child < last;
  RAGPIPE_RETURN_IF_ERROR(AddBlocks(first, child, bare_heading ? Level::kForced : level_before(child)));
  while (child < last) {
    const std::size_t end = next_heading(child + 1, Top(child).level);
    if (!AddWhole(child, end, level_before(end))) {
      packer_.EndGroup();
      RAGPIPE_RETURN_IF_ERROR(DivideSection(child, 1, end, level_before(end)));
      packer_.EndGroup();
    }
    child = end;
  }
  return absl::OkStatus();
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

absl::Status SplitSections(const std::vector<Block>& blocks, ProseSplitter& prose, Packer& packer) {
  return SectionSplitter(blocks, prose, packer).Split();
}

}  // namespace ragpipe::text::internal

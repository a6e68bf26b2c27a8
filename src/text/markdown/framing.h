#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/text/tokenizer.h"
#include "text/chunking/limits.h"
#include "text/chunking/packing.h"
#include "text/markdown/blocks.h"

namespace ragpipe::text::internal {

/// What a reader sees of a heading, given its block.
using HeadingText = std::string (*)(std::string_view block);

/// Knows the heading path of every place in a document, and gives chunks the context that they would lose: the path for a
/// chunk that begins inside a section, the header rows of a divided table, the opening line of a divided fence. After it comes
/// the overlap, which does not reach over the section's heading, and is whole lines of a table or fence.
class MarkdownFraming final : public Framing {
 public:
  MarkdownFraming(std::string_view text, const std::vector<Block>& blocks, HeadingText heading_text, const Tokenizer& tokenizer,
                  const RangeCounter& counter, const Limits& limits, bool heading_context);

  /// `tag` is the index of the innermost block at `begin`.
  Frame FrameAt(std::size_t begin, std::uint32_t tag, std::size_t room, const Chunk* previous) override;

 private:
  struct Section {
    std::size_t begin = 0;
    std::size_t parent = 0;  // an index, or kNoSection
    int level = 0;
    std::string heading;
  };
  struct Context {
    std::string text;
    std::size_t tokens = 0;
  };
  // What chunks that begin in one section have in common.
  struct SectionFrame {
    std::size_t section = 0;
    std::vector<std::string> path;
    Context full;       // the whole path; empty when it is too long
    Context innermost;  // its last heading
  };

  void SetContext(const SectionFrame* section, const Context* continuation, std::size_t room, Frame& frame) const;
  std::size_t SectionAt(std::size_t begin) const;
  const SectionFrame& FrameOfSection(std::size_t section);
  const Context& ContinuationOf(std::uint32_t tag);
  Context MakeContext(std::string text, std::size_t limit) const;

  std::string_view text_;
  const std::vector<Block>& blocks_;
  const Tokenizer& tokenizer_;
  const RangeCounter& counter_;
  const Limits limits_;
  const bool heading_context_;
  std::vector<Section> sections_;

  // Of the last chunk: the next one often needs the same.
  std::optional<SectionFrame> section_frame_;
  std::optional<std::uint32_t> continued_block_;
  Context continuation_;
};

}  // namespace ragpipe::text::internal

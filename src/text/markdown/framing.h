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
#include "text/markdown/sections.h"

namespace ragpipe::text::internal {

/// What a reader sees of a heading, given its block.
using HeadingText = std::string (*)(std::string_view block);

/// Knows the heading path of every place in a document, and gives chunks the context that they would lose: the path for a
/// chunk that begins inside a section, the header rows of a divided table, the opening line of a divided fence. After it comes
/// the overlap, which does not reach over the section's heading, and is whole lines of a table or fence.
class MarkdownFraming final : public Framing {
 public:
  MarkdownFraming(std::string_view text, const std::vector<Block>& blocks, HeadingText heading_text, const Tokenizer& tokenizer,
                  const RangeCounter& counter, const Limits& limits, bool heading_context,
                  const std::vector<OpenSection>& open = {});

  /// `tag` is the index of the innermost block at `begin`.
  Frame FrameAt(std::size_t begin, std::uint32_t tag, std::size_t room, const Chunk* previous) override;

  /// The sections that begin before `front` and hold it, unless it is a heading that ends them: for a window that begins there.
  std::vector<OpenSection> OpenSectionsAt(std::size_t front);

 private:
  struct Section {
    std::size_t begin = 0;
    std::size_t parent = 0;  // an index, or kNoSection
    int level = 0;
    const Block* block = nullptr;  // of the heading, until it is read: most sections are inside chunks, which name others
    std::string heading;
  };
  struct Context {
    std::string text;
    std::size_t tokens = 0;
  };
  // What chunks that begin inside one section have in common.
  struct SectionContext {
    std::size_t section = 0;
    Context full;       // the whole path, or the innermost where it is too long
    Context innermost;  // its last heading
  };

  void AddSection(Section section);
  const std::string& HeadingOf(std::size_t section);
  void SetContext(const SectionContext* section, const Context* continuation, std::size_t room, Frame& frame) const;
  std::size_t SectionAt(std::size_t begin) const;
  std::vector<std::string> PathOf(std::size_t section);
  const SectionContext& ContextOf(std::size_t section, const std::vector<std::string>& path);
  const Context& ContinuationOf(std::uint32_t tag);
  Context MakeContext(std::string text, std::size_t limit) const;

  std::string_view text_;
  const std::vector<Block>& blocks_;
  const HeadingText heading_text_;
  const Tokenizer& tokenizer_;
  const RangeCounter& counter_;
  const Limits limits_;
  const bool heading_context_;
  std::vector<Section> sections_;

  // Of the last chunk: the next one often needs the same.
  std::optional<SectionContext> section_context_;
  std::optional<std::uint32_t> continued_block_;
  Context continuation_;
};

}  // namespace ragpipe::text::internal

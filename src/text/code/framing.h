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
#include "text/code/items.h"

namespace ragpipe::text::internal {

/// Gives a chunk that begins inside definitions their signatures, then the overlap.
class CodeFraming final : public Framing {
 public:
  CodeFraming(std::string_view text, const std::vector<CodeItem>& items, const Tokenizer& tokenizer,
              const RangeCounter& counter, const Limits& limits, bool signature_context)
      : text_(text),
        items_(items),
        tokenizer_(tokenizer),
        counter_(counter),
        limits_(limits),
        signature_context_(signature_context) {}

  /// `tag` is the index of the innermost item at `begin`.
  Frame FrameAt(std::size_t begin, std::uint32_t tag, std::size_t room, const Chunk* previous) override;

 private:
  struct Context {
    std::string text;
    std::size_t tokens = 0;
  };
  // What chunks that begin in one definition have in common.
  struct DefinitionFrame {
    std::uint32_t item = CodeItem::kNoParent;
    std::vector<std::string> path;
    Context full;       // all signatures; empty when they are too long
    Context innermost;  // the last one
  };

  void SetContext(std::uint32_t definition, std::size_t room, Frame& frame);
  const DefinitionFrame& FrameOf(std::uint32_t definition);
  Context MakeContext(std::string text) const;

  const std::string_view text_;
  const std::vector<CodeItem>& items_;
  const Tokenizer& tokenizer_;
  const RangeCounter& counter_;
  const Limits limits_;
  const bool signature_context_;
  std::optional<DefinitionFrame> definition_frame_;  // of the last chunk: the next one often needs the same
};

}  // namespace ragpipe::text::internal

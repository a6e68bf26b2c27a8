#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ragpipe/text/tokenizer.h"
#include "text/bpe/piece_walk.h"

namespace ragpipe::text::internal {

/// Counts by prefix sums over pieces. Patterns do not look back: from the beginning of a piece on, the pieces of a part are
/// those of the text, up to where the part ends. There, only the piece that the end divides and white space that the end
/// follows can come out differently; those are cut anew.
class BpeRangeCounter final : public RangeCounter {
 public:
  /// `text` is well-formed UTF-8, and `map` its map.
  BpeRangeCounter(const BpeRules& rules, std::string_view text, PieceMap map);

  std::size_t Count(ByteRange range) const override;

 private:
  static constexpr std::size_t kBlockWords = 2;  // 128 bytes of text
  struct Block {
    std::uint64_t tokens;  // of the pieces before
    std::uint64_t extra;   // the first that begins here or later
  };

  bool IsStart(std::size_t at) const { return at == text_.size() || (map_.starts[at / 64] >> at % 64 & 1) != 0; }
  std::size_t FirstStartFrom(std::size_t at) const;
  std::size_t LastStartBefore(std::size_t at) const;
  std::size_t TokensBefore(std::size_t start) const;
  std::size_t PieceEndAt(std::size_t at, std::size_t end) const;
  std::size_t CountPiece(ByteRange piece) const;
  std::size_t WhiteSpaceBegin(std::size_t from, std::size_t end) const;

  BpeRules rules_;
  const BpeKernels& kernels_ = GetBpeKernels();
  std::string_view text_;
  PieceMap map_;
  std::vector<Block> blocks_;
};

}  // namespace ragpipe::text::internal

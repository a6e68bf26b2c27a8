#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "ragpipe/text/tokenizer.h"
#include "text/bpe/piece_walk.h"
#include "text/bpe/scratch_pool.h"

namespace ragpipe::text::internal {

/// Counts by prefix sums over pieces. Patterns do not look back: from the beginning of a piece on, the pieces of a part are
/// those of the text, up to where the part ends. There, only the piece that the end divides and white space that the end
/// follows can come out differently; those are cut anew.
class BpeRangeCounter final : public RangeCounter {
 public:
  /// `text` is well-formed UTF-8, and `map` its map.
  BpeRangeCounter(const BpeRules& rules, ScratchPool& scratches, std::string_view text, PieceMap map);

  std::size_t Count(ByteRange range) const override;
  TokenEstimate Estimate(ByteRange range) const override;
  std::size_t GuessSuffixBytes(ByteRange range, std::size_t tokens) const override;

 private:
  struct Block {           // 64 bytes of text; one more stands behind the last
    std::uint64_t tokens;  // of the pieces before
    std::uint64_t extra;   // the first that begins here or later
  };

  // Where the pieces of a range begin and end to be those of the text; all of it lies before, if it has none.
  struct Inner {
    std::size_t begin;
    std::size_t end;
    bool head_is_piece = false;  // what lies before is one piece
  };
  Inner FindInner(ByteRange range) const;
  std::size_t InnerEnd(std::size_t begin, std::size_t end) const;
  bool BeginsWordAfterSpace(std::size_t at) const;
  std::size_t CountAround(ByteRange range, const Inner& inner) const;

  bool IsStart(std::size_t at) const { return at == text_.size() || (map_.starts[at / 64] >> at % 64 & 1) != 0; }
  std::size_t FirstStartIn(ByteRange range) const;
  std::size_t LastStartBefore(std::size_t at) const;
  std::size_t TokensBefore(std::size_t start) const;
  std::size_t PieceEndAt(std::size_t at, std::size_t end) const;
  std::size_t CountPiece(ByteRange piece) const;
  std::size_t CountPieces(ByteRange range) const;
  std::size_t WhiteSpaceBegin(std::size_t from, std::size_t end) const;

  BpeRules rules_;
  ScratchPool& scratches_;
  const BpeKernels& kernels_ = GetBpeKernels();
  std::string_view text_;
  PieceMap map_;
  std::unique_ptr<Block[]> blocks_;
};

}  // namespace ragpipe::text::internal

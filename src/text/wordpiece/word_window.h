#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "text/wordpiece/byte_kernels.h"

namespace ragpipe::text::internal {

/// Cuts a text at ASCII white space and punctuation, window by window. A piece is a run of other bytes; or one punctuation
/// byte, where those are wanted as pieces. A piece of letters and digits of ASCII is a word, and stands lower-cased in
/// `folded`; one with other bytes in it has kControl in place of control characters.
class WordWindow {
 public:
  struct Rules {
    bool lowercase = false;
    bool lists_alone = false;  ///< punctuation bytes are pieces, and not only counted
  };

  /// Of the bytes [begin, end) of `text`. Nothing outside of `text` is read.
  WordWindow(std::string_view text, std::size_t begin, std::size_t end, Rules rules)
      : text_(text), next_(begin), end_(end), rules_(rules) {}

  /// Moves to the next window; false at the end.
  bool Next();

  /// Goes on at `position`.
  void Skip(std::size_t position) { next_ = position; }

  std::size_t size() const { return size_; }    ///< pieces
  std::size_t alone() const { return alone_; }  ///< punctuation bytes, listed or not
  std::size_t begin(std::size_t i) const { return base_ + begins_[i]; }
  std::size_t end(std::size_t i) const { return base_ + ends_[i]; }
  std::size_t length(std::size_t i) const { return static_cast<std::size_t>(ends_[i] - begins_[i]); }
  /// With kReadable readable bytes.
  const char* folded(std::size_t i) const { return folded_.data() + begins_[i]; }
  static constexpr std::size_t kReadable = 32;

  /// Whether a piece follows that no window can hold. It is not among the pieces, begins at next(), and the caller Skip()s it.
  bool has_long_piece() const { return has_long_piece_; }
  std::size_t next() const { return next_; }

  /// The bytes of the pieces as bits; bit 0 of the first is byte base() of the text, a multiple of kBlockBytes.
  std::size_t base() const { return base_; }
  std::size_t blocks() const { return blocks_; }
  std::uint64_t covered_bits(std::size_t block) const { return words_[block] | alone_bits_[block]; }
  std::uint64_t begin_bits(std::size_t block) const { return begin_bits_[block] | alone_bits_[block]; }

 private:
  static constexpr std::size_t kMaxBlocks = 32;
  static constexpr std::size_t kMaxBytes = kMaxBlocks * kBlockBytes;

  void Classify(std::size_t window_end);
  /// The last piece goes on after the window: it becomes the first of the next one.
  void LeaveOpen();

  std::string_view text_;
  std::size_t next_;
  std::size_t end_;
  Rules rules_;

  std::size_t base_ = 0;
  std::size_t blocks_ = 0;
  std::size_t size_ = 0;
  std::size_t alone_ = 0;
  bool has_long_piece_ = false;
  std::array<std::uint64_t, kMaxBlocks> words_;
  std::array<std::uint64_t, kMaxBlocks> alone_bits_;
  std::array<std::uint64_t, kMaxBlocks> begin_bits_;
  std::array<std::uint64_t, kMaxBlocks> end_bits_;
  alignas(64) std::array<char, kMaxBytes + kReadable> folded_;
  std::array<std::uint16_t, kMaxBytes + kBlockBytes> begins_;
  std::array<std::uint16_t, kMaxBytes + kBlockBytes> ends_;
};

}  // namespace ragpipe::text::internal

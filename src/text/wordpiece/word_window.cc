#include "text/wordpiece/word_window.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ragpipe::text::internal {

void WordWindow::Classify(std::size_t window_end) {
  const ByteKernels& kernels = BestByteKernels();
  const char case_bit = rules_.lowercase ? 0x20 : 0;
  base_ = next_ / kBlockBytes * kBlockBytes;
  blocks_ = (window_end - base_ + kBlockBytes - 1) / kBlockBytes;
  const std::size_t whole = std::min(blocks_, (text_.size() - base_) / kBlockBytes);
  kernels.classify(text_.data() + base_, whole, case_bit, folded_.data(), words_.data(), alone_bits_.data());
  if (whole < blocks_) {
    std::array<char, kBlockBytes> last{};
    const std::size_t offset = whole * kBlockBytes;
    std::memcpy(last.data(), text_.data() + base_ + offset, text_.size() - base_ - offset);
    kernels.classify(last.data(), 1, case_bit, folded_.data() + offset, words_.data() + whole, alone_bits_.data() + whole);
  }
  std::memset(folded_.data() + blocks_ * kBlockBytes, 0, kReadable);

  // What is not in the range is as good as white space.
  const std::uint64_t first = ~std::uint64_t{0} << (next_ - base_);
  const std::uint64_t last = ~std::uint64_t{0} >> (blocks_ * kBlockBytes - (window_end - base_));
  words_[0] &= first;
  alone_bits_[0] &= first;
  words_[blocks_ - 1] &= last;
  alone_bits_[blocks_ - 1] &= last;
  alone_ = kernels.count_bits(alone_bits_.data(), blocks_);
}

bool WordWindow::Next() {
  size_ = 0;
  if (next_ >= end_) return false;
  const std::size_t window_end = std::min(end_, next_ / kBlockBytes * kBlockBytes + kMaxBytes);
  Classify(window_end);

  const std::uint64_t listed = rules_.lists_alone ? ~std::uint64_t{0} : 0;
  std::uint64_t in_word = 0;
  std::uint64_t after_alone = 0;
  for (std::size_t block = 0; block < blocks_; ++block) {
    const std::uint64_t words = words_[block];
    const std::uint64_t alone = alone_bits_[block] & listed;
    const std::uint64_t words_before = words << 1U | in_word;
    begin_bits_[block] = (words & ~words_before) | alone;
    end_bits_[block] = (words_before & ~words) | alone << 1U | after_alone;
    in_word = words >> 63U;
    after_alone = alone >> 63U;
  }
  const ByteKernels& kernels = BestByteKernels();
  size_ = static_cast<std::size_t>(kernels.list_bits(begin_bits_.data(), blocks_, begins_.data()) - begins_.data());
  std::uint16_t* ends_end = kernels.list_bits(end_bits_.data(), blocks_, ends_.data());
  if (in_word != 0 || after_alone != 0) *ends_end = static_cast<std::uint16_t>(blocks_ * kBlockBytes);
  has_long_piece_ = false;
  next_ = window_end;
  if (in_word != 0 && window_end != end_) LeaveOpen();
  return true;
}

void WordWindow::LeaveOpen() {
  const std::size_t open = begins_[--size_];
  const std::size_t block = open / kBlockBytes;
  const std::uint64_t before = ~(~std::uint64_t{0} << (open % kBlockBytes));
  words_[block] &= before;
  begin_bits_[block] &= before;
  std::fill(words_.begin() + static_cast<std::ptrdiff_t>(block) + 1, words_.end(), 0);
  next_ = base_ + open;
  has_long_piece_ = block == 0;  // the next window would be the same again
}

}  // namespace ragpipe::text::internal

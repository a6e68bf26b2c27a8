#include "text/chunking/windows.h"

#include <absl/status/status.h>

#include <algorithm>
#include <string>
#include <utility>

#include "core/status_macros.h"
#include "core/utf8.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kMinBytes = std::size_t{16} << 10;
constexpr std::size_t kBytesPerToken = 256;

// The part of the text that is in memory, and what is split of it.
class Stretch {
 public:
  // Reads until `bytes` of it are to be split, or the text ends.
  absl::Status Fill(const ReadText& read, std::size_t bytes) {
    while (!is_last_ && text_.size() - begin_ < bytes) {
      RAGPIPE_ASSIGN_OR_RETURN(const std::string_view part, read());
      is_last_ = part.empty();
      text_ += part;
    }
    return absl::OkStatus();
  }

  std::size_t size() const { return text_.size() - begin_; }
  bool is_last() const { return is_last_; }

  Window window() const {
    std::string_view text = text_;
    // A code point that is divided waits for its end.
    for (int i = 0; !is_last_ && i < 4 && !text.empty(); ++i) {
      const auto last = static_cast<unsigned char>(text.back());
      if (last < 0x80) break;
      text.remove_suffix(1);
      if (last >= 0xC0) break;
    }
    return {text, offset_, begin_, level_, before_ ? &*before_ : nullptr, is_last_};
  }

  // Hands out those that are certain and forgets their text, but the last, for the overlap of the next.
  absl::Status Take(WindowChunks split, const TakeChunk& take) {
    const Packer::Certain& certain = split.certain;
    for (std::size_t i = 0; i < certain.chunks; ++i) {
      Chunk chunk = split.chunks[i];
      const std::string_view text(text_);
      const std::size_t begin = chunk.range.begin - chunk.overlap;
      const std::string_view bytes = text.substr(begin, chunk.range.end - begin);
      chunk.range.begin += offset_;
      chunk.range.end += offset_;
      RAGPIPE_RETURN_IF_ERROR(take(chunk, chunk.text ? std::string_view(*chunk.text) : bytes));
    }
    if (certain.chunks == 0) return absl::OkStatus();
    before_ = std::move(split.chunks[certain.chunks - 1]);
    begin_ = before_->range.end;
    level_ = certain.level;
    const std::size_t needed_from = std::min(before_->range.begin, split.needed_from);
    std::size_t forgotten = needed_from - std::min(needed_from, kLookAhead);
    while (!ragpipe::internal::IsCodePointBoundary(text_, forgotten)) --forgotten;
    text_.erase(0, forgotten);
    offset_ += forgotten;
    begin_ -= forgotten;
    before_->range.begin -= forgotten;
    before_->range.end -= forgotten;
    return absl::OkStatus();
  }

 private:
  std::string text_;
  std::size_t offset_ = 0;  // of its front in the whole text
  std::size_t begin_ = 0;
  Level level_ = Level::kParagraph;
  std::optional<Chunk> before_;
  bool is_last_ = false;
};

}  // namespace

std::size_t LastLineBegin(std::string_view text, std::size_t begin, std::size_t end) {
  while (end > begin) {
    const std::size_t newline = text.substr(0, end).rfind('\n');
    if (newline == std::string_view::npos || newline < begin) break;
    if (newline + 1 < text.size() && !IsSpaceAt(text, newline + 1)) return newline + 1;
    end = newline;
  }
  return begin;
}

absl::Status SplitByWindows(const ReadText& read, const TakeChunk& take, std::size_t max_tokens,
                            absl::FunctionRef<absl::StatusOr<WindowChunks>(const Window&)> split) {
  const std::size_t min_bytes = std::max(kMinBytes, std::min(max_tokens, SIZE_MAX / kBytesPerToken) * kBytesPerToken);
  Stretch stretch;
  for (std::size_t bytes = min_bytes;;) {
    RAGPIPE_RETURN_IF_ERROR(stretch.Fill(read, bytes));
    RAGPIPE_ASSIGN_OR_RETURN(WindowChunks chunks, split(stretch.window()));
    if (stretch.is_last()) {
      chunks.certain = {chunks.chunks.size(), Level::kForced};
      return stretch.Take(std::move(chunks), take);
    }
    bytes = chunks.certain.chunks == 0 ? 2 * std::max(bytes, stretch.size()) : min_bytes;
    RAGPIPE_RETURN_IF_ERROR(stretch.Take(std::move(chunks), take));
  }
}

}  // namespace ragpipe::text::internal

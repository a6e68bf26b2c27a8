#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "ragpipe/text/normalize.h"

namespace ragpipe::text::internal {

/// A text that is made of pieces of another, from the front.
class EditedText {
 public:
  explicit EditedText(std::string_view source) : source_(source) { result_.text.reserve(source.size()); }

  std::string_view source() const { return source_; }
  const std::string& text() const { return result_.text; }
  std::size_t source_end() const { return source_end_; }

  /// Takes a piece as it is. What stands before it and was not taken is left out.
  void Copy(ByteRange piece) {
    Skip(piece.begin);
    result_.text += source_.substr(piece.begin, piece.size());
    source_end_ = piece.end;
  }

  /// Puts `text` in the place of a piece, which may be empty.
  void Replace(ByteRange piece, std::string_view text) {
    Skip(piece.begin);
    const std::size_t begin = result_.text.size();
    result_.text += text;
    result_.map.Add({piece, {begin, result_.text.size()}});
    source_end_ = piece.end;
  }

  /// Leaves out all up to `end`.
  void Skip(std::size_t end) {
    const std::size_t at = result_.text.size();
    result_.map.Add({{source_end_, end}, {at, at}});
    source_end_ = end;
  }

  NormalizedText Take() {
    Skip(source_.size());
    return std::move(result_);
  }

 private:
  std::string_view source_;
  std::size_t source_end_ = 0;
  NormalizedText result_;
};

}  // namespace ragpipe::text::internal

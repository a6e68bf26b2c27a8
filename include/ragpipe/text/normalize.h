#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/export.h"

namespace ragpipe::text {

/// Where the bytes of a changed text came from.
class RAGPIPE_EXPORT OffsetMap {
 public:
  /// `text` stands for `source`; either may be empty. Between two edits the bytes are the same.
  struct Edit {
    ByteRange source;
    ByteRange text;

    friend bool operator==(const Edit&, const Edit&) = default;
  };

  /// In order, without overlap in either text; later ones begin where earlier ones end, or behind. O(1).
  void Add(const Edit& edit);

  /// The place in the source that a place in the text is. Inside an edit it is where the edit begins; what was removed stands
  /// behind the place. O(log edits).
  std::size_t ToSource(std::size_t offset) const;
  ByteRange ToSource(ByteRange range) const { return {ToSource(range.begin), ToSource(range.end)}; }

  /// The map of a text that was changed as *this says, and then as `next` says. Linear.
  OffsetMap Then(const OffsetMap& next) const;

  std::span<const Edit> edits() const { return edits_; }

 private:
  std::vector<Edit> edits_;
};

struct NormalizedText {
  std::string text;
  OffsetMap map;  ///< to the text that was given
};

enum class NormalizationStep : std::uint8_t {
  kLineEnds,    ///< CRLF and CR become LF
  kNfc,         ///< Unicode normalization form C, as the installed ICU has it
  kInvisible,   ///< removes soft hyphens, zero-width spaces and joiners, word joiners, BOMs, bidirectional controls. (Joiners
                ///< shape Persian and Indic words, and emoji: for text in Latin, Greek or Cyrillic script)
  kWhiteSpace,  ///< runs of blanks become one space, and none at the end of a line; runs of line ends become at most two.
                ///< Indentation goes
};

/// Takes the steps one after another. Linear; a byte that is not UTF-8 stays, but for kNfc, which makes it U+FFFD.
/// Errors: kOutOfRange for more than 2 GiB, which ICU cannot take; kInternal when ICU lacks its data.
RAGPIPE_EXPORT absl::StatusOr<NormalizedText> Normalize(std::string_view text, std::span<const NormalizationStep> steps);

}  // namespace ragpipe::text

#include "testing/edit_radius.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "ragpipe/chunk.h"
#include "testing/chunk_fields.h"

namespace ragpipe::testing {
namespace {

constexpr std::uint64_t kSeed = 20240607;
constexpr int kPlaces = 20;
constexpr std::size_t kLeastBytes = 8192;
constexpr std::size_t kLeastRadii = 6;

struct Edit {
  ByteRange replaced;
  std::string_view by;
};

/// Of words that are made up, so that no two places look alike: a chunker may know a place by what it says.
std::string Paragraph(std::mt19937_64& random) {
  std::string text;
  for (std::uint64_t sentences = 2 + random() % 6; sentences > 0; --sentences) {
    for (std::uint64_t words = 4 + random() % 16; words > 0; --words) {
      for (std::uint64_t letters = 2 + random() % 7; letters > 0; --letters) text += static_cast<char>('a' + random() % 26);
      text += words > 1 ? " " : sentences > 1 ? ". " : ".\n\n";
    }
  }
  return text;
}

/// Of the first word after `at`, or at the end where no other follows.
std::array<Edit, 3> EditsOfWord(std::string_view text, std::size_t at) {
  const std::size_t blank = std::min(text.find(' ', at), text.size());
  const std::size_t begin = std::min(blank + 1, text.size());
  const std::size_t end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
  return {{{{begin, begin}, "inserted "}, {{blank, end}, ""}, {{begin, end}, "replaced"}}};
}

class FarChange {
 public:
  FarChange(std::string_view text, const std::vector<Chunk>& before, std::size_t radius, const Measure& measure)
      : text_(text), before_(before), radius_(radius), measure_(measure) {}

  Verdict Find(const Edit& edit, const std::vector<Chunk>& after) const {
    const auto first_near = std::partition_point(before_.begin(), before_.end(), [&](const Chunk& chunk) {
      return chunk.range.end <= edit.replaced.begin && IsFar(chunk.range.end, edit.replaced.begin);
    });
    const auto first_far = std::partition_point(first_near, before_.end(), [&](const Chunk& chunk) {
      const std::size_t begin = chunk.range.begin - chunk.overlap;
      return begin < edit.replaced.end || !IsFar(edit.replaced.end, begin);
    });
    const auto in_front = static_cast<std::size_t>(std::distance(before_.begin(), first_near));
    const auto behind = static_cast<std::size_t>(std::distance(first_far, before_.end()));
    for (std::size_t i = 0; i < in_front; ++i) {
      const bool kept = i < after.size() && FieldsOf(before_[i]) == FieldsOf(after[i]);
      if (!kept) return Changed(edit, before_[i]);
    }
    for (std::size_t i = 1; i <= behind; ++i) {
      Chunk moved = before_[before_.size() - i];
      moved.range.begin += edit.by.size() - edit.replaced.size();
      moved.range.end += edit.by.size() - edit.replaced.size();
      const bool kept = i <= after.size() && FieldsOf(moved) == FieldsOf(after[after.size() - i]);
      if (!kept) return Changed(edit, before_[before_.size() - i]);
    }
    return kKept;
  }

 private:
  bool IsFar(std::size_t begin, std::size_t end) const { return measure_(text_.substr(begin, end - begin)) > radius_; }

  Verdict Changed(const Edit& edit, const Chunk& chunk) const {
    return fmt::format("with bytes [{}, {}) replaced by '{}', the chunk [{}, {}) changed, which lies further than {} from them",
                       edit.replaced.begin, edit.replaced.end, edit.by, chunk.range.begin, chunk.range.end, radius_);
  }

  const std::string_view text_;
  const std::vector<Chunk>& before_;
  const std::size_t radius_;
  const Measure& measure_;
};

}  // namespace

Document DocumentToEdit(std::size_t radius, const Measure& measure) {
  Document document;
  document.id = "document to edit";
  document.media_type = "text/plain";
  std::mt19937_64 random(kSeed);
  for (std::size_t radii = 0; radii / kLeastRadii < radius || document.text.size() < kLeastBytes;) {
    const std::string paragraph = Paragraph(random);
    radii += std::max<std::size_t>(measure(paragraph), 1);
    document.text += paragraph;
  }
  return document;
}

Verdict FindFarChange(const Chunker& chunker, const Document& document, std::size_t radius, const Measure& measure) {
  const auto before = chunker.Split(document);
  if (!before.ok()) return Gave(fmt::format("Split() of '{}'", document.id), before.status());
  const FarChange far_change(document.text, *before, radius, measure);
  std::mt19937_64 random(kSeed);
  for (int place = 0; place < kPlaces; ++place) {
    for (const Edit& edit : EditsOfWord(document.text, random() % (document.text.size() + 1))) {
      Document edited = document;
      edited.text.replace(edit.replaced.begin, edit.replaced.size(), edit.by);
      const auto after = chunker.Split(edited);
      if (!after.ok()) continue;  // a word may be what made it a document of the host's
      if (Verdict verdict = far_change.Find(edit, *after); !verdict.empty()) return verdict;
    }
  }
  return kKept;
}

}  // namespace ragpipe::testing

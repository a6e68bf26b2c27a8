#include <algorithm>
#include <cstddef>

#include "ragpipe/text/normalize.h"

namespace ragpipe::text {

void OffsetMap::Add(const Edit& edit) {
  if (edit.source.size() == 0 && edit.text.size() == 0) return;
  edits_.push_back(edit);
}

std::size_t OffsetMap::ToSource(std::size_t offset) const {
  // The first edit that does not end before the offset.
  const auto edit = std::partition_point(edits_.begin(), edits_.end(), [offset](const Edit& e) { return e.text.end < offset; });
  if (edit != edits_.end() && edit->text.begin < offset)
    return edit->text.end == offset ? edit->source.end : edit->source.begin;
  if (edit == edits_.begin()) return offset;
  const Edit& before = *(edit - 1);
  return before.source.end + (offset - before.text.end);
}

OffsetMap OffsetMap::Then(const OffsetMap& next) const {
  OffsetMap both;
  // A place between the two texts maps to the source by what was removed or added so far on each side.
  std::size_t i = 0;
  std::size_t j = 0;
  std::size_t source_at = 0;  // an edit of the first map not yet passed begins behind these
  std::size_t middle_at = 0;
  std::size_t text_at = 0;
  while (i < edits_.size() || j < next.edits_.size()) {
    const std::size_t first_begin = i < edits_.size() ? edits_[i].text.begin : SIZE_MAX;
    const std::size_t next_begin = j < next.edits_.size() ? next.edits_[j].source.begin : SIZE_MAX;
    const std::size_t copied = std::min(first_begin, next_begin) - middle_at;
    source_at += copied;
    middle_at += copied;
    text_at += copied;
    // All edits of both that touch one another make one.
    Edit edit{{source_at, source_at}, {text_at, text_at}};
    std::size_t first_middle = middle_at;  // how far either has got
    std::size_t next_middle = middle_at;
    for (bool grew = true; grew;) {
      grew = false;
      const std::size_t reach = std::max(first_middle, next_middle);
      const bool open = reach > middle_at;
      if (i < edits_.size() && (edits_[i].text.begin < reach || (!open && edits_[i].text.begin == reach))) {
        edit.source.end += edits_[i].text.begin - first_middle + edits_[i].source.size();
        first_middle = edits_[i++].text.end;
        grew = true;
        if (first_middle == middle_at && next_middle == middle_at) break;  // a removal alone
      } else if (j < next.edits_.size() &&
                 (next.edits_[j].source.begin < reach || (!open && next.edits_[j].source.begin == reach))) {
        edit.text.end += next.edits_[j].source.begin - next_middle + next.edits_[j].text.size();
        next_middle = next.edits_[j++].source.end;
        grew = true;
        if (first_middle == middle_at && next_middle == middle_at) break;  // an insertion alone
      }
    }
    const std::size_t end = std::max(first_middle, next_middle);
    edit.source.end += end - first_middle;
    edit.text.end += end - next_middle;
    both.Add(edit);
    source_at = edit.source.end;
    text_at = edit.text.end;
    middle_at = end;
  }
  return both;
}

}  // namespace ragpipe::text

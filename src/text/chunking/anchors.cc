#include "text/chunking/anchors.h"

namespace ragpipe::text::internal {

void AnchorFinder::Add(std::size_t tokens, std::uint64_t rank) {
  position_ += tokens;
  while (!peaks_.empty() && position_ - peaks_.front().position > radius_) peaks_.pop_front();
  if (rank == 0) {
    boundaries_.push_back({position_, true});
    return;
  }
  while (!peaks_.empty() && peaks_.back().rank <= rank) {
    if (peaks_.back().number >= taken_) boundaries_[peaks_.back().number - taken_].outranked = true;
    peaks_.pop_back();
  }
  const bool outranked = position_ <= radius_ || !peaks_.empty();
  peaks_.push_back({taken_ + boundaries_.size(), position_, rank});
  boundaries_.push_back({position_, outranked});
}

bool AnchorFinder::Take() {
  const bool anchor = ready() && !boundaries_.front().outranked;
  boundaries_.pop_front();
  ++taken_;
  return anchor;
}

}  // namespace ragpipe::text::internal

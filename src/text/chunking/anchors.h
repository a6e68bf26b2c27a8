#pragma once

#include <cstddef>
#include <cstdint>

#include "text/chunking/queue.h"

namespace ragpipe::text::internal {

/// Finds, in a sequence of ranked boundaries, the anchors: those that outrank every boundary within `radius` tokens on both
/// sides. Whether a boundary is one depends on that neighbourhood alone. (Local maxima as cuts: Bjorner, Blass, Gurevich 2010,
/// "Content-dependent chunking for differential compression, the local maximum approach".)
class AnchorFinder {
 public:
  explicit AnchorFinder(std::size_t radius) : radius_(radius) {}

  /// The next boundary lies `tokens` after the last; rank 0 is never an anchor. Among equals the last one counts.
  void Add(std::size_t tokens, std::uint64_t rank);

  /// Boundaries added and not yet taken.
  std::size_t size() const { return boundaries_.size(); }

  /// Whether enough is known of the first of them.
  bool ready() const { return !boundaries_.empty() && position_ - boundaries_.front().position > radius_; }

  /// Takes it off, and tells whether it is an anchor. One that is not ready() is none: its neighbourhood is cut off.
  bool Take();

  /// Begins anew after the last boundary, which counts as a cut: the first `radius` tokens hold no anchor.
  void Restart() { *this = AnchorFinder(radius_); }

 private:
  struct Boundary {
    std::size_t position = 0;
    bool outranked = false;
  };
  struct Peak {
    std::size_t number = 0;  // of a boundary, from the start
    std::size_t position = 0;
    std::uint64_t rank = 0;
  };

  std::size_t radius_;
  std::size_t position_ = 0;
  std::size_t taken_ = 0;
  Queue<Boundary> boundaries_;  // not yet taken
  Queue<Peak> peaks_;           // those of the last `radius` tokens that nothing later outranks; so by falling rank
};

}  // namespace ragpipe::text::internal

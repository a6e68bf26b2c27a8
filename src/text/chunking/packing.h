#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/text/tokenizer.h"
#include "text/chunking/anchors.h"
#include "text/chunking/boundaries.h"
#include "text/chunking/limits.h"
#include "text/chunking/queue.h"

namespace ragpipe::text::internal {

/// A stretch of text that no chunk divides. Atoms come in order and without gaps.
struct Atom {
  std::size_t end = 0;
  std::size_t tokens = 0;        ///< exact, taken alone; at most the cap
  Level level = Level::kForced;  ///< of the boundary at `end`
  std::uint32_t tag = 0;         ///< for the Framing: where the atom comes from
};

/// What is embedded before a chunk's own bytes, and what is known of the place where it begins.
struct Frame {
  std::string context;
  std::size_t overlap = 0;
  std::vector<std::string> headings;
  std::size_t tokens = 0;  ///< of context and overlap, taken alone
};

class Framing {
 public:
  virtual ~Framing() = default;

  /// The best frame of at most `room` tokens for a chunk that begins at `begin`, with an atom tagged `tag`. `previous` is the
  /// chunk before, or null.
  virtual Frame FrameAt(std::size_t begin, std::uint32_t tag, std::size_t room, const Chunk* previous) = 0;
};

/// Packs atoms into chunks within the limits, so that an edit changes few chunks:
///
/// Some boundaries are always cuts: the ends of groups, and the anchors, which outrank all boundaries near them. What lies
/// between two of these is packed by itself.
///
/// There, a cut goes to the highest-ranking boundary in the last third of what fits. The rank is the level and, among equals,
/// a hash of the bytes around the boundary. So two packings that begin at different places soon choose the same boundary, and
/// agree from there on (content-defined chunking, over atoms instead of bytes).
///
/// Fill::kGreedy has neither anchors nor ranks: the last boundary that fits.
///
/// Sizes are first estimated by adding the atoms' counts, then the chosen chunk is counted as a whole: a few counts per
/// chunk, whatever the tokenizer does across the seams.
///
/// At last a chunk below the minimum joins a neighbour, first the one that the weaker boundary parts it from. So does one that
/// is no more than a heading whose body had no room beside it.
class Packer {
 public:
  Packer(std::string_view text, const Tokenizer& tokenizer, const RangeCounter& counter, const Limits& limits,
         Framing& framing);

  void Add(const Atom& atom);

  /// Cuts after the last atom, unless that boundary is kForced. What is packed on one side does not depend on the other, but
  /// for chunks below the minimum.
  void EndGroup();

  /// The chunks of all atoms.
  std::vector<Chunk> Finish();

 private:
  void ReleaseFirst();
  void Flush();
  void EmitChunk(bool last_of_group);
  std::size_t ChooseCut(std::size_t limit, bool last_of_group) const;
  void JoinIfSmall(std::size_t chunk);
  bool Join(std::size_t first);
  std::size_t Measure(std::string_view context, ByteRange range) const;
  std::uint64_t RankOf(const Atom& atom) const;

  std::size_t pending_bytes() const { return atoms_[released_ - 1].end - begin_; }

  std::string_view text_;
  const Tokenizer& tokenizer_;
  const RangeCounter& counter_;
  const Limits limits_;
  Framing& framing_;
  const bool additive_at_lines_;

  AnchorFinder anchors_;
  std::size_t begin_ = 0;           // of the first atom
  Queue<Atom> atoms_;               // not yet in a chunk; from `released_` on waiting for the AnchorFinder
  std::size_t released_ = 0;        // those before are ready for a chunk
  std::size_t pending_tokens_ = 0;  // the sum of the released
  std::vector<Chunk> chunks_;
  std::vector<Level> ends_;  // of the boundary after each chunk
};

}  // namespace ragpipe::text::internal

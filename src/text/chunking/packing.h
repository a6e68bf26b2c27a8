#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/text/tokenizer.h"
#include "text/chunking/anchors.h"
#include "text/chunking/boundaries.h"

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

/// Packs atoms into chunks of at most `max_tokens`, so that an edit changes few chunks:
///
/// Some boundaries are always cuts: the ends of groups, and the anchors, which outrank all boundaries near them. What lies
/// between two of these is packed by itself.
///
/// There, a cut goes to the highest-ranking boundary in the last third of what fits. The rank is the level and, among equals,
/// a hash of the bytes around the boundary. So two packings that begin at different places soon choose the same boundary, and
/// agree from there on (content-defined chunking, over atoms instead of bytes).
///
/// Sizes are first estimated by adding the atoms' counts, then the chosen chunk is counted as a whole: a few counts per
/// chunk, whatever the tokenizer does across the seams.
class Packer {
 public:
  Packer(std::string_view text, const Tokenizer& tokenizer, const RangeCounter& counter, std::size_t max_tokens,
         Framing& framing)
      : text_(text),
        tokenizer_(tokenizer),
        counter_(counter),
        max_tokens_(max_tokens),
        framing_(framing),
        anchors_(max_tokens) {}

  void Add(const Atom& atom);

  /// Cuts after the last atom, unless that boundary is kForced. What is packed on one side does not depend on the other.
  void EndGroup();

  /// The chunks of all atoms.
  std::vector<Chunk> Finish();

 private:
  void ReleaseFirst();
  void Flush();
  void EmitChunk(bool last_of_group);
  std::size_t ChooseCut(std::size_t limit, bool last_of_group) const;
  std::size_t Measure(const Frame& frame, std::size_t end) const;
  std::uint64_t RankOf(const Atom& atom) const;

  std::string_view text_;
  const Tokenizer& tokenizer_;
  const RangeCounter& counter_;
  const std::size_t max_tokens_;
  Framing& framing_;

  AnchorFinder anchors_;
  std::size_t begin_ = 0;           // of the first pending atom
  std::deque<Atom> waiting_;        // for the AnchorFinder
  std::deque<Atom> pending_;        // released, not yet in a chunk
  std::size_t pending_tokens_ = 0;  // their sum
  std::vector<Chunk> chunks_;
};

}  // namespace ragpipe::text::internal

#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <optional>
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
  std::size_t tokens = 0;        ///< about: RangeCounter::Estimate(). Taken alone it fits within the cap
  Level level = Level::kForced;  ///< of the boundary at `end`
  std::uint32_t tag = 0;         ///< for the Framing: where the atom comes from
};

/// What is embedded before a chunk's own bytes, and what is known of the place where it begins.
struct Frame {
  std::string context;
  std::optional<std::size_t> context_tokens;  ///< taken alone, if they have been counted
  std::size_t overlap = 0;
  std::vector<std::string> headings;
  std::size_t tokens = 0;  ///< about: of context and overlap, taken alone
};

class Framing {
 public:
  virtual ~Framing() = default;

  /// The best frame of at most `room` tokens for a chunk that begins at `begin`, with an atom tagged `tag`. `previous` is the
  /// chunk before, or null.
  virtual Frame FrameAt(std::size_t begin, std::uint32_t tag, std::size_t room, const Chunk* previous) = 0;

  /// The most that a frame may have, however much room there is; 0 where every frame is empty.
  virtual std::size_t max_tokens() const { return SIZE_MAX; }
};

/// Packs atoms into chunks within the limits, so that an edit changes few chunks:
///
/// Some boundaries are always cuts: the ends of groups, and the anchors, which outrank all boundaries within half a cap's
/// length. What lies between two of these is packed by itself. (Within a whole cap's length, chunks would be some 3 % larger,
/// and an edit would change more than three of them five times as often.)
///
/// There, a cut goes to the highest-ranking boundary in the last third of what fits. The rank is the level and, among equals,
/// a hash of the bytes around the boundary. So two packings that begin at different places soon choose the same boundary, and
/// agree from there on (content-defined chunking, over atoms instead of bytes).
///
/// Fill::kGreedy has neither anchors nor ranks: the last boundary that fits.
///
/// Sizes are first estimated by adding those of the atoms, then the chosen chunk is counted as a whole: a few counts per chunk,
/// whatever the tokenizer does across the seams.
///
/// At last a chunk below the minimum joins a neighbour, first the one that the weaker boundary parts it from. So does one that
/// is no more than a heading whose body had no room beside it.
class Packer {
 public:
  Packer(std::string_view text, const Tokenizer& tokenizer, const RangeCounter& counter, const Limits& limits,
         Framing& framing);

  /// The first atom begins here, not at the front; `before` is the chunk before it, or null, and must stay.
  void BeginAt(std::size_t begin, const Chunk* before);

  void Add(const Atom& atom);

  /// Cuts after the last atom, unless that boundary is kForced. What is packed on one side does not depend on the other, but
  /// for chunks below the minimum.
  void EndGroup();

  /// How many of the chunks made so far no later atom can change, up to a boundary of at least that level behind which packing
  /// begins anew: what follows it is packed as if the text began there.
  struct Certain {
    std::size_t chunks = 0;
    Level level = Level::kForced;  ///< of that boundary
  };
  Certain FindCertain(Level at_least) const {
    return FindCertain(at_least, [](std::size_t) { return true; });
  }
  /// As above, at an offset that is `allowed`.
  Certain FindCertain(Level at_least, absl::FunctionRef<bool(std::size_t offset)> allowed) const;

  /// The chunks of all atoms.
  std::vector<Chunk> Finish();

 private:
  void ReleaseFirst();
  void Flush();
  void EmitGroup();
  void EmitChunk(bool last_of_group);
  std::size_t RoomBeside(ByteRange range) const;
  std::size_t ChooseCut(std::size_t limit, bool last_of_group) const;
  void JoinIfSmall(std::size_t chunk);
  bool Join(std::size_t first);
  std::size_t Measure(std::string_view context, std::optional<std::size_t> context_tokens, ByteRange range) const;
  std::uint64_t RankOf(const Atom& atom) const;

  std::size_t pending_bytes() const { return atoms_[released_ - 1].atom.end - begin_; }

  std::string_view text_;
  const Tokenizer& tokenizer_;
  const RangeCounter& counter_;
  const Limits limits_;
  Framing& framing_;
  const bool additive_at_lines_;

  AnchorFinder anchors_;
  const Chunk* before_ = nullptr;
  std::size_t begin_ = 0;  // of the first atom
  struct Pending {
    Atom atom;
    std::uint64_t rank = 0;  // unless it is not known yet
  };
  Queue<Pending> atoms_;            // not yet in a chunk; from `released_` on waiting for the AnchorFinder
  std::size_t released_ = 0;        // those before are ready for a chunk
  std::size_t pending_tokens_ = 0;  // the sum of the released
  std::vector<Chunk> chunks_;
  struct End {
    Level level = Level::kForced;
    bool begins_anew = false;     // it is an anchor, or ends a group
    bool is_behind_join = false;  // the chunk behind has its overlap from a part of the one before, which then joined the rest
  };
  std::vector<End> ends_;  // the boundary after each chunk
};

}  // namespace ragpipe::text::internal

#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/utf8.h"
#include "ragpipe/chunk.h"
#include "ragpipe/document.h"
#include "ragpipe/ledger.h"
#include "ragpipe/source.h"

namespace ragpipe::internal {

inline constexpr std::size_t kMaxPrintedIdBytes = 500;  ///< of a document id in a message

inline constexpr std::size_t kNoRow = std::numeric_limits<std::size_t>::max();

/// Whether the version with ordinal `a` is known to come before the one with `b`.
inline bool IsOlder(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
  return a.has_value() && b.has_value() && *a < *b;
}

/// What becomes of one chunk of the new version.
struct PlannedChunk {
  enum class Action {
    kKeep,   ///< stored exactly so
    kPatch,  ///< stored; another payload
    kReuse,  ///< a new record with a vector that exists
    kEmbed,  ///< a new record with a new vector
  };

  Chunk chunk;
  std::string_view embedded_text;  ///< into the document, or into Task::joined_texts
  std::size_t position = 0;
  LedgerChunk keys;
  Action action = Action::kEmbed;
  std::size_t row = kNoRow;  ///< in Task::vectors, for kReuse and kEmbed
};

/// Record::text of a chunk of `document`.
inline std::string_view StoredText(const Chunk& chunk, const Document& document) {
  if (chunk.text.has_value()) return *chunk.text;
  return std::string_view(document.text).substr(chunk.range.begin, chunk.range.size());
}

/// How a change ends.
enum class Outcome { kUnchanged, kStale, kSuperseded, kProcessed, kDeleted, kFailed };

/// Where a change comes from. Only one of the feed was listed and moves a cursor.
enum class Origin { kFeed, kAbsence, kDeadLetter };

/// Where a change stands in the order of its partition.
struct FrontierPosition {
  std::uint64_t epoch = 0;  ///< of the partition's assignment
  std::uint64_t sequence = 0;
};

/// One change on its way from intake to commit. One thread at a time works on it, except that embedding threads fill
/// different rows of `vectors`.
struct Task {
  Change change;
  FrontierPosition position;
  std::vector<FrontierPosition> superseded;  ///< of older changes that this one stands for, of the same partition
  Origin origin = Origin::kFeed;
  bool judged = false;  ///< `known` was looked up and the change has to be processed
  std::optional<LedgerEntry> known;

  Document document;
  bool came_with_body = false;  ///< a dead letter must keep the body: nobody could read it again
  std::string content_hash;
  std::vector<PlannedChunk> chunks;
  std::deque<std::string> joined_texts;   ///< embedded texts that are no piece of the document; addresses are stable
  std::vector<float> vectors;             ///< [rows][dimension]
  std::vector<std::string_view> deletes;  ///< record ids of `known` that vanished
  std::size_t awaited_rows = 0;           ///< not embedded yet; guarded by State::mutex

  Outcome outcome = Outcome::kProcessed;
  Stage failed_stage = Stage::kRead;
  absl::Status failure;  ///< why outcome is kFailed

  std::size_t charged_bytes = 0;  ///< of the memory budget; guarded by State::mutex

  /// Of the memory budget: what the document and all that was made of it take.
  std::size_t Bytes() const {
    std::size_t bytes = sizeof(Task) + document.text.capacity() + vectors.capacity() * sizeof(float);
    for (const std::string& text : joined_texts) bytes += text.capacity();
    for (const PlannedChunk& planned : chunks) {
      bytes += sizeof(PlannedChunk) + planned.chunk.context.capacity() + planned.keys.record_id.capacity() +
               planned.keys.text_key.capacity() + planned.keys.payload_hash.capacity();
      if (planned.chunk.text.has_value()) bytes += planned.chunk.text->capacity();
      for (const std::string& heading : planned.chunk.headings) bytes += sizeof(std::string) + heading.capacity();
    }
    return bytes;
  }

  /// Gives back what nobody needs of a task that was written: the commit asks for keys and counts only.
  void Shed() {
    document.text = std::string();
    vectors = std::vector<float>();
    joined_texts.clear();
    for (PlannedChunk& planned : chunks) {
      planned.chunk = Chunk();
      planned.embedded_text = {};
    }
  }

  /// The reason becomes one line of bounded length: hosts and documents had a hand in it.
  void Fail(Stage stage, const absl::Status& reason) {
    constexpr std::size_t kMaxReasonBytes = 2000;
    outcome = Outcome::kFailed;
    failed_stage = stage;
    failure = absl::Status(reason.code(), Printable({reason.message().data(), reason.message().size()}, kMaxReasonBytes));
  }
};

using TaskPtr = std::shared_ptr<Task>;

/// One text on its way to the embedder.
struct EmbedItem {
  TaskPtr task;
  std::size_t row = 0;
  std::size_t chunk = 0;  ///< in Task::chunks
  std::string_view text;
  std::size_t tokens = 0;
  bool tokens_are_estimated = false;
};

}  // namespace ragpipe::internal

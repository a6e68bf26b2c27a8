#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/clock.h"
#include "ragpipe/cursor.h"
#include "ragpipe/document.h"
#include "ragpipe/export.h"
#include "ragpipe/metadata.h"
#include "ragpipe/source.h"

namespace ragpipe::testing {

struct MemorySourceOptions {
  enum class Mode {
    kSnapshot,  ///< a stream lists every document, then sends SnapshotComplete; no cursors
    kFeed,      ///< a stream replays the log of all changes ever made, after the cursor it was opened with
  };
  enum class Versions { kNone, kToken, kTokenAndOrdinal };  ///< given to documents that come with an empty version

  std::string name = "memory";
  Mode mode = Mode::kSnapshot;
  bool endless = false;  ///< no EndOfFeed: at its end a stream waits for the next change
  bool lazy = false;     ///< changes come without a body, which Load() gives as it is then
  int partitions = 1;    ///< of a feed: 1 = "", else "0", "1", ... by a hash of the document id
  Versions versions = Versions::kToken;
  std::size_t events_per_call = 100;  ///< the most that one Next() appends
  Clock* clock = nullptr;             ///< borrowed; of the deadlines of Next(); null = SystemClock()
};

/// A set of documents that a test changes at will.
///
///     MemorySource source;
///     source.Put("a", "some text");
///     pipeline.Run(report);
///     source.Delete("a");
///     pipeline.Run(report);
///
/// Threading: everything from any thread, also while streams are open.
class RAGPIPE_EXPORT MemorySource final : public Source {
 public:
  struct Counts {
    std::uint64_t streams_opened = 0;
    std::uint64_t changes_sent = 0;
    std::uint64_t documents_loaded = 0;  ///< bodies given out by Load()
  };

  explicit MemorySource(MemorySourceOptions options = {});
  ~MemorySource() override;

  /// Inserts or replaces. Every call is a new version, even of the same text.
  void Put(Document document);
  void Put(std::string id, std::string text, Metadata metadata = {});

  /// Does nothing where there is no such document.
  void Delete(std::string_view id);

  void Clear();

  /// Sends an event of the test's own making. A feed appends it to the log, and gives a Change or BadChange without
  /// resume_after its cursor. A snapshot sends it with each listing opened later, after the documents; SnapshotIncomplete
  /// then stands in the place of SnapshotComplete.
  void Push(Event event);

  /// Sends a version of a document once more, late or twice: what the source holds does not change. A feed only.
  void Redeliver(const Document& document);

  /// Ends the endless streams: EndOfFeed once everything is sent.
  void End();

  std::string_view name() const override;
  absl::StatusOr<std::unique_ptr<ChangeStream>> StreamChanges(std::span<const PartitionCursor> since) override;

  std::map<std::string, Document> documents() const;
  Counts counts() const;
  std::vector<PartitionCursor> opened_after() const;  ///< the cursors that the last stream was opened with
  std::map<Partition, Cursor> acknowledged() const;   ///< the last of each partition, over all streams

 private:
  class Stream;
  class State;

  std::unique_ptr<State> state_;
};

}  // namespace ragpipe::testing

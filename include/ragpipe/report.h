#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/latency_histogram.h"
#include "ragpipe/schema.h"

namespace ragpipe {

/// What one run did. Filled on failure too.
struct RunReport {
  /// Every change counted exactly once:
  /// seen = unchanged + stale + superseded + processed + deleted + failed + pending.
  struct Documents {
    std::uint64_t seen = 0;        ///< changes received, and one for each deletion by absence and each dead letter retried
    std::uint64_t unchanged = 0;   ///< same version token or same content as the ledger's
    std::uint64_t stale = 0;       ///< arrived late: older than what the index holds, or than the document's deletion
    std::uint64_t superseded = 0;  ///< replaced by a newer change of the same document before it was begun, or gone on reading
    std::uint64_t processed = 0;   ///< committed with new content
    std::uint64_t deleted = 0;     ///< removed, by event or by absence
    std::uint64_t failed = 0;      ///< dead letters
    std::uint64_t pending = 0;     ///< received but not committed: the next run sees them again
  } documents;

  /// Chunks of the documents seen, as the index holds them now: total = embedded + reused + patched.
  struct Chunks {
    std::uint64_t embedded = 0;  ///< with a vector bought in this run
    std::uint64_t reused = 0;    ///< the vector was there: in an unchanged document, an unchanged part, or under another id
    std::uint64_t patched = 0;   ///< moved, or with new metadata: payload rewritten, vector kept in place
    std::uint64_t deleted = 0;   ///< records that vanished
    std::uint64_t total = 0;
  } chunks;

  struct Embed {
    std::uint64_t calls = 0;            ///< attempts included
    std::uint64_t texts = 0;            ///< sent, again those of repeated and halved calls
    std::uint64_t tokens = 0;           ///< as counted by the chunker
    bool tokens_are_estimated = false;  ///< at least one of those counts was an estimate
  } embed;

  struct Bytes {
    std::uint64_t read = 0;      ///< of document bodies
    std::uint64_t embedded = 0;  ///< of texts sent to the embedder
  } bytes;

  /// Metadata fields that were not as PipelineOptions::schema declares, in the documents that were read; all 0 without a
  /// schema. A document that is read twice counts twice.
  struct Fields {
    struct Evolved {
      std::string name;  ///< as for a message: at most 200 bytes of it
      FieldType type = FieldType::kString;

      friend bool operator==(const Evolved&, const Evolved&) = default;
    };

    std::uint64_t undeclared = 0;  ///< whatever became of them
    std::uint64_t mistyped = 0;    ///< whatever became of them
    std::uint64_t missing = 0;     ///< required and not there, or discarded
    std::uint64_t discarded = 0;   ///< left out of documents that went on without them
    std::vector<Evolved> evolved;  ///< undeclared or mistyped, taken as they came, each once; the first 20
  } fields;

  /// Summed over threads, so it may exceed `elapsed`.
  struct StageTimes {
    absl::Duration read, load, chunk, embed, write, commit;
  } stage_times;

  std::uint64_t commits = 0;
  std::uint64_t retries = 0;
  std::uint64_t deletions_refused = 0;   ///< absent documents kept by the deletion guard
  std::uint64_t deletions_deferred = 0;  ///< documents absent for the first time, under DeletionGuard::confirm_absence
  std::uint64_t expired_letters = 0;     ///< dead letters dropped for their age

  absl::Time started = absl::InfinitePast();
  absl::Duration elapsed;
  absl::Duration max_lateness;  ///< of the stale changes with an event time: the longest from event to arrival

  /// Event time up to which the source is committed: the least over its partitions of the newest event time before which
  /// nothing of the partition is unfinished. A heartbeat, the end of the feed, or a minute without a change lift a partition
  /// that has nothing unfinished; one that never sent an event time does not count. It falls when a partition turns up behind.
  absl::Time watermark = absl::InfinitePast();

  /// Time from the event at the source until it can be searched: one sample for each change with an event time that is
  /// committed as processed or deleted. And whenever PipelineOptions::commit_interval passes without one, the age of what can
  /// be searched then: the time since the watermark, or since the oldest event received where nothing is committed yet. So a
  /// pipeline that is stalled looks ever older, and so does one whose feed is silent, unless heartbeats (source.h) say that
  /// there is nothing new. Without event times there are no samples; a first run over old documents is as old as they are.
  LatencyHistogram freshness;

  /// The index equals the source as it was read: the feed was read to its end, nothing failed, nothing is pending, no
  /// listing had holes and no deletion was refused.
  bool complete = false;

  std::vector<std::string> problems;  ///< why not complete, in words; the first 20
};

/// A few aligned lines for people.
RAGPIPE_EXPORT std::string ToText(const RunReport& report);

/// One line: {"documents":{...},"chunks":{...},"embed":{...},"bytes":{...},"fields":{"undeclared":1,"mistyped":0,"missing":0,
/// "discarded":0,"evolved":[{"name":"colour","type":"string"}]},...,
/// "freshness":{"count":9,"p50_seconds":0.8,"p99_seconds":2.5,"max_seconds":2.1},"seconds":1.5,"complete":true,"problems":[]}.
RAGPIPE_EXPORT std::string ToJson(const RunReport& report);

}  // namespace ragpipe

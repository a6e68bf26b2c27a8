#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "ragpipe/checkpoint.h"
#include "ragpipe/export.h"
#include "ragpipe/testing/finding.h"

namespace ragpipe::testing {

/// A part of something larger is shared with it: std::shared_ptr<Checkpoint>(store, &store->checkpoint()).
struct CheckpointUnderTest {
  std::shared_ptr<Checkpoint> checkpoint;

  /// Opens the same checkpoint again, after the one above was destroyed. Without it durability is not checked.
  std::function<std::shared_ptr<Checkpoint>()> reopen = {};
};

/// Each call gives a checkpoint over a new place, where nothing was ever committed.
using CheckpointFactory = std::function<CheckpointUnderTest()>;

/// The rules from checkpoint.recipe on are of the ledger and apply where keeps_ledger() is true.
///
/// Rule                              demands (of checkpoint.h and ledger.h)
/// checkpoint.factory                the factory gives a checkpoint
/// checkpoint.no_throw               no call throws ("Exceptions: must not escape")
/// checkpoint.cursor.unknown         LoadCursors() of a source never committed gives none, and no error
/// checkpoint.cursor.roundtrip       cursors and partitions come back byte for byte ("bytes that nobody else reads")
/// checkpoint.cursor.replaces        a newer cursor of a partition replaces the older
/// checkpoint.cursor.kept            "partitions not named keep theirs"
/// checkpoint.cursor.per_source      every source has cursors of its own
/// checkpoint.commit.repeatable      the same request again is OK ("retried with the same request") and changes nothing
/// checkpoint.commit.atomic          readers at the same time "see whole commits only"
/// checkpoint.reset                  "first drop every cursor, entry and dead letter, of every source", then do the rest
/// checkpoint.reopen                 everything committed is "durable": there after a reopening
/// checkpoint.recipe                 LoadRecipe() gives "the recipe of the last commit that set one; empty before"
/// checkpoint.entry.unknown          FindEntries() resizes `out`; "unknown documents are empty"
/// checkpoint.entry.roundtrip        entries come back with all their fields, byte for byte
/// checkpoint.entry.replaces         entries are "inserted or replaced"
/// checkpoint.entry.per_source       every source has entries of its own
/// checkpoint.forgotten              `forgotten`: "document ids whose entry and dead letter go", and no others
/// checkpoint.list.order             ListDocuments() gives every document of the source, once, "in byte order"
/// checkpoint.list.paging            ... "the next at most `limit` ... after `after`", "none = the end"
/// checkpoint.tombstone.roundtrip    tombstones replace entries, entries replace tombstones, and both come back whole
/// checkpoint.tombstone.unlisted     "Tombstones are not listed" by ListDocuments()
/// checkpoint.tombstone.purge        `purge_before`: "the source's tombstones of deletions before this go", and nothing else
/// checkpoint.dead_letter.roundtrip  dead letters come back with all their fields, the body too
/// checkpoint.dead_letter.attempts   one that is there is "replaced with one attempt more and the first failure kept"
/// checkpoint.dead_letter.cleared    an entry "clears the document's dead letter", and no other
/// checkpoint.dead_letter.kept_in_doubt  ... "unless in doubt", which is stored as it is
/// checkpoint.dead_letter.dropped    `dropped_letters`: "document ids whose dead letter goes; the entry stays"
/// checkpoint.dead_letter.order      ListDeadLetters() gives every one, once, "in byte order", by pages
/// checkpoint.dead_letter.per_source every source has dead letters of its own
RAGPIPE_EXPORT std::vector<Finding> CheckCheckpoint(const CheckpointFactory& factory);

}  // namespace ragpipe::testing

#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "ragpipe/cursor.h"
#include "ragpipe/export.h"
#include "ragpipe/source.h"
#include "ragpipe/testing/finding.h"

namespace ragpipe::testing {

/// Sources over one and the same content, some documents at least, which does not change during the check: each call gives a
/// new source, or the same again.
using SourceFactory = std::function<std::shared_ptr<Source>()>;

/// Of an endless feed every reading takes `quiet`, and there are max_cuts readings and a few more.
struct SourceCheckOptions {
  bool endless = false;
  absl::Duration quiet = absl::Milliseconds(300);  ///< an endless feed that sends nothing for so long has sent everything
  absl::Duration timeout = absl::Seconds(10);      ///< a bounded feed that sends nothing for so long hangs
  std::size_t max_cuts = 20;                       ///< source.cursor.resumes stops the feed at so many places at most
  std::vector<PartitionCursor> expired = {};       ///< cursors once valid, for source.cursor.expired
};

/// Rule                           demands (of source.h, document.h and metadata.h)
/// source.factory                 the factory gives a source
/// source.no_throw                no call throws ("Exceptions: must not escape")
/// source.name.not_empty          name() is "not empty"
/// source.name.stable             name() is "stable": the same every time and for each object
/// source.reads                   the feed opens and is read, bodies too, without an error that is not transient
/// source.next.appends            Next() "appends": what `out` held stays
/// source.next.deadline           Next() of an idle endless feed waits "until `deadline`" and not much longer
/// source.end                     "a bounded feed ends with" EndOfFeed as its last event; "an endless one never sends it"
/// source.snapshot.complete_last  SnapshotComplete comes when "every live document of the partition was listed", not before
/// source.snapshot.lists_all      ... "since the stream was opened": also where it was opened after a cursor
/// source.cursor.resumes          the cursors of any prefix of the feed open the rest of it: nothing is lost
/// source.cursor.expired          "a position that the source can no longer resume from is not an error: it starts over"
/// source.token.stable            "equal tokens mean that the document need not be read again": unchanged, it keeps its token
/// source.id.size                 a document id has "1 to 4096 bytes"
/// source.id.unique               ... and is "unique within its source": not in two partitions
/// source.load.id                 "Document::id must be the change's", of documents that come along too
/// source.load.concurrent         Load() gives the same "from several at once" ("Threading")
/// source.utf8                    Document::text and media_type are UTF-8
/// source.metadata                strings "are UTF-8 without NUL, doubles are finite"
/// source.acknowledge             Acknowledge() takes the cursors handed out, "from another thread than Next()"
RAGPIPE_EXPORT std::vector<Finding> CheckSource(const SourceFactory& factory, const SourceCheckOptions& options = {});

}  // namespace ragpipe::testing

#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/recipe.h"
#include "ragpipe/stored_record.h"
#include "ragpipe/testing/finding.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe::testing {

/// A sink and the way to look into it. A part of something larger is shared with it:
///
///     auto store = std::make_shared<MemoryStore>();
///     test.sink = std::shared_ptr<VectorSink>(store, &store->sink());
struct SinkUnderTest {
  std::shared_ptr<VectorSink> sink;

  /// Every record in the collection, in any order.
  std::function<absl::StatusOr<std::vector<StoredRecord>>()> read;

  /// Where the sink shares the checkpoint's transaction: commits it. Called after every Flush().
  std::function<absl::Status()> commit = {};

  /// Opens the same collection again, after the three above were destroyed. Without it durability is not checked.
  std::function<SinkUnderTest()> reopen = {};
};

/// Each call gives a sink over a new place, where nothing was ever written.
using SinkFactory = std::function<SinkUnderTest()>;

struct VectorSinkCheckOptions {
  std::size_t dimension = 4;
  Metric metric = Metric::kCosine;
  double tolerance = 0;             ///< floats that differ by no more count as equal; the vectors written have length 1
  bool keeps_recipe = true;         ///< false: EnsureCollection() compares no recipes and rebuilds nothing
  bool finds_vectors = true;        ///< false: FindVectors() finds none, or not all
  bool refuses_bad_vectors = true;  ///< false: Write() relies on the pipeline for their dimension

  /// Clears the fields that the sink does not store; both sides of every comparison go through it.
  std::function<void(StoredRecord&)> not_stored = {};
};

/// Rule                           demands (of vector_sink.h and record.h)
/// sink.factory                   the factory gives a sink and a way to read it
/// sink.no_throw                  no call throws ("Exceptions: must not escape")
/// sink.ensure.repeatable         EnsureCollection() again, under the same recipe, keeps the records ("repeatable")
/// sink.recipe.refused            EnsureCollection() "compares the recipes ... and refuses": kFailedPrecondition
/// sink.rebuild.empties           CollectionSpec::rebuild: "drop every record and begin anew", also in another dimension
/// sink.write.upsert              upserts are stored with all their fields, those of many documents at once
/// sink.write.replaces            the upsert of a stored record replaces it
/// sink.write.idempotent          "writing the same again changes nothing"
/// sink.write.empty               writes of nothing are OK
/// sink.write.delete              `deletes` go and nothing else; ids that are not stored are no error
/// sink.write.replace_all         `replace_all`: "drop every record of the document that is not in `upserts`"
/// sink.write.per_source          ... and not those of another source's document of the same id
/// sink.patch.keeps_vector        `patches`, where patches_payload(): "the vector stays"
/// sink.patch.replaces_payload    ... and "everything else is replaced"
/// sink.bad_vector.refused        a vector of another dimension is refused with a code that says so ("Errors")
/// sink.bad_vector.keeps_earlier  "a failed Write() must leave earlier writes intact"
/// sink.find_vectors.shape        "`out` is resized to text_keys.size()", and empty for keys that are not stored
/// sink.find_vectors.found        "the vector of any stored record with this key"
/// sink.find_vectors.concurrent   FindVectors() works "from several at once, also while the others run"
/// sink.list.documents            ListDocuments(), where lists_records(): "in byte order", of the source, page by page
/// sink.list.records              ReadRecords(): "every field as it was written but Chunk::text"
/// sink.reindex.keeps             Reindex() changes no record
/// sink.flush.repeatable          Flush() is OK with nothing to do
/// sink.flush.durable             after Flush(), and the commit, all writes "are durable": there after a reopening
RAGPIPE_EXPORT std::vector<Finding> CheckVectorSink(const SinkFactory& factory, const VectorSinkCheckOptions& options = {});

}  // namespace ragpipe::testing

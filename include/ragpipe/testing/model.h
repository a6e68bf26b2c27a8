#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/checkpoint.h"
#include "ragpipe/chunker.h"
#include "ragpipe/document.h"
#include "ragpipe/embedder.h"
#include "ragpipe/export.h"
#include "ragpipe/report.h"
#include "ragpipe/schema.h"
#include "ragpipe/stored_record.h"
#include "ragpipe/testing/finding.h"

namespace ragpipe::testing {

/// What an index is made from, and so what it must hold: chunk(embed(documents)), computed here with no engine.
struct Model {
  std::string source;                         ///< Source::name()
  std::map<std::string, Document> documents;  ///< by id: what the source holds
  const Chunker* chunker = nullptr;           ///< borrowed
  Embedder* embedder = nullptr;               ///< borrowed; equal texts must have equal vectors
  Schema schema = {};                         ///< PipelineOptions::schema
};

/// The document as a schema lets it into an index; empty = it is set aside, or freezes the run. Worked out with no engine.
RAGPIPE_EXPORT std::optional<Document> UnderSchema(const Schema& schema, Document document);

/// The records of the model, in the order of documents and positions, with everything but ids, text keys, versions and times.
RAGPIPE_EXPORT absl::StatusOr<std::vector<StoredRecord>> ExpectedRecords(const Model& model);

/// Of a document that the schema does not let in nothing is demanded: the index keeps what it held of it.
///
/// Rule               demands
/// index.lost         every chunk that says anything has a record
/// index.orphaned     no record is of a document that the source does not have
/// index.stale        no record is of a chunk that its document does not have
/// index.duplicated   no chunk has two records, and no two records one id
/// index.vector       a record's vector is what the embedder gives for its text, to the bit
/// index.payload      media type, metadata, range, context, headings and token count are those of document and chunk
RAGPIPE_EXPORT std::vector<Finding> CheckIndex(const Model& model, std::span<const StoredRecord> records);

/// Compares the checkpoint's ledger with records of the same moment.
///
/// ledger.lost         every record id of the ledger is in the index, with the ledger's text key
/// ledger.orphaned     every record in the index is in the ledger, or of a document in doubt
/// ledger.readable     the ledger's calls are OK
RAGPIPE_EXPORT std::vector<Finding> CheckLedger(std::string_view source, Checkpoint& checkpoint,
                                                std::span<const StoredRecord> records);

/// report.documents    seen = unchanged + stale + superseded + processed + deleted + failed + pending
/// report.chunks       total = embedded + reused + patched
/// report.complete     a complete report has no failed and no pending change and no problem; another says why
RAGPIPE_EXPORT std::vector<Finding> CheckReport(const RunReport& report);

/// A change of a document at its source.
struct ModelChange {
  std::string document_id;
  std::optional<Document> document;  ///< empty = deleted
};

struct EmbedBounds {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};

/// How many texts a run without failures has to embed that starts with an index of `before` and sees `changes`, in their order.
/// Least: the texts of the documents as they are in the end that were nowhere in the index before; where the sink does not
/// find vectors, that were not in the same document. Most: every text that a version has and the one before has not, where any
/// but the last may be passed over, unless a document that the run leaves alone has it too. The two differ where the order of
/// events decides: versions that are superseded, a text that is deleted in one document and inserted in another, a new text of
/// two documents in flight together. `keeps_moved`: VectorSink::patches_payload() or a FindVectors() that finds;
/// `finds_vectors`: the latter. `loads_late`: a body is that of the change or of any later one, as Load() found it; so a text
/// may come before a deletion that is older than it, and is bought again after it.
RAGPIPE_EXPORT absl::StatusOr<EmbedBounds> CountTextsToEmbed(const std::map<std::string, Document>& before,
                                                             std::span<const ModelChange> changes, const Chunker& chunker,
                                                             bool finds_vectors, bool keeps_moved, bool loads_late);

}  // namespace ragpipe::testing

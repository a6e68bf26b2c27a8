#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ragpipe/document.h"
#include "ragpipe/export.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/model.h"

namespace ragpipe::testing {

struct RandomProgramOptions {
  std::size_t most_documents = 12;
  std::size_t most_paragraphs = 6;  ///< of a new document
  std::size_t vocabulary = 30;      ///< different paragraphs; few, so that texts meet again in other places
  bool redelivers = false;          ///< old versions and duplicates too: of a feed with ordinals only
  bool odd_fields = false;          ///< metadata beside the integer "edition": "colour", "score", other types, or none
};

/// Does at random to a source what people and systems do to theirs: inserts, edits of a word, paragraphs inserted at the top,
/// moved, or cut off, deletions, renames, copies, touches, new metadata, bursts of changes of one document, deletion of most;
/// and, where asked for, versions that arrive late or twice. Keeps the truth beside it.
///
///     RandomProgram program(source, seed);
///     for (int i = 0; i < 10; ++i) program.Next();
///     pipeline.Run(report);
///     CheckIndex({"memory", program.documents(), &chunker, &embedder}, records);
///
/// The same seed does the same. Threading: one thread at a time.
class RAGPIPE_EXPORT RandomProgram final {
 public:
  RandomProgram(MemorySource& source, std::uint64_t seed, RandomProgramOptions options = {});

  /// Does one operation and says which: "edit a word of doc3".
  std::string Next();

  /// Puts the document again as it is, or deletes again what is not there: what failed before has another chance.
  void Repeat(const std::string& document_id);

  /// Puts a version with plain metadata of each document that `is_bad` names.
  void Mend(const std::function<bool(const Document&)>& is_bad);

  /// What the source holds.
  const std::map<std::string, Document>& documents() const { return documents_; }

  /// The changes since the last call, without those that only arrived late or twice.
  std::vector<ModelChange> TakeChanges() { return std::exchange(changes_, {}); }

  std::uint64_t redeliveries() const { return redeliveries_; }

 private:
  std::size_t Below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  std::string Paragraph();
  std::string AnyDocument() {
    return std::next(documents_.begin(), static_cast<std::ptrdiff_t>(Below(documents_.size())))->first;
  }
  std::string NewId();
  void MakeOdd(Metadata& metadata);
  void Put(Document document);
  void Delete(const std::string& id);

  std::string Insert();
  std::string Edit(const std::string& id);
  std::string Redeliver();
  std::string DeleteMost();

  MemorySource& source_;
  const RandomProgramOptions options_;
  std::mt19937_64 random_;
  std::map<std::string, Document> documents_;
  std::map<std::string, std::vector<Document>> history_;  // versions sent, oldest first
  std::vector<ModelChange> changes_;
  std::uint64_t ids_given_ = 0;
  std::uint64_t redeliveries_ = 0;
};

}  // namespace ragpipe::testing

#include "ragpipe/testing/faulty_stages.h"

#include <absl/time/time.h>

#include <chrono>
#include <limits>
#include <stdexcept>
#include <thread>
#include <utility>

namespace ragpipe::testing {
namespace {

using Subjects = std::vector<std::string_view>;

/// Makes the call as the plan says. `make` and `make_wrong` have the same type of result.
template <class Make, class MakeWrong>
auto Perform(FaultPlan& plan, Call call, const Subjects& subjects, Make make, MakeWrong make_wrong) -> decltype(make()) {
  Fault fault = plan.Next(call, subjects);
  switch (fault.kind) {
    case Fault::Kind::kFail:
      return std::move(fault.status);
    case Fault::Kind::kFailAfter:
      (void)make();
      return std::move(fault.status);
    case Fault::Kind::kThrow:
      throw std::runtime_error("thrown by a FaultPlan");
    case Fault::Kind::kDelay:
      if (fault.delay > absl::ZeroDuration()) std::this_thread::sleep_for(absl::ToChronoNanoseconds(fault.delay));
      break;
    case Fault::Kind::kRun:
      fault.run();
      break;
    case Fault::Kind::kRunAfter: {
      auto result = make();
      fault.run();
      return result;
    }
    case Fault::Kind::kWrongResult:
      return make_wrong();
  }
  return make();
}

absl::Status DoNothing() { return absl::OkStatus(); }

class FaultyStream final : public ChangeStream {
 public:
  FaultyStream(std::unique_ptr<ChangeStream> stream, FaultPlan& plan) : stream_(std::move(stream)), plan_(plan) {}

  absl::Status Next(absl::Time deadline, std::vector<Event>& out) override {
    auto make = [&] { return stream_->Next(deadline, out); };
    return Perform(plan_, Call::kNext, {}, make, [&] {
      const std::size_t before = out.size();
      absl::Status status = make();
      if (out.size() > before) out.insert(out.begin() + static_cast<std::ptrdiff_t>(before), Event(out[before]));
      return status;
    });
  }

  absl::StatusOr<Document> Load(const Change& change) override {
    auto make = [&] { return stream_->Load(change); };
    return Perform(plan_, Call::kLoad, {change.document_id}, make, [&] {
      absl::StatusOr<Document> document = make();
      if (document.ok()) document->id += "-another";
      return document;
    });
  }

  absl::Status Acknowledge(std::span<const PartitionCursor> committed) override {
    return Perform(
        plan_, Call::kAcknowledge, {}, [&] { return stream_->Acknowledge(committed); }, DoNothing);
  }

 private:
  std::unique_ptr<ChangeStream> stream_;
  FaultPlan& plan_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ChangeStream>> FaultySource::StreamChanges(std::span<const PartitionCursor> since) {
  auto open = [&](std::span<const PartitionCursor> from) -> absl::StatusOr<std::unique_ptr<ChangeStream>> {
    absl::StatusOr<std::unique_ptr<ChangeStream>> stream = source_.StreamChanges(from);
    if (!stream.ok()) return stream.status();
    return std::make_unique<FaultyStream>(*std::move(stream), plan_);
  };
  return Perform(
      plan_, Call::kStreamChanges, {}, [&] { return open(since); }, [&] { return open({}); });
}

absl::StatusOr<std::vector<Chunk>> FaultyChunker::Split(const Document& document) const {
  auto make = [&] { return chunker_.Split(document); };
  return Perform(plan_, Call::kSplit, {document.id}, make, [&] {
    absl::StatusOr<std::vector<Chunk>> chunks = make();
    if (chunks.ok() && !chunks->empty()) ++chunks->back().range.end;
    return chunks;
  });
}

absl::Status FaultyEmbedder::Embed(const EmbedRequest& request, std::span<float> out) {
  auto make = [&] { return embedder_.Embed(request, out); };
  return Perform(plan_, Call::kEmbed, {request.texts.begin(), request.texts.end()}, make, [&] {
    absl::Status status = make();
    if (!out.empty()) out[0] = std::numeric_limits<float>::quiet_NaN();
    return status;
  });
}

absl::Status FaultySink::EnsureCollection(const CollectionSpec& spec) {
  return Perform(
      plan_, Call::kEnsureCollection, {}, [&] { return sink_.EnsureCollection(spec); }, DoNothing);
}

absl::Status FaultySink::Write(std::span<const DocumentWrite> writes) {
  Subjects documents;
  for (const DocumentWrite& write : writes) documents.push_back(write.document_id);
  return Perform(
      plan_, Call::kWrite, documents, [&] { return sink_.Write(writes); },
      [&] { return sink_.Write(writes.first(writes.empty() ? 0 : writes.size() - 1)); });
}

absl::Status FaultySink::Flush() {
  return Perform(
      plan_, Call::kFlush, {}, [&] { return sink_.Flush(); }, DoNothing);
}

absl::Status FaultySink::FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) {
  auto make = [&] { return sink_.FindVectors(text_keys, out); };
  return Perform(plan_, Call::kFindVectors, {}, make, [&] {
    absl::Status status = make();
    for (std::vector<float>& vector : out) {
      if (!vector.empty()) vector.push_back(0);
    }
    return status;
  });
}

absl::StatusOr<std::vector<std::string>> FaultySink::ListDocuments(std::string_view source, std::string_view after,
                                                                   std::size_t limit) {
  return Perform(
      plan_, Call::kListStored, {}, [&] { return sink_.ListDocuments(source, after, limit); },
      [] { return absl::StatusOr<std::vector<std::string>>(std::vector<std::string>()); });
}

absl::Status FaultySink::ReadRecords(std::string_view source, std::span<const std::string_view> document_ids,
                                     std::vector<StoredRecord>& out) {
  return Perform(
      plan_, Call::kReadRecords, {document_ids.begin(), document_ids.end()},
      [&] { return sink_.ReadRecords(source, document_ids, out); }, DoNothing);
}

absl::StatusOr<std::vector<PartitionCursor>> FaultyCheckpoint::LoadCursors(std::string_view source) {
  return Perform(
      plan_, Call::kLoadCursors, {}, [&] { return checkpoint_.LoadCursors(source); },
      [] { return absl::StatusOr<std::vector<PartitionCursor>>(std::vector<PartitionCursor>()); });
}

absl::Status FaultyCheckpoint::Commit(const CommitRequest& request) {
  Subjects documents;
  for (const LedgerEntry& entry : request.entries) documents.push_back(entry.document_id);
  for (const std::string& id : request.forgotten) documents.push_back(id);
  for (const DeadLetter& letter : request.dead_letters) documents.push_back(letter.document_id);
  return Perform(
      plan_, Call::kCommit, documents, [&] { return checkpoint_.Commit(request); }, DoNothing);
}

absl::StatusOr<std::optional<Recipe>> FaultyCheckpoint::LoadRecipe() {
  return Perform(
      plan_, Call::kLoadRecipe, {}, [&] { return checkpoint_.LoadRecipe(); },
      [] { return absl::StatusOr<std::optional<Recipe>>(std::optional<Recipe>()); });
}

absl::Status FaultyCheckpoint::FindEntries(std::string_view source, std::span<const std::string_view> document_ids,
                                           std::vector<std::optional<LedgerEntry>>& out) {
  return Perform(
      plan_, Call::kFindEntries, {}, [&] { return checkpoint_.FindEntries(source, document_ids, out); },
      [&] {
        out.assign(document_ids.size(), std::nullopt);
        return absl::OkStatus();
      });
}

absl::StatusOr<std::vector<std::string>> FaultyCheckpoint::ListDocuments(std::string_view source, std::string_view after,
                                                                         std::size_t limit) {
  return Perform(
      plan_, Call::kListDocuments, {}, [&] { return checkpoint_.ListDocuments(source, after, limit); },
      [] { return absl::StatusOr<std::vector<std::string>>(std::vector<std::string>()); });
}

absl::StatusOr<std::vector<DeadLetter>> FaultyCheckpoint::ListDeadLetters(std::string_view source, std::string_view after,
                                                                          std::size_t limit) {
  return Perform(
      plan_, Call::kListDeadLetters, {}, [&] { return checkpoint_.ListDeadLetters(source, after, limit); },
      [] { return absl::StatusOr<std::vector<DeadLetter>>(std::vector<DeadLetter>()); });
}

}  // namespace ragpipe::testing

#include "ragpipe/testing/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <tuple>
#include <utility>

#include "core/status_macros.h"

namespace ragpipe::testing {
namespace {

constexpr std::size_t kLedgerPage = 1000;

std::string EmbeddedText(const Document& document, const Chunk& chunk) {
  if (chunk.text.has_value()) return chunk.context + *chunk.text;
  return chunk.context +
         document.text.substr(chunk.range.begin - chunk.overlap, chunk.range.end - chunk.range.begin + chunk.overlap);
}

bool SaysAnything(std::string_view text) { return text.find_first_not_of(" \t\r\n\f\v") != std::string_view::npos; }

/// Which chunk a record is of, within one source. The text is part of it: another text is another chunk.
using ChunkKey = std::tuple<std::string, std::size_t, std::string>;  // document, position, text

ChunkKey KeyOf(const StoredRecord& record) { return {record.document_id, record.position, record.text}; }

std::string Name(const StoredRecord& record) {
  return fmt::format("document '{}', position {}", record.document_id, record.position);
}

bool HasSamePayload(const StoredRecord& a, const StoredRecord& b) {
  const auto fields = [](const StoredRecord& record) {
    const Chunk& chunk = record.chunk;
    return std::tie(record.media_type, record.metadata, chunk.range.begin, chunk.range.end, chunk.overlap, chunk.context,
                    chunk.headings, chunk.tokens, chunk.tokens_are_estimated);
  };
  return fields(a) == fields(b);
}

absl::StatusOr<std::map<std::string, LedgerEntry>> ReadLedger(std::string_view source, Checkpoint& checkpoint) {
  std::map<std::string, LedgerEntry> ledger;
  std::string after;
  while (true) {
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<std::string> page, checkpoint.ListDocuments(source, after, kLedgerPage));
    if (page.empty()) return ledger;
    const std::vector<std::string_view> ids(page.begin(), page.end());
    std::vector<std::optional<LedgerEntry>> entries;
    RAGPIPE_RETURN_IF_ERROR(checkpoint.FindEntries(source, ids, entries));
    for (std::size_t i = 0; i < page.size() && i < entries.size(); ++i) {
      if (entries[i].has_value()) ledger[page[i]] = *std::move(entries[i]);
    }
    after = page.back();
  }
}

/// How often a document has each text.
absl::StatusOr<std::map<std::string, int>> CountTexts(const Document& document, const Chunker& chunker) {
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Chunk> chunks, chunker.Split(document));
  std::map<std::string, int> counts;
  for (const Chunk& chunk : chunks) {
    std::string text = EmbeddedText(document, chunk);
    if (SaysAnything(text)) ++counts[std::move(text)];
  }
  return counts;
}

using Counts = std::map<std::string, int>;  // how often a document has a text

/// The texts bought on the dearest way from the first of a document's states, each with its texts or deleted, to the last.
template <class CountNew>
std::uint64_t CountMost(const std::vector<std::optional<Counts>>& states, bool loads_late, const CountNew& count_new) {
  const std::size_t size = states.size();
  std::vector<std::vector<std::uint64_t>> price(size, std::vector<std::uint64_t>(size));
  for (std::size_t was = 0; was < size; ++was) {
    for (std::size_t now = 1; now < size; ++now) {
      price[was][now] = count_new(states[was].value_or(Counts()), states[now].value_or(Counts()));
    }
  }
  // most[now][seen]: the change that led to state `now` was taken with the texts of state `seen`, a deletion without any.
  std::vector<std::vector<std::uint64_t>> most(size, std::vector<std::uint64_t>(size));
  auto content = [&](std::size_t now, std::size_t seen) { return states[now].has_value() ? seen : now; };
  for (std::size_t now = 1; now < size; ++now) {
    for (std::size_t seen = now; seen < (loads_late ? size : now + 1); ++seen) {
      for (std::size_t was = 0; was < now; ++was) {
        for (std::size_t had = was; had <= (loads_late && was > 0 ? seen : was); ++had) {
          most[now][seen] = std::max(most[now][seen], most[was][had] + price[content(was, had)][content(now, seen)]);
        }
      }
    }
  }
  return most.back().back();
}

}  // namespace

std::optional<Document> UnderSchema(const Schema& schema, Document document) {
  const auto keeps_out = [](SchemaPolicy policy) {
    return policy == SchemaPolicy::kFreeze || policy == SchemaPolicy::kDeadLetter;
  };
  Metadata stored;
  for (const auto& [name, value] : document.metadata) {
    const auto declared = std::find_if(schema.fields.begin(), schema.fields.end(),
                                       [&name = name](const SchemaField& field) { return field.name == name; });
    SchemaPolicy policy = SchemaPolicy::kEvolve;
    MetadataValue as_stored = value;
    if (declared == schema.fields.end()) {
      policy = schema.undeclared;
    } else if (declared->type != TypeOf(value)) {
      const auto* const number = std::get_if<std::int64_t>(&value);
      if (declared->type == FieldType::kDouble && number != nullptr && std::llabs(*number) <= 1LL << 53) {
        as_stored = static_cast<double>(*number);
      } else {
        policy = schema.mistyped;
      }
    }
    if (keeps_out(policy)) return std::nullopt;
    if (policy != SchemaPolicy::kDiscardField) stored.emplace(name, std::move(as_stored));
  }
  for (const SchemaField& field : schema.fields) {
    if (field.required && stored.count(field.name) == 0 && keeps_out(schema.missing)) return std::nullopt;
  }
  document.metadata = std::move(stored);
  return document;
}

absl::StatusOr<std::vector<StoredRecord>> ExpectedRecords(const Model& model) {
  std::vector<StoredRecord> records;
  for (const auto& [id, as_sent] : model.documents) {
    const std::optional<Document> stored = UnderSchema(model.schema, as_sent);
    if (!stored.has_value()) continue;
    const Document& document = *stored;
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Chunk> chunks, model.chunker->Split(document));
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const std::string text = EmbeddedText(document, chunks[i]);
      if (!SaysAnything(text)) continue;
      StoredRecord record;
      record.source = model.source;
      record.document_id = id;
      record.text =
          chunks[i].text.value_or(document.text.substr(chunks[i].range.begin, chunks[i].range.end - chunks[i].range.begin));
      record.position = i;
      record.chunk = chunks[i];
      record.media_type = document.media_type;
      record.metadata = document.metadata;
      record.vector.resize(model.embedder->dimension());
      const std::string_view view = text;
      EmbedRequest request;
      request.texts = {&view, 1};
      RAGPIPE_RETURN_IF_ERROR(model.embedder->Embed(request, record.vector));
      records.push_back(std::move(record));
    }
  }
  return records;
}

std::vector<Finding> CheckIndex(const Model& model, std::span<const StoredRecord> records) {
  std::vector<Finding> findings;
  const absl::StatusOr<std::vector<StoredRecord>> expected = ExpectedRecords(model);
  if (!expected.ok()) return {{"index.model", "the model itself failed: " + expected.status().ToString()}};
  std::set<std::string_view> kept_out;
  for (const auto& [id, document] : model.documents) {
    if (!UnderSchema(model.schema, document).has_value()) kept_out.insert(id);
  }
  std::map<ChunkKey, const StoredRecord*> missing;
  for (const StoredRecord& record : *expected) missing[KeyOf(record)] = &record;

  std::map<ChunkKey, const StoredRecord*> found;
  std::set<std::string_view> ids;
  for (const StoredRecord& record : records) {
    if (record.source != model.source || kept_out.count(record.document_id) != 0) continue;
    if (!ids.insert(record.id).second) findings.push_back({"index.duplicated", "record id '" + record.id + "' comes twice"});
    const ChunkKey key = KeyOf(record);
    if (const auto wanted = missing.find(key); wanted != missing.end()) {
      if (record.vector != wanted->second->vector) findings.push_back({"index.vector", Name(record)});
      if (!HasSamePayload(record, *wanted->second)) findings.push_back({"index.payload", Name(record)});
      found[key] = wanted->second;
      missing.erase(wanted);
    } else if (found.count(key) != 0) {
      findings.push_back({"index.duplicated", Name(record)});
    } else if (model.documents.count(record.document_id) == 0) {
      findings.push_back({"index.orphaned", Name(record)});
    } else {
      findings.push_back({"index.stale", Name(record)});
    }
  }
  for (const auto& [key, record] : missing) findings.push_back({"index.lost", Name(*record)});
  return findings;
}

std::vector<Finding> CheckLedger(std::string_view source, Checkpoint& checkpoint, std::span<const StoredRecord> records) {
  std::vector<Finding> findings;
  const auto ledger = ReadLedger(source, checkpoint);
  if (!ledger.ok()) return {{"ledger.readable", ledger.status().ToString()}};
  std::map<std::string_view, const StoredRecord*> unnamed;
  for (const StoredRecord& record : records) {
    if (record.source == source) unnamed[record.id] = &record;
  }
  for (const auto& [id, entry] : *ledger) {
    if (entry.is_in_doubt()) {
      std::erase_if(unnamed, [&id = id](const auto& record) { return record.second->document_id == id; });
      continue;
    }
    for (const LedgerChunk& chunk : entry.chunks) {
      const auto record = unnamed.find(chunk.record_id);
      if (record == unnamed.end()) {
        findings.push_back({"ledger.lost", fmt::format("document '{}', record '{}'", id, chunk.record_id)});
        continue;
      }
      if (record->second->document_id != id || record->second->text_key != chunk.text_key) {
        findings.push_back({"ledger.lost", fmt::format("document '{}', record '{}' has another text", id, chunk.record_id)});
      }
      unnamed.erase(record);
    }
  }
  for (const auto& [id, record] : unnamed) findings.push_back({"ledger.orphaned", Name(*record)});
  return findings;
}

std::vector<Finding> CheckReport(const RunReport& report) {
  std::vector<Finding> findings;
  const RunReport::Documents& d = report.documents;
  if (d.seen != d.unchanged + d.stale + d.superseded + d.processed + d.deleted + d.failed + d.pending) {
    findings.push_back({"report.documents", ToJson(report)});
  }
  const RunReport::Chunks& c = report.chunks;
  if (c.total != c.embedded + c.reused + c.patched) findings.push_back({"report.chunks", ToJson(report)});
  const bool nothing_wrong = d.failed == 0 && d.pending == 0 && report.problems.empty();
  if (report.complete ? !nothing_wrong : report.problems.empty()) findings.push_back({"report.complete", ToJson(report)});
  return findings;
}

absl::StatusOr<EmbedBounds> CountTextsToEmbed(const std::map<std::string, Document>& before,
                                              std::span<const ModelChange> changes, const Chunker& chunker, bool finds_vectors,
                                              bool keeps_moved, bool loads_late) {
  std::map<std::string, Counts> first;
  std::set<std::string> indexed;
  for (const auto& [id, document] : before) {
    RAGPIPE_ASSIGN_OR_RETURN(first[id], CountTexts(document, chunker));
    for (const auto& [text, count] : first[id]) indexed.insert(text);
  }
  std::set<std::string> changed;
  for (const ModelChange& change : changes) changed.insert(change.document_id);
  std::set<std::string> untouched;  // texts that stay in the index all the time
  for (const auto& [id, counts] : first) {
    if (changed.count(id) != 0) continue;
    for (const auto& [text, count] : counts) untouched.insert(text);
  }

  // By document, the states that it goes through. Any but the last may be superseded, so that the one after it is compared
  // with an earlier one.
  std::map<std::string, std::vector<std::optional<Counts>>> states;
  for (const ModelChange& change : changes) {
    std::vector<std::optional<Counts>>& of_document = states[change.document_id];
    if (of_document.empty()) of_document.push_back(first[change.document_id]);
    std::optional<Counts>& now = of_document.emplace_back();
    if (change.document.has_value()) {
      RAGPIPE_ASSIGN_OR_RETURN(now, CountTexts(*change.document, chunker));
    }
  }
  auto count_new = [&](const Counts& was, const Counts& now) {
    std::uint64_t texts = 0;
    for (const auto& [text, count] : now) {
      if (finds_vectors && untouched.count(text) != 0) continue;
      const auto known = was.find(text);
      const int kept = known == was.end() ? 0 : finds_vectors ? count : known->second;
      if (kept < count || !keeps_moved) ++texts;
    }
    return texts;
  };
  EmbedBounds bounds;
  std::map<std::string, Counts> last;
  for (const auto& [id, of_document] : states) {
    bounds.most += CountMost(of_document, loads_late, count_new);
    last[id] = of_document.back().value_or(Counts());
  }
  std::set<std::string> bought;
  for (const std::string& id : changed) {
    for (const auto& [text, count] : last[id]) {
      if (finds_vectors) {
        if (indexed.count(text) == 0) bought.insert(text);
      } else if (first[id].count(text) == 0) {
        ++bounds.least;
      }
    }
  }
  bounds.least += bought.size();
  return bounds;
}

}  // namespace ragpipe::testing

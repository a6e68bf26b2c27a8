// A host with its own database, model and store: a source, an embedder and a sink as classes, each the least that is correct,
// a chunker and a checkpoint as lambdas. It indexes a table of products, changes a few rows, and runs again: only those rows
// are read, embedded and written. Links ragpipe::core alone.
//
//     cmake -S . -B build -DCMAKE_PREFIX_PATH=/where/ragpipe/is/installed
//     cmake --build build
//     build/custom_stages
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/ragpipe.h"

namespace {

/// Stands for a table of the host's database. Every write gives its row the next row version; a removed row stays behind as a
/// tombstone, so that readers of changes learn of it.
class ProductTable {
 public:
  struct Row {
    std::uint64_t version = 0;
    std::optional<std::string> description;  // empty = removed
  };

  void Put(const std::string& sku, std::string description) { rows_[sku] = {++last_version_, std::move(description)}; }
  void Remove(const std::string& sku) { rows_[sku] = {++last_version_, std::nullopt}; }

  /// SELECT * FROM products WHERE version > ? ORDER BY version
  std::vector<std::pair<std::string, Row>> ChangedSince(std::uint64_t version) const {
    std::vector<std::pair<std::string, Row>> changed;
    for (const auto& [sku, row] : rows_) {
      if (row.version > version) changed.emplace_back(sku, row);
    }
    std::sort(changed.begin(), changed.end(), [](const auto& a, const auto& b) { return a.second.version < b.second.version; });
    return changed;
  }

 private:
  std::map<std::string, Row> rows_;
  std::uint64_t last_version_ = 0;
};

/// Sends the rows that were written after the cursor, which is a row version in decimal.
class ProductSource final : public ragpipe::Source {
 public:
  explicit ProductSource(const ProductTable& table) : table_(table) {}

  std::string_view name() const override { return "products"; }

  absl::StatusOr<std::unique_ptr<ragpipe::ChangeStream>> StreamChanges(
      std::span<const ragpipe::PartitionCursor> since) override {
    std::uint64_t version = 0;
    if (!since.empty()) {
      const ragpipe::Cursor& cursor = since.front().cursor;
      std::from_chars(cursor.data(), cursor.data() + cursor.size(), version);  // unreadable = from the beginning
    }
    return std::make_unique<Stream>(table_.ChangedSince(version));
  }

 private:
  class Stream final : public ragpipe::ChangeStream {
   public:
    explicit Stream(std::vector<std::pair<std::string, ProductTable::Row>> rows) : rows_(std::move(rows)) {}

    absl::Status Next(absl::Time /*deadline*/, std::vector<ragpipe::Event>& out) override {
      constexpr std::size_t kEventsPerCall = 100;
      for (const std::size_t end = std::min(next_ + kEventsPerCall, rows_.size()); next_ < end; ++next_) {
        out.emplace_back(ToChange(rows_[next_].first, rows_[next_].second));
      }
      if (next_ == rows_.size()) out.emplace_back(ragpipe::EndOfFeed{});
      return absl::OkStatus();
    }

   private:
    static ragpipe::Change ToChange(const std::string& sku, const ProductTable::Row& row) {
      ragpipe::Change change;
      change.document_id = sku;
      change.version.ordinal = row.version;
      change.resume_after = std::to_string(row.version);
      if (row.description) {
        ragpipe::Document& document = change.document.emplace();
        document.id = sku;
        document.text = *row.description;
        document.media_type = "text/plain";
      } else {
        change.kind = ragpipe::Change::Kind::kDelete;
      }
      return change;
    }

    std::vector<std::pair<std::string, ProductTable::Row>> rows_;
    std::size_t next_ = 0;
  };

  const ProductTable& table_;
};

/// Counts the groups of three letters of a text, hashed to a fixed number of buckets, and divides by the L2 norm: texts that
/// share parts of words are near to each other.
class TrigramEmbedder final : public ragpipe::Embedder {
 public:
  std::size_t dimension() const override { return 256; }

  std::string Fingerprint() const override { return "trigrams, lower case, fnv1a, 256 buckets, l2; 1"; }

  absl::Status Embed(const ragpipe::EmbedRequest& request, std::span<float> out) override {
    for (std::size_t i = 0; i < request.texts.size(); ++i) {
      EmbedOne(request.texts[i], out.subspan(i * dimension(), dimension()));
    }
    return absl::OkStatus();
  }

 private:
  static void EmbedOne(std::string_view text, std::span<float> vector) {
    std::string letters = " ";  // with the spaces around it, any text that is not empty has a trigram
    for (const char c : text) letters += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    letters += ' ';

    std::fill(vector.begin(), vector.end(), 0.0F);
    for (std::size_t i = 0; i + 3 <= letters.size(); ++i) {
      std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
      for (const char c : letters.substr(i, 3)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
      vector[hash % vector.size()] += 1.0F;
    }
    const float norm = std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0F));
    for (float& component : vector) component /= norm;
  }
};

/// Records by document, in memory. What Write() was given is borrowed, so it is copied.
class MapSink final : public ragpipe::VectorSink {
 public:
  struct StoredRecord {
    std::string text;
    std::vector<float> vector;
  };
  using Records = std::map<std::string, StoredRecord, std::less<>>;

  absl::Status EnsureCollection(const ragpipe::CollectionSpec& spec) override {
    if (recipe_ && !spec.rebuild) return ragpipe::CheckSameRecipe(*recipe_, spec.recipe);
    recipe_ = spec.recipe;
    documents_.clear();
    return absl::OkStatus();
  }

  absl::Status Write(std::span<const ragpipe::DocumentWrite> writes) override {
    for (const ragpipe::DocumentWrite& write : writes) {
      Records& records = documents_[std::string(write.document_id)];
      if (write.replace_all) records.clear();
      for (const ragpipe::Record& record : write.upserts) {
        records[std::string(record.id)] = {std::string(record.text), {record.vector.begin(), record.vector.end()}};
      }
      for (const std::string_view id : write.deletes) records.erase(std::string(id));
      if (records.empty()) documents_.erase(std::string(write.document_id));
    }
    return absl::OkStatus();
  }

  absl::Status Flush() override { return absl::OkStatus(); }  // memory is as durable as this sink gets

  const std::map<std::string, Records>& documents() const { return documents_; }

 private:
  std::optional<ragpipe::Recipe> recipe_;
  std::map<std::string, Records> documents_;
};

/// A product is one chunk.
absl::StatusOr<std::vector<ragpipe::Chunk>> SplitProduct(const ragpipe::Document& document) {
  std::vector<ragpipe::Chunk> chunks;
  if (document.text.empty()) return chunks;
  chunks.emplace_back();
  chunks.back().range = {.begin = 0, .end = document.text.size()};
  chunks.back().tokens = document.text.size();  // this embedder's unit is the byte
  return chunks;
}

void Print(const ragpipe::RunReport& report, const MapSink& sink) {
  std::cout << report.documents.seen << " changes: " << report.documents.processed << " products indexed, "
            << report.documents.deleted << " deleted, " << report.chunks.embedded << " texts embedded; "
            << (report.complete ? "complete" : "not complete") << '\n';
  for (const auto& [sku, records] : sink.documents()) {
    for (const auto& [id, record] : records) std::cout << "  " << id << "  " << record.text << '\n';
  }
  for (const std::string& problem : report.problems) std::cout << "  " << problem << '\n';
}

/// The product whose text is nearest to the question.
absl::StatusOr<std::string> FindNearest(const MapSink& sink, ragpipe::Embedder& embedder, std::string_view question) {
  std::vector<float> vector(embedder.dimension());
  ragpipe::EmbedRequest request;
  request.texts = {&question, 1};
  request.purpose = ragpipe::EmbedRequest::Purpose::kQuery;
  if (absl::Status status = embedder.Embed(request, vector); !status.ok()) return status;

  std::string nearest;
  float best = 0;
  for (const auto& [sku, records] : sink.documents()) {
    for (const auto& [id, record] : records) {
      const float cosine = std::inner_product(vector.begin(), vector.end(), record.vector.begin(), 0.0F);
      if (cosine > best) {
        best = cosine;
        nearest = sku;
      }
    }
  }
  if (nearest.empty()) return absl::NotFoundError("no product is like the question");
  return nearest;
}

int Fail(const absl::Status& status) {
  std::cerr << "custom_stages: " << status << '\n';
  return 1;
}

}  // namespace

int main() {
  ProductTable table;
  table.Put("bottle", "Steel water bottle, keeps drinks cold for a day");
  table.Put("lamp", "Head lamp with a rechargeable battery");
  table.Put("socks", "Warm woollen socks for winter hikes");
  table.Put("tent", "Tent for two, three kilograms, waterproof");

  TrigramEmbedder embedder;
  MapSink sink;
  std::map<ragpipe::Partition, ragpipe::Cursor> cursors;  // a host keeps these where they outlive the process
  auto load_cursors = [&cursors](std::string_view) -> absl::StatusOr<std::vector<ragpipe::PartitionCursor>> {
    std::vector<ragpipe::PartitionCursor> saved;
    for (const auto& [partition, cursor] : cursors) saved.push_back({partition, cursor});
    return saved;
  };
  auto commit = [&cursors](const ragpipe::CommitRequest& request) {
    if (request.reset) cursors.clear();
    for (const auto& [partition, cursor] : request.cursors) cursors[partition] = cursor;
    return absl::OkStatus();
  };

  ragpipe::Pipeline pipeline{ProductSource{table},
                             ragpipe::FunctionChunker{"one chunk a product; 1", SplitProduct},
                             embedder,
                             sink,
                             ragpipe::FunctionCheckpoint{load_cursors, commit},
                             {.record_ids = ragpipe::RecordIds::kDocumentIndex}};

  ragpipe::RunReport report;
  if (absl::Status status = pipeline.Run(report); !status.ok()) return Fail(status);
  Print(report, sink);

  table.Put("lamp", "Head lamp with three replaceable batteries");
  table.Put("stove", "Gas stove with a wind shield");
  table.Remove("bottle");
  if (absl::Status status = pipeline.Run(report); !status.ok()) return Fail(status);
  Print(report, sink);

  if (absl::Status status = pipeline.Run(report); !status.ok()) return Fail(status);
  Print(report, sink);

  constexpr std::string_view kQuestion = "something of wool for cold winters";
  auto nearest = FindNearest(sink, embedder, kQuestion);
  if (!nearest.ok()) return Fail(nearest.status());
  std::cout << kQuestion << ": " << *nearest << '\n';
}

// The README's sink and the check of it, compiled and run. tests/meta compares the texts.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ragpipe/ragpipe.h"
#include "ragpipe/testing/check_vector_sink.h"
#include "support/catch.h"

class MapSink final : public ragpipe::VectorSink {
 public:
  struct Row {
    std::string source, document_id, text;
    std::vector<float> vector;
  };

  absl::Status EnsureCollection(const ragpipe::CollectionSpec& spec) override {
    if (recipe && !spec.rebuild) return CheckSameRecipe(*recipe, spec.recipe);
    recipe = spec.recipe;
    rows.clear();
    return absl::OkStatus();
  }

  absl::Status Write(std::span<const ragpipe::DocumentWrite> writes) override {
    for (const ragpipe::DocumentWrite& write : writes) {
      if (write.replace_all) {
        std::erase_if(rows, [&](const auto& row) {
          return row.second.source == write.source && row.second.document_id == write.document_id;
        });
      }
      for (const ragpipe::Record& record : write.upserts) {
        rows[std::string(record.id)] = {std::string(write.source), std::string(write.document_id), std::string(record.text),
                                        {record.vector.begin(), record.vector.end()}};
      }
      for (const std::string_view id : write.deletes) rows.erase(std::string(id));
    }
    return absl::OkStatus();
  }

  absl::Status Flush() override { return absl::OkStatus(); }  // a map is as durable as it gets

  std::optional<ragpipe::Recipe> recipe;
  std::map<std::string, Row> rows;  // by record id
};

namespace {

absl::StatusOr<std::vector<ragpipe::StoredRecord>> Read(const MapSink& sink) {
  std::vector<ragpipe::StoredRecord> records;
  for (const auto& [id, row] : sink.rows) {
    ragpipe::StoredRecord& record = records.emplace_back();
    record.id = id;
    record.source = row.source;
    record.document_id = row.document_id;
    record.text = row.text;
    record.vector = row.vector;
  }
  return records;
}

void KeepWhatMapSinkStores(ragpipe::StoredRecord& record) {
  ragpipe::StoredRecord kept;
  kept.id = record.id;
  kept.source = record.source;
  kept.document_id = record.document_id;
  kept.text = record.text;
  kept.vector = record.vector;
  record = kept;
}

}  // namespace

TEST_CASE("the README's sink conforms") {
  const auto findings = ragpipe::testing::CheckVectorSink(
      [] {
        auto sink = std::make_shared<MapSink>();
        return ragpipe::testing::SinkUnderTest{.sink = sink, .read = [sink] { return Read(*sink); }};
      },
      {.finds_vectors = false, .refuses_bad_vectors = false, .not_stored = KeepWhatMapSinkStores});
  INFO(ToText(findings));
  CHECK(findings.empty());
}

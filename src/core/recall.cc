#include "ragpipe/recall.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "core/host_call.h"
#include "core/status_macros.h"
#include "core/utf8.h"
#include "ragpipe/stored_record.h"

namespace ragpipe {
namespace {

constexpr std::size_t kPage = 1024;
constexpr std::size_t kMaxQueryBytes = 200;

/// Reservoir sampling (J. Vitter, "Random Sampling with a Reservoir", ACM TOMS 1985, algorithm R).
absl::StatusOr<std::vector<std::string>> SampleDocuments(VectorSink& stored, std::string_view source, std::size_t count,
                                                         std::mt19937_64& random) {
  std::vector<std::string> sample;
  std::vector<std::string> page;
  std::size_t seen = 0;
  for (std::string after;; after = page.back()) {
    RAGPIPE_ASSIGN_OR_RETURN(page, stored.ListDocuments(source, after, kPage));
    if (page.empty()) return sample;
    for (const std::string& id : page) {
      ++seen;
      if (sample.size() < count) {
        sample.push_back(id);
      } else if (const std::size_t place = random() % seen; place < count) {
        sample[place] = id;
      }
    }
  }
}

/// The text up to the last word that fits.
std::string FirstWords(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n\f\v");
  if (begin == std::string_view::npos) return "";
  text.remove_prefix(begin);
  if (text.size() > kMaxQueryBytes) {
    std::size_t end = text.find_last_of(" \t\r\n\f\v", kMaxQueryBytes);
    if (end == std::string_view::npos) {
      end = kMaxQueryBytes;
      while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not within a code point
    }
    text = text.substr(0, end);
  }
  return internal::FindInvalidUtf8(text) == std::string_view::npos ? std::string(text) : "";
}

using DocumentName = std::pair<std::string, std::string>;  // source, document id

std::set<DocumentName> DocumentsOf(const std::vector<Hit>& hits) {
  std::set<DocumentName> documents;
  for (const Hit& hit : hits) documents.emplace(hit.source, hit.document_id);
  return documents;
}

}  // namespace

absl::StatusOr<std::vector<Query>> SampleQueries(VectorSink& stored, std::string_view source, std::size_t count,
                                                 std::uint64_t seed) {
  return internal::GuardHostCall("SampleQueries", [&]() -> absl::StatusOr<std::vector<Query>> {
    if (!stored.lists_records()) {
      return absl::FailedPreconditionError("this sink does not say what it stores (VectorSink::lists_records() is false)");
    }
    std::mt19937_64 random(seed);
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, SampleDocuments(stored, source, count, random));
    std::vector<Query> queries;
    std::vector<StoredRecord> records;
    for (const std::string_view id : ids) {
      records.clear();
      RAGPIPE_RETURN_IF_ERROR(stored.ReadRecords(source, {&id, 1}, records));
      if (records.empty()) continue;  // deleted meanwhile
      std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.position < b.position; });
      std::string text = FirstWords(records[random() % records.size()].text);
      if (!text.empty()) queries.push_back({.text = std::move(text)});
    }
    return queries;
  });
}

absl::StatusOr<double> MeasureRecall(const Retriever& live, const Retriever& candidate, std::span<const Query> queries) {
  double sum = 0;
  std::size_t answered = 0;
  for (const Query& query : queries) {
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Hit> expected, live.Search(query));
    if (expected.empty()) continue;
    RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Hit> found, candidate.Search(query));
    const std::set<DocumentName> wanted = DocumentsOf(expected);
    const std::set<DocumentName> got = DocumentsOf(found);
    const auto held = std::count_if(wanted.begin(), wanted.end(), [&got](const auto& name) { return got.contains(name); });
    sum += static_cast<double>(held) / static_cast<double>(wanted.size());
    ++answered;
  }
  return answered == 0 ? 1 : sum / static_cast<double>(answered);
}

absl::Status RecallGate::operator()(Index& live, Index& candidate) const {
  RAGPIPE_ASSIGN_OR_RETURN(const Retriever of_live, Retriever::Open(live, embedders));
  RAGPIPE_ASSIGN_OR_RETURN(const Retriever of_candidate, Retriever::Open(candidate, embedders));
  RAGPIPE_ASSIGN_OR_RETURN(const double recall, MeasureRecall(of_live, of_candidate, queries));
  if (recall >= min_recall) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("the candidate finds {:.1f} % of what the live generation finds with {} queries, {:.1f} % are asked for",
                  100 * recall, queries.size(), 100 * min_recall));
}

}  // namespace ragpipe

#include "sqlite/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "core/status_macros.h"
#include "core/utf8.h"
#include "sqlite/bm25.h"
#include "sqlite/codec.h"
#include "sqlite/filter.h"
#include "sqlite/ranking.h"
#include "sqlite/segments.h"
#include "sqlite/similarity.h"
#include "sqlite/vectors.h"

namespace ragpipe::sqlite {
namespace {

constexpr std::size_t kFusedDepth = 100;  // of each ranking

bool AllFinite(std::span<const float> vector) {
  return std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); });
}

struct ExactProducts {
  double dot = 0;
  double squares = 0;
  double squared_distance = 0;
};

// For vectors so long that their squares do not fit a float.
ExactProducts MultiplyExactly(std::span<const float> query, const float* row) {
  ExactProducts products;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const double q = query[i];
    const double r = row[i];
    products.dot += q * r;
    products.squares += r * r;
    products.squared_distance += (q - r) * (q - r);
  }
  return products;
}

double Cosine(double dot, double query_squares, double row_squares) {
  if (query_squares == 0 || row_squares == 0) return 0;
  return std::clamp(dot / (std::sqrt(query_squares) * std::sqrt(row_squares)), -1.0, 1.0);
}

class Scorer {
 public:
  Scorer(const IndexQuery& query, Metric metric)
      : query_(query.vector), metric_(metric), query_squares_(MultiplyExactly(query_, query_.data()).squares) {}

  void Score(const float* row, Candidate& candidate) const {
    const Products products = kernels_.products(query_.data(), row, query_.size());
    ExactProducts exact{.dot = products.dot, .squares = products.squares};
    if (metric_ == Metric::kL2) exact.squared_distance = kernels_.squared_distance(query_.data(), row, query_.size());
    if (!std::isfinite(exact.dot) || !std::isfinite(exact.squares) || !std::isfinite(exact.squared_distance)) {
      exact = MultiplyExactly(query_, row);
    }
    candidate.cosine = Cosine(exact.dot, query_squares_, exact.squares);
    switch (metric_) {
      case Metric::kCosine:
        candidate.vector_score = candidate.cosine;
        break;
      case Metric::kDot:
        candidate.vector_score = exact.dot;
        break;
      case Metric::kL2:
        candidate.vector_score = -exact.squared_distance;
        break;
    }
  }

 private:
  const SimilarityKernels& kernels_ = GetSimilarityKernels();
  const std::span<const float> query_;
  const Metric metric_;
  const double query_squares_;
};

absl::StatusOr<std::vector<Candidate>> ListCandidates(Database& db, const std::vector<Segment>& segments,
                                                      const Filter* filter) {
  std::vector<bool> allowed;
  const bool filtered = filter != nullptr && !filter->empty();
  if (filtered) {
    RAGPIPE_ASSIGN_OR_RETURN(allowed, MatchDocuments(db, *filter));
  }
  std::vector<Candidate> candidates;
  for (const Segment& segment : segments) {
    for (std::size_t row = 0; row < segment.documents.size(); ++row) {
      const auto document = static_cast<std::size_t>(segment.documents[row]);
      if (document == 0 || (filtered && (document >= allowed.size() || !allowed[document]))) continue;
      candidates.push_back({.slot = segment.id * kSegmentRows + static_cast<std::int64_t>(row)});
    }
  }
  return candidates;
}

// Reads each segment from its first to its last candidate, at once: reading rows one by one would walk the pages of the
// segment again for each.
absl::Status ScoreVectors(Database& db, const Recipe& recipe, const IndexQuery& query, std::vector<Candidate>& candidates) {
  const std::size_t dimension = recipe.dimension;
  const Scorer scorer(query, recipe.metric);
  Vectors vectors(db, dimension, Vectors::Access::kRead);
  std::vector<float> rows;
  for (auto begin = candidates.begin(); begin != candidates.end();) {
    const std::int64_t segment = begin->slot / kSegmentRows;
    const auto end =
        std::find_if(begin, candidates.end(), [&](const Candidate& c) { return c.slot / kSegmentRows != segment; });
    const std::int64_t first = begin->slot;
    rows.resize(static_cast<std::size_t>((end - 1)->slot - first + 1) * dimension);
    RAGPIPE_RETURN_IF_ERROR(vectors.Read(first, rows));
    for (; begin != end; ++begin) scorer.Score(&rows[static_cast<std::size_t>(begin->slot - first) * dimension], *begin);
  }
  return absl::OkStatus();
}

// Returns the candidates that have a word of the query.
absl::StatusOr<Ranking> ScoreText(Reader& reader, std::string_view text, const std::vector<Segment>& segments,
                                  std::vector<Candidate>& candidates) {
  if (reader.bm25 == nullptr) {
    RAGPIPE_ASSIGN_OR_RETURN(reader.bm25, Bm25::Create(reader.db));
  }
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<TextMatch> matches, reader.bm25->Score(text, segments));
  Ranking matching;
  std::size_t i = 0;
  for (const TextMatch& match : matches) {  // both are in the order of slots
    while (i < candidates.size() && candidates[i].slot < match.slot) ++i;
    if (i == candidates.size()) break;
    if (candidates[i].slot != match.slot) continue;
    candidates[i].text_score = match.score;
    matching.push_back(i);
  }
  return matching;
}

absl::StatusOr<Hit> ReadHit(Database& db, const Candidate& candidate) {
  Statement row = db.Query(
      "SELECT record_id, position, range_begin, range_end, overlap, tokens, headings, context, text,"
      " source, document_id, version_token, version_ordinal, updated_at, media_type, metadata, tokens_are_estimated"
      " FROM records JOIN documents ON documents.id = records.document WHERE slot = ?",
      candidate.slot);
  RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return db.Error(SQLITE_CORRUPT);
  Hit hit;
  hit.score = candidate.score;
  hit.vector_score = candidate.vector_score;
  hit.text_score = candidate.text_score;
  auto size = [&row](int column) { return static_cast<std::size_t>(row.Int(column)); };
  hit.record_id = row.String(0);
  hit.position = size(1);
  hit.chunk.range = {size(2), size(3)};
  hit.chunk.overlap = size(4);
  hit.chunk.tokens = size(5);
  RAGPIPE_ASSIGN_OR_RETURN(hit.chunk.headings, DecodeStrings(row.Bytes(6)));
  hit.chunk.context = row.String(7);
  hit.text = row.String(8);
  hit.source = row.String(9);
  hit.document_id = row.String(10);
  hit.version = {row.String(11), DecodeOrdinal(row.OptionalInt(12))};
  hit.updated_at = DecodeTime(row.OptionalInt(13));
  hit.media_type = row.String(14);
  RAGPIPE_ASSIGN_OR_RETURN(hit.metadata, DecodeMetadata(row.Bytes(15)));
  hit.chunk.tokens_are_estimated = row.Int(16) != 0;
  return hit;
}

}  // namespace

absl::Status CheckQuery(const IndexQuery& query) {
  if (query.top_k == 0) return absl::InvalidArgumentError("top_k is 0; ask for at least one hit");
  if (!(query.vector_weight >= 0 && query.vector_weight <= 1)) {
    return absl::InvalidArgumentError(fmt::format("vector_weight is {}; it lies in [0, 1]", query.vector_weight));
  }
  if (!AllFinite(query.vector)) return absl::InvalidArgumentError("the query's vector has a value that is not finite");
  if (internal::FindInvalidUtf8(query.text) != std::string_view::npos)
    return absl::InvalidArgumentError("the query's text is not UTF-8");
  return query.filter != nullptr ? CheckFilter(*query.filter) : absl::OkStatus();
}

absl::StatusOr<std::vector<Hit>> Search(Reader& reader, const Recipe& recipe, const IndexQuery& query) {
  Database& db = reader.db;
  if (query.mode != SearchMode::kText && query.vector.size() != recipe.dimension) {
    return absl::InvalidArgumentError(
        fmt::format("the query's vector has {} dimensions, those of the index have {}", query.vector.size(), recipe.dimension));
  }
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<Segment> segments, ReadSegments(db));
  RAGPIPE_ASSIGN_OR_RETURN(std::vector<Candidate> candidates, ListCandidates(db, segments, query.filter));

  const bool fused = query.mode == SearchMode::kHybrid;
  const std::size_t depth = fused ? std::max(kFusedDepth, query.top_k) : query.top_k;
  Ranking by_vector;
  if (query.mode != SearchMode::kText) {
    RAGPIPE_RETURN_IF_ERROR(ScoreVectors(db, recipe, query, candidates));
    Ranking all(candidates.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    RAGPIPE_ASSIGN_OR_RETURN(by_vector, Best(db, candidates, std::move(all), &Candidate::vector_score, depth));
  }
  Ranking by_text;
  if (query.mode != SearchMode::kVector) {
    RAGPIPE_ASSIGN_OR_RETURN(Ranking matching, ScoreText(reader, query.text, segments, candidates));
    RAGPIPE_ASSIGN_OR_RETURN(by_text, Best(db, candidates, std::move(matching), &Candidate::text_score, depth));
  }

  Ranking best;
  if (fused) {
    best = query.fusion == Fusion::kConvexSum ? FuseByConvexSum(candidates, by_vector, by_text, query.vector_weight)
                                              : FuseByReciprocalRank(candidates, by_vector, by_text);
    RAGPIPE_ASSIGN_OR_RETURN(best, Best(db, candidates, std::move(best), &Candidate::score, query.top_k));
  } else if (query.mode == SearchMode::kVector) {
    best = std::move(by_vector);
    for (const std::size_t i : best) candidates[i].score = candidates[i].vector_score;
  } else {
    best = std::move(by_text);
    for (const std::size_t i : best) candidates[i].score = candidates[i].text_score;
  }

  std::vector<Hit> hits;
  hits.reserve(best.size());
  for (const std::size_t i : best) {
    RAGPIPE_ASSIGN_OR_RETURN(Hit hit, ReadHit(db, candidates[i]));
    hits.push_back(std::move(hit));
  }
  return hits;
}

}  // namespace ragpipe::sqlite

#include "sqlite/ranking.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/status_macros.h"

namespace ragpipe::sqlite {
namespace {

constexpr double kRankOffset = 60;

absl::Status SortByRecordId(Database& db, const std::vector<Candidate>& candidates, Ranking::iterator begin,
                            Ranking::iterator end) {
  std::vector<std::pair<std::string, std::size_t>> named;
  for (auto position = begin; position != end; ++position) {
    Statement row = db.Query("SELECT record_id FROM records WHERE slot = ?", candidates[*position].slot);
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return db.Error(SQLITE_CORRUPT);
    named.emplace_back(row.Bytes(0), *position);
  }
  std::sort(named.begin(), named.end());
  std::transform(named.begin(), named.end(), begin, [](const auto& pair) { return pair.second; });
  return absl::OkStatus();
}

Ranking Union(const Ranking& a, const Ranking& b) {
  Ranking both = a;
  both.insert(both.end(), b.begin(), b.end());
  std::sort(both.begin(), both.end());
  both.erase(std::unique(both.begin(), both.end()), both.end());
  return both;
}

}  // namespace

absl::StatusOr<Ranking> Best(Database& db, const std::vector<Candidate>& candidates, Ranking pool, double Candidate::*score,
                             std::size_t count) {
  auto value = [&](std::size_t i) { return candidates[i].*score; };
  auto better = [&](std::size_t a, std::size_t b) { return value(a) > value(b); };
  if (count < pool.size()) {
    const auto last = pool.begin() + static_cast<std::ptrdiff_t>(count) - 1;
    std::nth_element(pool.begin(), last, pool.end(), better);
    const double least = value(*last);
    pool.erase(std::partition(last, pool.end(), [&](std::size_t i) { return value(i) >= least; }), pool.end());  // keeps ties
  }
  std::sort(pool.begin(), pool.end(), better);
  for (auto begin = pool.begin(); begin != pool.end();) {
    const auto end = std::find_if(begin, pool.end(), [&](std::size_t i) { return value(i) != value(*begin); });
    if (end - begin > 1) RAGPIPE_RETURN_IF_ERROR(SortByRecordId(db, candidates, begin, end));
    begin = end;
  }
  pool.resize(std::min(count, pool.size()));
  return pool;
}

Ranking FuseByConvexSum(std::vector<Candidate>& candidates, const Ranking& by_vector, const Ranking& by_text,
                        double vector_weight) {
  const double best_text = by_text.empty() ? 1 : candidates[by_text.front()].text_score;
  Ranking fused = Union(by_vector, by_text);
  for (const std::size_t i : fused) {
    Candidate& candidate = candidates[i];
    candidate.score = (1 - vector_weight) * candidate.text_score / best_text + vector_weight * std::max(0.0, candidate.cosine);
  }
  return fused;
}

Ranking FuseByReciprocalRank(std::vector<Candidate>& candidates, const Ranking& by_vector, const Ranking& by_text) {
  for (const Ranking* ranking : {&by_vector, &by_text}) {
    for (std::size_t rank = 0; rank < ranking->size(); ++rank) {
      candidates[(*ranking)[rank]].score += 1 / (kRankOffset + static_cast<double>(rank) + 1);
    }
  }
  return Union(by_vector, by_text);
}

}  // namespace ragpipe::sqlite

#include "testing/memory_search.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/status_macros.h"

namespace ragpipe::testing {
namespace {

// Filters.

std::optional<long double> AsNumber(const MetadataValue& value) {  // wide enough for every int64 and every double
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<long double>(*integer);
  if (const auto* real = std::get_if<double>(&value)) return static_cast<long double>(*real);
  return std::nullopt;
}

bool IsEqual(const MetadataValue& a, const MetadataValue& b) {
  const auto x = AsNumber(a);
  const auto y = AsNumber(b);
  return x.has_value() && y.has_value() ? *x == *y : a == b;
}

template <class Compare>
bool Ordered(const MetadataValue& a, const MetadataValue& b, Compare compare) {
  const auto x = AsNumber(a);
  const auto y = AsNumber(b);
  if (x.has_value() && y.has_value()) return compare(*x, *y);
  const auto* s = std::get_if<std::string>(&a);
  const auto* t = std::get_if<std::string>(&b);
  return s != nullptr && t != nullptr && compare(s->compare(*t), 0);
}

bool Contains(const MetadataValue& list, const MetadataValue& value) {
  const auto* strings = std::get_if<std::vector<std::string>>(&list);
  const auto* wanted = std::get_if<std::string>(&value);
  return strings != nullptr && wanted != nullptr && std::find(strings->begin(), strings->end(), *wanted) != strings->end();
}

bool Meets(const Metadata& metadata, const Condition& condition) {
  using Op = Condition::Op;
  const auto found = metadata.find(condition.field);
  if (found == metadata.end()) return condition.op == Op::kNotEqual || condition.op == Op::kAbsent;
  const MetadataValue& field = found->second;
  const auto& values = condition.values;
  switch (condition.op) {
    case Op::kEqual:
      return IsEqual(field, values[0]);
    case Op::kNotEqual:
      return !IsEqual(field, values[0]);
    case Op::kLess:
      return Ordered(field, values[0], std::less<>());
    case Op::kLessOrEqual:
      return Ordered(field, values[0], std::less_equal<>());
    case Op::kGreater:
      return Ordered(field, values[0], std::greater<>());
    case Op::kGreaterOrEqual:
      return Ordered(field, values[0], std::greater_equal<>());
    case Op::kAnyOf:
      return std::any_of(values.begin(), values.end(), [&](const MetadataValue& value) { return IsEqual(field, value); });
    case Op::kContains:
      return Contains(field, values[0]);
    case Op::kPresent:
      return true;
    case Op::kAbsent:
      return false;
  }
  return false;
}

bool Meets(const Metadata& metadata, const Filter* filter) {
  return filter == nullptr ||
         std::all_of(filter->begin(), filter->end(), [&](const Condition& condition) { return Meets(metadata, condition); });
}

absl::Status CheckQuery(const IndexQuery& query, const Recipe& recipe) {
  if (query.recipe != nullptr && *query.recipe != recipe) {
    return absl::AbortedError("the index is of another recipe than the query by now; load its recipe again");
  }
  if (query.top_k == 0) return absl::InvalidArgumentError("IndexQuery::top_k is 0; ask for at least one hit");
  if (query.mode != SearchMode::kText && query.vector.size() != recipe.dimension) {
    return absl::InvalidArgumentError(
        fmt::format("IndexQuery::vector has {} floats; those of the index have {}", query.vector.size(), recipe.dimension));
  }
  if (!(query.vector_weight >= 0 && query.vector_weight <= 1)) {
    return absl::InvalidArgumentError(
        fmt::format("IndexQuery::vector_weight is {}; it must be in [0, 1]", query.vector_weight));
  }
  if (query.filter == nullptr) return absl::OkStatus();
  for (const Condition& condition : *query.filter) {
    const bool none = condition.op == Condition::Op::kPresent || condition.op == Condition::Op::kAbsent;
    if (condition.op == Condition::Op::kAnyOf || condition.values.size() == (none ? 0U : 1U)) continue;
    return absl::InvalidArgumentError(fmt::format("the condition on '{}' has {} values; its operator takes {}", condition.field,
                                                  condition.values.size(), none ? "none" : "one"));
  }
  return absl::OkStatus();
}

// Vectors.

double Dot(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double VectorScore(Metric metric, std::span<const float> a, std::span<const float> b) {
  switch (metric) {
    case Metric::kCosine: {
      const double lengths = std::sqrt(Dot(a, a) * Dot(b, b));
      return lengths == 0 ? 0 : Dot(a, b) / lengths;
    }
    case Metric::kDot:
      return Dot(a, b);
    case Metric::kL2:
      return -(Dot(a, a) - 2 * Dot(a, b) + Dot(b, b));
  }
  return 0;
}

// Texts.

using WordCounts = std::map<std::string, double>;

WordCounts CountWords(std::string_view text) {
  WordCounts counts;
  std::string word;
  auto end_word = [&] {
    if (!word.empty()) ++counts[word];
    word.clear();
  };
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool other = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (static_cast<unsigned char>(c) & 0x80U) != 0;
    if (upper || other) {
      word.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
    } else {
      end_word();
    }
  }
  end_word();
  return counts;
}

double Length(const WordCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0, [](double sum, const auto& word) { return sum + word.second; });
}

/// BM25 of each record (Robertson, Zaragoza 2009), with the idf of Lucene, which is never negative.
std::vector<double> TextScores(const std::vector<RecordPtr>& records, std::string_view query) {
  constexpr double kK1 = 1.2;
  constexpr double kB = 0.75;
  std::vector<WordCounts> texts;
  double total_length = 0;
  for (const RecordPtr& record : records) {
    texts.push_back(CountWords(record->text));
    total_length += Length(texts.back());
  }
  const double count = static_cast<double>(records.size());
  std::vector<double> scores(records.size(), 0.0);
  for (const auto& [word, times_asked] : CountWords(query)) {
    const auto holders = static_cast<double>(
        std::count_if(texts.begin(), texts.end(), [&word = word](const WordCounts& text) { return text.count(word) != 0; }));
    const double idf = std::log(1 + (count - holders + 0.5) / (holders + 0.5));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto found = texts[i].find(word);
      if (found == texts[i].end()) continue;
      const double norm = 1 - kB + kB * Length(texts[i]) * count / total_length;
      scores[i] += times_asked * idf * found->second * (kK1 + 1) / (found->second + kK1 * norm);
    }
  }
  return scores;
}

// Ranking.

struct Scored {
  const StoredRecord* record = nullptr;
  double score = 0;
  double vector_score = 0;
  double text_score = 0;
};

/// 1 / (60 + rank) for each, by `key`, the best first; 0 where `counts` says that a record is not in the ranking.
template <class Key, class CountsIn>
void AddReciprocalRanks(std::vector<Scored>& scored, Key key, CountsIn counts) {
  std::vector<Scored*> order;
  for (Scored& one : scored) {
    if (counts(one)) order.push_back(&one);
  }
  std::stable_sort(order.begin(), order.end(), [&](const Scored* a, const Scored* b) { return key(*a) > key(*b); });
  for (std::size_t i = 0; i < order.size(); ++i) order[i]->score += 1 / (61 + static_cast<double>(i));
}

void Fuse(std::vector<Scored>& scored, const IndexQuery& query) {
  if (query.fusion == Fusion::kReciprocalRank) {
    AddReciprocalRanks(
        scored, [](const Scored& one) { return one.vector_score; }, [](const Scored&) { return true; });
    AddReciprocalRanks(
        scored, [](const Scored& one) { return one.text_score; }, [](const Scored& one) { return one.text_score > 0; });
    return;
  }
  double best = 0;
  for (const Scored& one : scored) best = std::max(best, one.text_score);
  for (Scored& one : scored) {
    const double text = best > 0 ? one.text_score / best : 0;
    one.score = (1 - query.vector_weight) * text + query.vector_weight * std::max(0.0, one.vector_score);
  }
}

Hit ToHit(const Scored& scored) {
  const StoredRecord& record = *scored.record;
  Hit hit;
  hit.score = scored.score;
  hit.vector_score = scored.vector_score;
  hit.text_score = scored.text_score;
  hit.source = record.source;
  hit.document_id = record.document_id;
  hit.record_id = record.id;
  hit.position = record.position;
  hit.chunk = record.chunk;
  hit.text = record.text;
  hit.media_type = record.media_type;
  hit.metadata = record.metadata;
  hit.version = record.version;
  hit.updated_at = record.updated_at;
  return hit;
}

}  // namespace

absl::StatusOr<std::vector<Hit>> SearchRecords(const std::vector<RecordPtr>& records, const Recipe& recipe,
                                               const IndexQuery& query) {
  RAGPIPE_RETURN_IF_ERROR(CheckQuery(query, recipe));
  const bool by_vector = query.mode != SearchMode::kText;
  const bool by_text = query.mode != SearchMode::kVector;
  const std::vector<double> text_scores = by_text ? TextScores(records, query.text) : std::vector<double>(records.size(), 0.0);

  std::vector<Scored> scored;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const StoredRecord& record = *records[i];
    if (!Meets(record.metadata, query.filter)) continue;
    if (!by_vector && text_scores[i] == 0) continue;
    Scored one;
    one.record = &record;
    one.vector_score = by_vector ? VectorScore(recipe.metric, query.vector, record.vector) : 0;
    one.text_score = text_scores[i];
    one.score = by_vector ? one.vector_score : one.text_score;
    scored.push_back(one);
  }
  if (query.mode == SearchMode::kHybrid) {
    for (Scored& one : scored) one.score = 0;
    Fuse(scored, query);
  }
  std::stable_sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
  scored.resize(std::min(scored.size(), query.top_k));
  std::vector<Hit> hits;
  for (const Scored& one : scored) hits.push_back(ToHit(one));
  return hits;
}

}  // namespace ragpipe::testing

#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunk.h"
#include "ragpipe/document.h"
#include "ragpipe/export.h"
#include "ragpipe/metadata.h"
#include "ragpipe/recipe.h"

namespace ragpipe {

/// One condition on a document's metadata. A document without the field meets kNotEqual and kAbsent only. Values of
/// different types are never equal, but integers and doubles compare as numbers; the order comparisons hold between two
/// numbers or two strings (bytewise).
struct Condition {
  enum class Op {
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kAnyOf,     ///< equal to one of `values`
    kContains,  ///< the field is a list of strings that holds values[0]
    kPresent,
    kAbsent,
  };

  std::string field = {};
  Op op = Op::kEqual;
  std::vector<MetadataValue> values = {};  ///< one; any number for kAnyOf; none for kPresent and kAbsent
};

/// All conditions must hold; an empty filter lets everything through.
using Filter = std::vector<Condition>;

enum class SearchMode {
  kVector,  ///< nearest vectors
  kText,    ///< BM25 over the chunk texts
  kHybrid,  ///< both, fused
};

enum class Fusion {
  kConvexSum,       ///< (1 - vector_weight) * bm25 / best bm25 + vector_weight * max(0, similarity)
  kReciprocalRank,  ///< sum of 1 / (60 + rank) (Cormack, Clarke, Buettcher, SIGIR 2009)
};

struct Query {
  std::string text = {};  ///< UTF-8
  std::size_t top_k = 10;
  SearchMode mode = SearchMode::kHybrid;
  Fusion fusion = Fusion::kConvexSum;
  double vector_weight = 0.4;  ///< in [0, 1]; of kConvexSum
  Filter filter = {};
};

/// A query as an index gets it: with its vector.
struct IndexQuery {
  std::span<const float> vector;  ///< [dimension]; empty under SearchMode::kText
  std::string_view text;
  std::size_t top_k = 10;
  SearchMode mode = SearchMode::kHybrid;
  Fusion fusion = Fusion::kConvexSum;
  double vector_weight = 0.4;
  const Filter* filter = nullptr;  ///< null = none
  const Recipe* recipe = nullptr;  ///< under which `vector` was made: kAborted when the index is of another by now
};

/// One found chunk, with all a citation needs.
struct Hit {
  double score = 0;         ///< the ranking's; comparable within one answer only
  double vector_score = 0;  ///< cosine or dot product, or the negative squared L2 distance; 0 under SearchMode::kText
  double text_score = 0;    ///< BM25, higher is better; 0 when no word matches
  std::string source;
  std::string document_id;
  std::string record_id;
  std::size_t position = 0;  ///< index of the chunk in its document
  Chunk chunk;               ///< byte range, heading path, context, tokens
  std::string text;          ///< the chunk's own bytes
  std::string media_type;
  Metadata metadata;
  Version version;
  absl::Time updated_at = absl::InfinitePast();
};

/// One line of JSON with everything a citation needs: {"score":..,"vector_score":..,"text_score":..,"source":..,
/// "document_id":..,"record_id":..,"position":..,"range":{"begin":..,"end":..},"headings":[..],"tokens":..,
/// "tokens_are_estimated":..,"text":..,"media_type":..,"metadata":{..},"version":{"token":..,"ordinal":..},"updated_at":..}.
/// What is unknown is null.
RAGPIPE_EXPORT std::string ToJson(const Hit& hit);

}  // namespace ragpipe

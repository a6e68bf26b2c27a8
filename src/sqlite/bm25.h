#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/database.h"
#include "sqlite/segments.h"

namespace ragpipe::sqlite {

struct TextMatch {
  std::int64_t slot = 0;
  double score = 0;  ///< positive
};

/// BM25 in Lucene's form: k1 = 1.2, b = 0.75, idf = ln(1 + (N - n + 0.5) / (n + 0.5)) (S. Robertson, H. Zaragoza, "The
/// Probabilistic Relevance Framework: BM25 and Beyond", 2009). FTS5 finds the records and the positions. Its own bm25() is
/// not used: it takes four times as long, and gives words that half of a small collection has no weight.
/// Threading: as the connection it belongs to. Lifetime: must go before the connection.
class Bm25 {
 public:
  static absl::StatusOr<std::unique_ptr<Bm25>> Create(Database& db);
  Bm25(const Bm25&) = delete;
  Bm25& operator=(const Bm25&) = delete;
  ~Bm25();

  /// Every record that has a word of `text`, in the order of slots. `text` is words only, never query syntax; what FTS5
  /// takes for one word, stemmed, counts once.
  absl::StatusOr<std::vector<TextMatch>> Score(std::string_view text, const std::vector<Segment>& segments);

 private:
  struct Occurrences {
    std::uint32_t word;
    std::uint32_t count;
  };
  struct Match {
    std::int64_t slot;
    std::size_t first;  // of occurrences_
  };

  explicit Bm25(Database& db) : db_(db) {}
  absl::StatusOr<std::vector<std::string>> SplitWords(std::string_view text) const;
  static void OnMatch(const Fts5ExtensionApi* api, Fts5Context* match, sqlite3_context* result, int, sqlite3_value**);
  int Collect(const Fts5ExtensionApi& api, Fts5Context* match);

  Database& db_;
  fts5_tokenizer module_{};
  Fts5Tokenizer* tokenizer_ = nullptr;
  std::vector<Match> matches_;
  std::vector<Occurrences> occurrences_;
};

/// Words that the full-text index holds of a record.
absl::StatusOr<std::uint32_t> CountWords(Database& db, std::int64_t slot);

}  // namespace ragpipe::sqlite

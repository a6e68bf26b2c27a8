#include "sqlite/bm25.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <new>
#include <set>
#include <utility>

#include "core/status_macros.h"

namespace ragpipe::sqlite {
namespace {

constexpr double kSaturation = 1.2;    // k1
constexpr double kLengthShare = 0.75;  // b

constexpr std::size_t kMaxWords = 256;  // of a query; the rest of a pasted page would cost time and change little

struct WordSplitter {
  std::string_view text;
  std::set<std::string, std::less<>> seen;
  std::vector<std::string> words;  // as they stand in the text: a stem stemmed again may be another
};

int OnToken(void* context, int flags, const char* token, int token_bytes, int begin, int end) {
  auto& splitter = *static_cast<WordSplitter*>(context);
  if ((flags & FTS5_TOKEN_COLOCATED) != 0) return SQLITE_OK;
  try {
    if (splitter.seen.emplace(token, static_cast<std::size_t>(token_bytes)).second) {
      splitter.words.emplace_back(splitter.text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    }
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
  return splitter.words.size() < kMaxWords ? SQLITE_OK : SQLITE_DONE;
}

// "a" OR "b": quoted, nothing in a word is syntax.
std::string ToFts5Query(const std::vector<std::string>& words) {
  std::string query;
  for (const std::string& word : words) {
    if (!query.empty()) query += " OR ";
    query += '"';
    query += word;
    query += '"';
  }
  return query;
}

double InverseDocumentFrequency(double records, double with_word) {
  return std::log(1 + (records - with_word + 0.5) / (with_word + 0.5));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Bm25>> Bm25::Create(Database& db) {
  auto bm25 = std::unique_ptr<Bm25>(new Bm25(db));
  fts5_api* api = nullptr;
  {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(db.handle(), "SELECT fts5(?1)", -1, &statement, nullptr);
    if (code != SQLITE_OK) return db.Error(code);
    sqlite3_bind_pointer(statement, 1, static_cast<void*>(&api), "fts5_api_ptr", nullptr);
    sqlite3_step(statement);
    sqlite3_finalize(statement);
  }
  if (api == nullptr)
    return absl::FailedPreconditionError("this SQLite gives no access to FTS5; use one of version 3.40 or newer");

  int code = api->xCreateFunction(api, "ragpipe_match", bm25.get(), OnMatch, nullptr);
  if (code != SQLITE_OK) return db.Error(code);
  void* context = nullptr;
  code = api->xFindTokenizer(api, "porter", &context, &bm25->module_);
  const char* arguments[] = {"unicode61", "remove_diacritics", "2"};  // as the index was made
  if (code == SQLITE_OK) code = bm25->module_.xCreate(context, arguments, 3, &bm25->tokenizer_);
  if (code != SQLITE_OK) return db.Error(code);
  return bm25;
}

Bm25::~Bm25() {
  if (tokenizer_ != nullptr) module_.xDelete(tokenizer_);
}

absl::StatusOr<std::vector<TextMatch>> Bm25::Score(std::string_view text, const std::vector<Segment>& segments) {
  RAGPIPE_ASSIGN_OR_RETURN(const std::vector<std::string> words, SplitWords(text));
  if (words.empty()) return std::vector<TextMatch>();

  matches_.clear();
  occurrences_.clear();
  {
    const std::string query = ToFts5Query(words);
    Statement rows = db_.Query("SELECT ragpipe_match(record_words) FROM record_words WHERE record_words MATCH ?", query);
    while (true) {
      RAGPIPE_ASSIGN_OR_RETURN(const bool found, rows.Next());
      if (!found) break;
    }
  }

  double records = 0;
  double total_words = 0;
  for (const Segment& segment : segments) {
    records += static_cast<double>(kSegmentRows - std::count(segment.documents.begin(), segment.documents.end(), 0));
    for (const std::uint32_t count : segment.words) total_words += count;
  }
  std::vector<double> weights(words.size());
  for (const Occurrences& occurrence : occurrences_) ++weights[occurrence.word];
  for (double& weight : weights) weight = InverseDocumentFrequency(records, weight) * (kSaturation + 1);

  std::vector<TextMatch> scored;
  scored.reserve(matches_.size());
  auto segment = segments.begin();
  for (std::size_t i = 0; i < matches_.size(); ++i) {
    const std::int64_t slot = matches_[i].slot;
    while (segment != segments.end() && segment->id < slot / kSegmentRows) ++segment;
    if (segment == segments.end() || segment->id != slot / kSegmentRows) return db_.Error(SQLITE_CORRUPT);
    const double length = segment->words[static_cast<std::size_t>(slot % kSegmentRows)];
    const double norm = kSaturation * (1 - kLengthShare + kLengthShare * length * records / total_words);
    const std::size_t end = i + 1 < matches_.size() ? matches_[i + 1].first : occurrences_.size();
    double score = 0;
    for (std::size_t o = matches_[i].first; o < end; ++o) {
      const double count = occurrences_[o].count;
      score += weights[occurrences_[o].word] * count / (count + norm);
    }
    scored.push_back({slot, score});
  }
  return scored;
}

absl::StatusOr<std::vector<std::string>> Bm25::SplitWords(std::string_view text) const {
  text = text.substr(0, INT_MAX);
  WordSplitter splitter{.text = text, .seen = {}, .words = {}};
  const int code =
      module_.xTokenize(tokenizer_, &splitter, FTS5_TOKENIZE_QUERY, text.data(), static_cast<int>(text.size()), OnToken);
  if (code != SQLITE_OK && code != SQLITE_DONE) return db_.Error(code);
  return std::move(splitter.words);
}

void Bm25::OnMatch(const Fts5ExtensionApi* api, Fts5Context* match, sqlite3_context* result, int, sqlite3_value**) {
  const int code = static_cast<Bm25*>(api->xUserData(match))->Collect(*api, match);
  if (code != SQLITE_OK) sqlite3_result_error_code(result, code);
}

int Bm25::Collect(const Fts5ExtensionApi& api, Fts5Context* match) {
  try {
    matches_.push_back({api.xRowid(match), occurrences_.size()});
    const int words = api.xPhraseCount(match);
    for (int word = 0; word < words; ++word) {
      std::uint32_t count = 0;
      Fts5PhraseIter position;
      int column = -1;
      int offset = 0;
      int code = api.xPhraseFirst(match, word, &position, &column, &offset);
      for (; code == SQLITE_OK && column >= 0; api.xPhraseNext(match, &position, &column, &offset)) ++count;
      if (code != SQLITE_OK) return code;
      if (count > 0) occurrences_.push_back({static_cast<std::uint32_t>(word), count});
    }
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
  return SQLITE_OK;
}

// FTS5 keeps the sizes of a row's columns as SQLite's variable-length integers: seven bits a byte, the highest first.
absl::StatusOr<std::uint32_t> CountWords(Database& db, std::int64_t slot) {
  Statement row = db.Query("SELECT sz FROM record_words_docsize WHERE id = ?", slot);
  RAGPIPE_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return db.Error(SQLITE_CORRUPT);
  std::uint32_t total = 0;
  std::uint32_t size = 0;
  for (const char c : row.Bytes(0)) {
    const auto byte = static_cast<unsigned char>(c);
    size = size << 7 | (byte & 0x7FU);
    if (byte < 0x80) {
      total += size;
      size = 0;
    }
  }
  return total;
}

}  // namespace ragpipe::sqlite

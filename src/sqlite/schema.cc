#include "sqlite/schema.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>

#include "core/status_macros.h"
#include "sqlite/write_ahead_log.h"

namespace ragpipe::sqlite {
namespace {

constexpr std::int64_t kApplicationId = 0x52414750;  // "RAGP"

// Large pages make the scan of the vectors fast, small ones keep an edit cheap.
constexpr int kPageBytes = 16384;

// The write-ahead log may grow to so many bytes before it is copied back.
constexpr int kCheckpointBytes = 32 << 20;
constexpr int kWriterCacheKib = 8 << 10;
constexpr int kReaderCacheKib = 2 << 10;

// What leads from version i to version i + 1. Never change one that was released; add another.
constexpr std::array kMigrations = {R"sql(
-- The recipes of the records and of the ledger. They differ only when sink and checkpoint are not used together.
CREATE TABLE recipes(
  part TEXT PRIMARY KEY,  -- 'records', 'ledger'
  chunker TEXT NOT NULL,
  embedder TEXT NOT NULL,
  dimension INTEGER NOT NULL,
  metric TEXT NOT NULL,
  schema TEXT NOT NULL
) WITHOUT ROWID;

-- What the records of a document have in common.
CREATE TABLE documents(
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  document_id TEXT NOT NULL,
  version_token TEXT NOT NULL,
  version_ordinal INTEGER,  -- an unsigned number in 64 bits
  updated_at INTEGER,       -- nanoseconds since 1970
  media_type TEXT NOT NULL,
  metadata TEXT NOT NULL,   -- JSON object
  UNIQUE(source, document_id)
);

-- The metadata again, in the order that filters ask for.
CREATE TABLE facets(
  field TEXT NOT NULL,
  kind INTEGER NOT NULL,
  value NOT NULL,
  document INTEGER NOT NULL,
  PRIMARY KEY(field, kind, value, document)
) WITHOUT ROWID;

-- A record's slot is its place in the packed vectors: segment * 256 + row.
CREATE TABLE records(
  slot INTEGER PRIMARY KEY,
  record_id TEXT NOT NULL UNIQUE,
  document INTEGER NOT NULL,
  position INTEGER NOT NULL,
  range_begin INTEGER NOT NULL,
  range_end INTEGER NOT NULL,
  overlap INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  text_key BLOB NOT NULL,
  headings TEXT NOT NULL,  -- JSON array
  context TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX records_by_document ON records(document);
CREATE INDEX records_by_text_key ON records(text_key);

-- A chunk is found by the words of its headings and context, too.
CREATE VIRTUAL TABLE record_words USING fts5(
  text, headings, context,
  content='records', content_rowid='slot', tokenize='porter unicode61 remove_diacritics 2'
);
-- Merged at eight segments, not at four: a first run writes a little less.
INSERT INTO record_words(record_words, rank) VALUES('automerge', 8);

-- Who owns the 256 rows of a segment: apart from the vectors, so that an edit rewrites a page or two.
CREATE TABLE segments(
  segment INTEGER PRIMARY KEY,
  live INTEGER NOT NULL,
  documents BLOB NOT NULL,  -- 256 x int64: the owner's documents.id, 0 = free
  words BLOB NOT NULL       -- 256 x uint32: words of the record, for BM25
);
CREATE INDEX segments_with_room ON segments(segment) WHERE live < 256;
CREATE TABLE vectors(
  segment INTEGER PRIMARY KEY,
  data BLOB NOT NULL  -- 256 x dimension x float32
);

CREATE TABLE ledger(
  source TEXT NOT NULL,
  document_id TEXT NOT NULL,
  version_token TEXT NOT NULL,
  version_ordinal INTEGER,
  content_hash BLOB NOT NULL,
  chunks BLOB NOT NULL,
  PRIMARY KEY(source, document_id)
) WITHOUT ROWID;

CREATE TABLE cursors(
  source TEXT NOT NULL,
  partition TEXT NOT NULL,
  cursor BLOB NOT NULL,
  PRIMARY KEY(source, partition)
) WITHOUT ROWID;

CREATE TABLE dead_letters(
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  document_id TEXT NOT NULL,
  version_token TEXT NOT NULL,
  version_ordinal INTEGER,
  partition TEXT NOT NULL,
  stage INTEGER NOT NULL,
  code INTEGER NOT NULL,
  message TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  first_failure INTEGER,
  last_failure INTEGER,
  document BLOB,
  UNIQUE(source, document_id)
);
)sql",
                                    R"sql(
-- Until then every count was taken for exact.
ALTER TABLE records ADD COLUMN tokens_are_estimated INTEGER NOT NULL DEFAULT 0;
)sql",
                                    R"sql(
ALTER TABLE dead_letters ADD COLUMN is_delete INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN next_attempt INTEGER;  -- null = never
ALTER TABLE ledger ADD COLUMN deleted_at INTEGER;  -- not null = a tombstone
ALTER TABLE ledger ADD COLUMN absent_since INTEGER;
CREATE INDEX tombstones ON ledger(source, deleted_at) WHERE deleted_at IS NOT NULL;
)sql",
                                    R"sql(
-- A record's id is looked for within its document: the ids of a first run then go to the end of their index, not all over it.
CREATE TABLE records_of_documents(
  slot INTEGER PRIMARY KEY,
  document INTEGER NOT NULL,
  record_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  range_begin INTEGER NOT NULL,
  range_end INTEGER NOT NULL,
  overlap INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  tokens_are_estimated INTEGER NOT NULL,
  text_key BLOB NOT NULL,
  headings TEXT NOT NULL,  -- JSON array
  context TEXT NOT NULL,
  text TEXT NOT NULL,
  UNIQUE(document, record_id)
);
INSERT INTO records_of_documents
  SELECT slot, document, record_id, position, range_begin, range_end, overlap, tokens, tokens_are_estimated, text_key, headings,
    context, text FROM records;
DROP TABLE records;
ALTER TABLE records_of_documents RENAME TO records;
CREATE INDEX records_by_text_key ON records(text_key);
)sql"};

constexpr auto kVersion = static_cast<std::int64_t>(kMigrations.size());

struct Identity {
  std::int64_t application = 0;
  std::int64_t version = 0;
  bool empty = false;
};

// The first read of the file: tells a database from anything else.
absl::StatusOr<Identity> ReadIdentity(Database& db) {
  Identity identity;
  // Of one moment: another process may be creating the file.
  RAGPIPE_ASSIGN_OR_RETURN(const ReadTransaction snapshot, ReadTransaction::Begin(db));
  RAGPIPE_ASSIGN_OR_RETURN(identity.application, db.ReadInt("PRAGMA application_id"));
  RAGPIPE_ASSIGN_OR_RETURN(identity.version, db.ReadInt("PRAGMA user_version"));
  RAGPIPE_ASSIGN_OR_RETURN(const std::int64_t objects, db.ReadInt("SELECT count(*) FROM sqlite_schema"));
  identity.empty = objects == 0 && identity.application == 0 && identity.version == 0;
  return identity;
}

absl::Status CheckIdentity(const Identity& identity, const std::string& path) {
  if (identity.empty) return absl::OkStatus();
  if (identity.application != kApplicationId) {
    return absl::FailedPreconditionError(
        fmt::format("'{}' belongs to another application (application_id {:#x}). Name another file", path,
                    static_cast<std::uint32_t>(identity.application)));
  }
  if (identity.version > kVersion) {
    return absl::FailedPreconditionError(
        fmt::format("'{}' has format version {}, this library reads up to {}. Use the newer ragpipe that wrote it", path,
                    identity.version, kVersion));
  }
  return absl::OkStatus();
}

absl::Status Migrate(Database& db) {
  RAGPIPE_RETURN_IF_ERROR(db.Execute("BEGIN IMMEDIATE"));
  RAGPIPE_ASSIGN_OR_RETURN(const std::int64_t from, db.ReadInt("PRAGMA user_version"));
  for (std::int64_t version = from; version < kVersion; ++version) {
    RAGPIPE_RETURN_IF_ERROR(db.Execute(kMigrations[static_cast<std::size_t>(version)]));
  }
  return db.Execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT", kApplicationId, kVersion));
}

/// Creates, empty, the tables and indexes that somebody dropped; Verify() tells what that lost, and Repair() fills them again.
absl::Status RestoreDropped(Database& db) {
  RAGPIPE_ASSIGN_OR_RETURN(Database whole, Database::Open(":memory:", Database::Access::kReadWriteCreate));
  for (const char* migration : kMigrations) RAGPIPE_RETURN_IF_ERROR(whole.Execute(migration));
  Statement object =  // SQLite and FTS5 make the rest of them
      whole.Query(
          "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'record\\_words\\_%' ESCAPE '\\'");
  while (true) {
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, object.Next());
    if (!found) return absl::OkStatus();
    bool is_there = false;
    {
      Statement row = db.Query("SELECT 1 FROM sqlite_schema WHERE name = ?", object.Bytes(0));
      RAGPIPE_ASSIGN_OR_RETURN(is_there, row.Next());
    }
    if (!is_there) RAGPIPE_RETURN_IF_ERROR(db.Execute(object.String(1)));
  }
}

}  // namespace

absl::Status PrepareForWriting(Database& db) {
  RAGPIPE_ASSIGN_OR_RETURN(const Identity identity, ReadIdentity(db));
  RAGPIPE_RETURN_IF_ERROR(CheckIdentity(identity, db.path()));
  if (sqlite3_db_readonly(db.handle(), "main") != 0) {
    return absl::FailedPreconditionError(
        fmt::format("'{}' is read-only. Make it writable, or open it with OpenIndex() to search only", db.path()));
  }
  db.CopyLogBackOnClose(true);
  RAGPIPE_RETURN_IF_ERROR(db.Execute(fmt::format("PRAGMA page_size = {}", kPageBytes)));  // of a new file only
  RAGPIPE_ASSIGN_OR_RETURN(const std::string journal, db.ReadString("PRAGMA journal_mode = wal"));
  if (journal != "wal") {
    return absl::FailedPreconditionError(
        fmt::format("'{}' cannot have a write-ahead log. Put it on a local file system with shared memory", db.path()));
  }
  RAGPIPE_ASSIGN_OR_RETURN(const std::int64_t page_bytes, db.ReadInt("PRAGMA page_size"));
  RAGPIPE_RETURN_IF_ERROR(db.Execute(fmt::format(
      "PRAGMA synchronous = full; PRAGMA cache_size = -{}; PRAGMA wal_autocheckpoint = {}; PRAGMA journal_size_limit = {}",
      kWriterCacheKib, kCheckpointBytes / page_bytes, 2 * kCheckpointBytes)));
  RAGPIPE_RETURN_IF_ERROR(MakeLogDurable(db));
  return identity.version < kVersion ? Migrate(db) : RestoreDropped(db);
}

absl::Status PrepareForReading(Database& db) {
  RAGPIPE_ASSIGN_OR_RETURN(const Identity identity, ReadIdentity(db));
  RAGPIPE_RETURN_IF_ERROR(CheckIdentity(identity, db.path()));
  if (identity.empty) return absl::NotFoundError(fmt::format("'{}' is empty: nothing was ever ingested", db.path()));
  if (identity.version < kVersion) {
    return absl::FailedPreconditionError(
        fmt::format("'{}' has format version {}, this library reads {}. Open it once with Store::Open(), which migrates it",
                    db.path(), identity.version, kVersion));
  }
  // Checkpoints are the writer's alone: SQLite up to 3.51.2 may damage the file when one runs beside a commit that starts the
  // log anew on another connection.
  return db.Execute(fmt::format("PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -{}", kReaderCacheKib));
}

}  // namespace ragpipe::sqlite

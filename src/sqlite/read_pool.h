#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sqlite/bm25.h"
#include "sqlite/database.h"

namespace ragpipe::sqlite {

/// A connection for reading, with what is prepared once for it.
struct Reader {
  explicit Reader(Database database) : db(std::move(database)) {}

  Database db;
  std::unique_ptr<Bm25> bm25;  ///< made by the first text search
};

/// As many connections as there are concurrent calls, kept for the next ones.
/// Threading: from any thread.
class ReadPool {
 public:
  class Lease {
   public:
    Lease(ReadPool& pool, std::unique_ptr<Reader> reader) : pool_(&pool), reader_(std::move(reader)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (reader_ != nullptr) pool_->Return(std::move(reader_));
    }
    Reader& operator*() { return *reader_; }
    Reader* operator->() { return reader_.get(); }

   private:
    ReadPool* pool_;
    std::unique_ptr<Reader> reader_;
  };

  explicit ReadPool(std::string path) : path_(std::move(path)) {}

  absl::StatusOr<Lease> Acquire();

 private:
  void Return(std::unique_ptr<Reader> reader);

  const std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace ragpipe::sqlite

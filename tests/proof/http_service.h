#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "proof/connection.h"
#include "ragpipe/stored_record.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_store.h"

namespace ragpipe::proof {

struct HttpServiceOptions {
  testing::HashEmbedderOptions embedder;
  testing::MemoryStoreOptions store;
  std::size_t most_texts = 64;        ///< of one call; more are 413
  std::size_t most_documents = 64;    ///< of one call; more are 413
  std::string refused_word = {};      ///< a text that has it is an error of its own in a 200; empty = none
  std::string refused_document = {};  ///< new records of it are; empty = none
};

/// Two services over HTTP on loopback, as a vendor would run them: POST /embed; and a vector store, POST /ensure, /write,
/// /flush, /find, /documents, /records. Requests are numbered (X-Request-Id). One that changes the store and comes after a
/// newer one was given up long ago, and is refused. Threading: from any thread.
class HttpService final {
 public:
  struct Counts {
    std::uint64_t repeated = 0;  ///< changes that came again under the same number
    std::uint64_t outdated = 0;  ///< changes that came after newer ones
  };

  explicit HttpService(const HttpServiceOptions& options);

  int port() const { return acceptor_.port(); }
  HttpServiceOptions options() const;
  void RefuseNothing();  ///< from now on

  /// What it holds, with nothing between.
  std::map<std::string, StoredRecord> records() const { return store_.records(); }
  Counts counts() const;

 private:
  void Serve(Connection& connection);
  absl::StatusOr<nlohmann::json> Answer(std::string_view path, std::uint64_t number, const nlohmann::json& body);
  absl::StatusOr<nlohmann::json> Change(std::string_view path, std::uint64_t number, const nlohmann::json& body);
  absl::StatusOr<nlohmann::json> Write(const nlohmann::json& body);
  absl::StatusOr<nlohmann::json> Embed(const nlohmann::json& body);

  HttpServiceOptions options_;  // refused_* guarded by mutex_
  testing::HashEmbedder embedder_;
  testing::MemoryStore store_;
  mutable std::mutex mutex_;
  Counts counts_;                    // guarded by mutex_
  std::mutex changing_;              // one change at a time, whoever sent it
  std::uint64_t newest_change_ = 0;  // guarded by changing_
  Acceptor acceptor_;                // last: it ends before the rest goes
};

}  // namespace ragpipe::proof

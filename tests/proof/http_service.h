#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "proof/wire.h"
#include "ragpipe/stored_record.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_store.h"

namespace ragpipe::proof {

/// How a record travels.
nlohmann::json ToJson(const StoredRecord& record);
StoredRecord ToStoredRecord(const nlohmann::json& json);  ///< throws nlohmann::json::exception
std::string ToHex(std::string_view bytes);
std::string FromHex(std::string_view hex);

struct HttpServiceOptions {
  testing::HashEmbedderOptions embedder;
  testing::MemoryStoreOptions store;
  std::size_t most_texts = 64;        ///< of one call; more are 413
  std::size_t most_documents = 64;    ///< of one call; more are 413
  std::string refused_word = {};      ///< a text that has it is an error of its own in a 200; empty = none
  std::string refused_document = {};  ///< new records of it are; empty = none
};

/// Two services over HTTP on loopback, as a vendor would run them: POST /embed; and a vector store, POST /ensure, /write,
/// /flush, /find, /documents, /records. What changes the store is numbered by the client (X-Request-Id): a request that arrives
/// after a newer one was given up long ago, and is refused. Threading: from any thread.
class HttpService final {
 public:
  explicit HttpService(const HttpServiceOptions& options);

  int port() const { return acceptor_.port(); }
  void RefuseNothing();  ///< from now on
  HttpServiceOptions options() const;

  /// What it holds, with nothing between.
  std::map<std::string, StoredRecord> records() const { return store_.records(); }

  struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t repeated = 0;  ///< changes that came again under the same number
    std::uint64_t outdated = 0;  ///< changes that came after newer ones
  };
  Counts counts() const;

 private:
  void Serve(Connection& connection);
  HttpMessage Answer(const HttpMessage& request);
  nlohmann::json Embed(const nlohmann::json& request, int& code);
  nlohmann::json Ensure(const nlohmann::json& request, int& code);
  nlohmann::json Write(const nlohmann::json& request, int& code);
  nlohmann::json Read(std::string_view path, const nlohmann::json& request, int& code);

  HttpServiceOptions options_;
  testing::HashEmbedder embedder_;
  testing::MemoryStore store_;
  mutable std::mutex mutex_;
  std::uint64_t newest_change_ = 0;  // guarded by mutex_, as what follows and options_.refused_*
  Counts counts_;
  std::mutex changing_;  // one change at a time, whoever sent it
  Acceptor acceptor_;    // last: it ends before the rest goes
};

}  // namespace ragpipe::proof

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ragpipe/stored_record.h"

namespace ragpipe::testing {

using RecordPtr = std::shared_ptr<const StoredRecord>;

/// Records with one transaction. Not thread-safe.
class RecordTable {
 public:
  void Put(StoredRecord record);

  /// Whether it was there.
  bool Erase(const std::string& id);
  void Clear();

  /// These see the transaction's own writes; null = none.
  RecordPtr Find(std::string_view id) const;
  RecordPtr FindTextKey(std::string_view text_key) const;
  std::vector<std::string> IdsOf(std::string_view source, std::string_view document_id) const;

  void Commit() { before_.clear(); }
  void Rollback();

  /// In the order of ids.
  std::vector<RecordPtr> Committed() const;

 private:
  using Ids = std::set<std::string, std::less<>>;

  void Set(const std::string& id, RecordPtr record);
  void Replace(const std::string& id, RecordPtr record);

  std::map<std::string, RecordPtr, std::less<>> live_;
  std::map<std::pair<std::string, std::string>, Ids> by_document_;
  std::map<std::string, Ids, std::less<>> by_text_key_;
  std::map<std::string, RecordPtr, std::less<>> before_;  // what the transaction changed; null = was not there
};

}  // namespace ragpipe::testing

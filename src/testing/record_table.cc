#include "testing/record_table.h"

namespace ragpipe::testing {
namespace {

template <class Map, class Key>
void EraseFrom(Map& map, const Key& key, const std::string& id) {
  const auto found = map.find(key);
  if (found == map.end()) return;
  found->second.erase(id);
  if (found->second.empty()) map.erase(found);
}

}  // namespace

void RecordTable::Put(StoredRecord record) {
  const auto kept = std::make_shared<const StoredRecord>(std::move(record));
  Set(kept->id, kept);
}

bool RecordTable::Erase(const std::string& id) {
  if (Find(id) == nullptr) return false;
  Set(id, nullptr);
  return true;
}

void RecordTable::Clear() {
  std::vector<std::string> ids;
  for (const auto& [id, record] : live_) ids.push_back(id);
  for (const std::string& id : ids) Set(id, nullptr);
}

RecordPtr RecordTable::Find(std::string_view id) const {
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : found->second;
}

RecordPtr RecordTable::FindTextKey(std::string_view text_key) const {
  const auto found = by_text_key_.find(text_key);
  return found == by_text_key_.end() ? nullptr : Find(*found->second.begin());
}

std::vector<std::string> RecordTable::IdsOf(std::string_view source, std::string_view document_id) const {
  const auto found = by_document_.find({std::string(source), std::string(document_id)});
  if (found == by_document_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

void RecordTable::Rollback() {
  for (const auto& [id, record] : before_) Replace(id, record);
  before_.clear();
}

std::vector<RecordPtr> RecordTable::Committed() const {
  std::map<std::string_view, RecordPtr> committed(live_.begin(), live_.end());
  for (const auto& [id, record] : before_) committed[id] = record;
  std::vector<RecordPtr> result;
  for (const auto& [id, record] : committed) {
    if (record != nullptr) result.push_back(record);
  }
  return result;
}

void RecordTable::Set(const std::string& id, RecordPtr record) {
  before_.try_emplace(id, Find(id));
  Replace(id, std::move(record));
}

void RecordTable::Replace(const std::string& id, RecordPtr record) {
  if (const RecordPtr old = Find(id); old != nullptr) {
    EraseFrom(by_document_, std::pair(old->source, old->document_id), id);
    EraseFrom(by_text_key_, old->text_key, id);
  }
  if (record == nullptr) {
    live_.erase(id);
    return;
  }
  by_document_[{record->source, record->document_id}].insert(id);
  by_text_key_[record->text_key].insert(id);
  live_[id] = std::move(record);
}

}  // namespace ragpipe::testing

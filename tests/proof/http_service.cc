#include "proof/http_service.h"

#include <fmt/format.h>

#include <charconv>
#include <deque>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "ragpipe/record.h"

namespace ragpipe::proof {
namespace {

using nlohmann::json;

constexpr int kOk = 200;
constexpr int kConflict = 409;
constexpr int kPreconditionFailed = 412;
constexpr int kTooLarge = 413;
constexpr int kUnprocessable = 422;
constexpr int kServerError = 500;

int CodeOf(const absl::Status& status) {
  if (status.ok()) return kOk;
  if (absl::IsInvalidArgument(status)) return kUnprocessable;
  return absl::IsFailedPrecondition(status) ? kPreconditionFailed : kServerError;
}

json ToJson(const MetadataValue& value) {
  return std::visit([](const auto& v) { return json(v); }, value);
}

MetadataValue ToMetadataValue(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  return value.get<std::vector<std::string>>();
}

/// One write, and what its views look into.
struct OwnedWrite {
  explicit OwnedWrite(const json& from)
      : source(from.at("source").get<std::string>()), document_id(from.at("document").get<std::string>()) {
    for (const json& record : from.at("upserts")) Add(record, upserts);
    for (const json& record : from.at("patches")) Add(record, patches);
    for (const json& id : from.at("deletes")) ids.push_back(id.get<std::string>());
    deletes.assign(ids.begin(), ids.end());
    write.source = source;
    write.document_id = document_id;
    if (!records.empty()) {
      write.version = records.front().version;
      write.updated_at = records.front().updated_at;
      write.media_type = records.front().media_type;
      write.metadata = &records.front().metadata;
    }
    write.upserts = upserts;
    write.patches = patches;
    write.deletes = deletes;
    from.at("replace_all").get_to(write.replace_all);
  }
  OwnedWrite(const OwnedWrite&) = delete;
  OwnedWrite& operator=(const OwnedWrite&) = delete;

  void Add(const json& from, std::vector<Record>& to) {
    const StoredRecord& record = records.emplace_back(proof::ToStoredRecord(from));
    to.push_back({record.id, record.text_key, record.vector, record.text, record.position, &record.chunk});
  }

  std::string source;
  std::string document_id;
  std::deque<StoredRecord> records;
  std::vector<Record> upserts;
  std::vector<Record> patches;
  std::vector<std::string> ids;
  std::vector<std::string_view> deletes;
  DocumentWrite write;
};

}  // namespace

std::string ToHex(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 2 <= hex.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return bytes;
}

json ToJson(const StoredRecord& record) {
  json metadata = json::object();
  for (const auto& [name, value] : record.metadata) metadata[name] = ToJson(value);
  json result = {{"id", record.id},
                 {"source", record.source},
                 {"document", record.document_id},
                 {"text_key", ToHex(record.text_key)},
                 {"vector", record.vector},
                 {"text", record.text},
                 {"position", record.position},
                 {"range", {record.chunk.range.begin, record.chunk.range.end}},
                 {"overlap", record.chunk.overlap},
                 {"context", record.chunk.context},
                 {"headings", record.chunk.headings},
                 {"tokens", record.chunk.tokens},
                 {"estimated", record.chunk.tokens_are_estimated},
                 {"media_type", record.media_type},
                 {"metadata", metadata},
                 {"token", ToHex(record.version.token)}};
  if (record.version.ordinal.has_value()) result["ordinal"] = *record.version.ordinal;
  if (record.updated_at != absl::InfinitePast()) result["updated_ns"] = absl::ToUnixNanos(record.updated_at);
  return result;
}

StoredRecord ToStoredRecord(const json& from) {
  StoredRecord record;
  from.at("id").get_to(record.id);
  from.at("source").get_to(record.source);
  from.at("document").get_to(record.document_id);
  record.text_key = FromHex(from.at("text_key").get<std::string>());
  record.vector = from.at("vector").get<std::vector<float>>();
  from.at("text").get_to(record.text);
  from.at("position").get_to(record.position);
  record.chunk.range = {from.at("range").at(0).get<std::size_t>(), from.at("range").at(1).get<std::size_t>()};
  from.at("overlap").get_to(record.chunk.overlap);
  from.at("context").get_to(record.chunk.context);
  record.chunk.headings = from.at("headings").get<std::vector<std::string>>();
  from.at("tokens").get_to(record.chunk.tokens);
  from.at("estimated").get_to(record.chunk.tokens_are_estimated);
  from.at("media_type").get_to(record.media_type);
  for (const auto& [name, value] : from.at("metadata").items()) record.metadata[name] = ToMetadataValue(value);
  record.version.token = FromHex(from.at("token").get<std::string>());
  if (from.contains("ordinal")) record.version.ordinal = from.at("ordinal").get<std::uint64_t>();
  if (from.contains("updated_ns")) record.updated_at = absl::FromUnixNanos(from.at("updated_ns").get<std::int64_t>());
  return record;
}

HttpService::HttpService(const HttpServiceOptions& options)
    : options_(options),
      embedder_(options.embedder),
      store_(options.store),
      acceptor_([this](Connection& connection) { Serve(connection); }) {}

void HttpService::RefuseNothing() {
  const std::lock_guard lock(mutex_);
  options_.refused_word.clear();
  options_.refused_document.clear();
}

HttpServiceOptions HttpService::options() const {
  const std::lock_guard lock(mutex_);
  return options_;
}

HttpService::Counts HttpService::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void HttpService::Serve(Connection& connection) {
  while (true) {
    const absl::StatusOr<HttpMessage> request = ReadMessage(connection, kNever);
    if (!request.ok() || !connection.Send(ToWire(Answer(*request)), kNever).ok()) return;
  }
}

HttpMessage HttpService::Answer(const HttpMessage& request) {
  const std::size_t begin = request.start.find('/');
  const std::string path = request.start.substr(begin, request.start.find(' ', begin) - begin);
  const std::string id = request.Header("x-request-id");
  const bool changes = path == "/ensure" || path == "/write" || path == "/flush";
  std::unique_lock<std::mutex> one_change(changing_, std::defer_lock);
  if (changes) one_change.lock();
  int code = kOk;
  {
    const std::lock_guard lock(mutex_);
    ++counts_.requests;
    const std::uint64_t number = std::strtoull(id.c_str(), nullptr, 10);
    if (changes && number < newest_change_) {
      ++counts_.outdated;
      code = kConflict;
    } else if (changes) {
      counts_.repeated += number == newest_change_ ? 1U : 0U;
      newest_change_ = number;
    }
  }
  json answer;
  try {
    const json body = json::parse(request.body);
    if (code == kConflict) {
      answer["message"] = "a newer change came before";
    } else if (path == "/embed") {
      answer = Embed(body, code);
    } else if (path == "/ensure") {
      answer = Ensure(body, code);
    } else if (path == "/write") {
      answer = Write(body, code);
    } else if (path == "/flush") {
      code = CodeOf(store_.sink().Flush());
    } else {
      answer = Read(path, body, code);
    }
  } catch (const json::exception& error) {
    code = kServerError;
    answer["message"] = error.what();
  }
  return {fmt::format("HTTP/1.1 {} -", code), {{"content-type", "application/json"}, {"x-request-id", id}}, answer.dump()};
}

json HttpService::Embed(const json& request, int& code) {
  const auto texts = request.at("texts").get<std::vector<std::string>>();
  json answer = {{"vectors", json::array()}, {"errors", json::array()}};
  if (texts.size() > options_.most_texts) code = kTooLarge;
  const std::string refused = options().refused_word;
  for (std::size_t i = 0; i < texts.size() && code == kOk; ++i) {
    const std::string_view text = texts[i];
    std::vector<float> vector(embedder_.dimension());
    if (!refused.empty() && text.find(refused) != std::string_view::npos) {
      answer["errors"].push_back({{"index", i}, {"message", "this text is not accepted"}});
      vector.clear();
    } else {
      code = CodeOf(embedder_.Embed({.texts = {&text, 1}}, vector));
    }
    answer["vectors"].push_back(vector);
  }
  return answer;
}

json HttpService::Ensure(const json& request, int& code) {
  CollectionSpec spec;
  request.at("chunker").get_to(spec.recipe.chunker);
  request.at("embedder").get_to(spec.recipe.embedder);
  request.at("dimension").get_to(spec.recipe.dimension);
  spec.recipe.metric = static_cast<Metric>(request.at("metric").get<int>());
  request.at("schema").get_to(spec.recipe.schema);
  request.at("rebuild").get_to(spec.rebuild);
  const absl::Status status = store_.sink().EnsureCollection(spec);
  code = CodeOf(status);
  return {{"message", status.message()}};
}

/// Stores what can be stored, and names the rest: as bulk interfaces do.
json HttpService::Write(const json& request, int& code) {
  const json& writes = request.at("writes");
  json answer = {{"errors", json::array()}};
  if (writes.size() > options_.most_documents) code = kTooLarge;
  const std::string refused = options().refused_document;
  for (const json& from : writes) {
    if (code != kOk) break;
    const OwnedWrite owned(from);
    absl::Status status;
    if (owned.document_id == refused && !owned.records.empty()) {
      answer["errors"].push_back({{"document", owned.document_id}, {"message", "its records are not accepted"}});
    } else {
      status = store_.sink().Write({&owned.write, 1});
    }
    code = CodeOf(status);
    if (code != kOk) answer["message"] = status.message();
  }
  return answer;
}

json HttpService::Read(std::string_view path, const json& request, int& code) {
  json answer;
  if (path == "/find") {
    std::vector<std::string> keys;
    for (const json& key : request.at("keys")) keys.push_back(FromHex(key.get<std::string>()));
    std::vector<std::vector<float>> vectors;
    code = CodeOf(store_.sink().FindVectors(std::vector<std::string_view>(keys.begin(), keys.end()), vectors));
    answer["vectors"] = vectors;
  } else if (path == "/documents") {
    const auto ids =
        store_.sink().ListDocuments(request.at("source").get<std::string>(), request.at("after").get<std::string>(),
                                    request.at("limit").get<std::size_t>());
    code = CodeOf(ids.status());
    if (ids.ok()) answer["ids"] = *ids;
  } else {
    const auto ids = request.at("ids").get<std::vector<std::string>>();
    std::vector<StoredRecord> records;
    code = CodeOf(store_.sink().ReadRecords(request.at("source").get<std::string>(),
                                            std::vector<std::string_view>(ids.begin(), ids.end()), records));
    answer["records"] = json::array();
    for (const StoredRecord& record : records) answer["records"].push_back(ToJson(record));
  }
  return answer;
}

}  // namespace ragpipe::proof

#include "proof/http_service.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <vector>

#include "core/status_macros.h"
#include "proof/http.h"
#include "proof/http_messages.h"
#include "ragpipe/record.h"

namespace ragpipe::proof {
namespace {

using nlohmann::json;

int ToHttpCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kFailedPrecondition:
      return 412;
    case absl::StatusCode::kOutOfRange:
      return 413;
    case absl::StatusCode::kInvalidArgument:
      return 422;
    default:
      return 500;
  }
}

std::vector<Record> ToRecords(const std::vector<StoredRecord>& stored) {
  std::vector<Record> records;
  for (const StoredRecord& from : stored) {
    records.push_back({from.id, from.text_key, from.vector, from.text, from.position, &from.chunk});
  }
  return records;
}

absl::Status Store(VectorSink& sink, const HttpWrite& from) {
  const std::vector<Record> upserts = ToRecords(from.upserts);
  const std::vector<Record> patches = ToRecords(from.patches);
  const std::vector<std::string_view> deletes(from.deletes.begin(), from.deletes.end());
  DocumentWrite write;
  write.source = from.source;
  write.document_id = from.document_id;
  if (!upserts.empty() || !patches.empty()) {
    const StoredRecord& any = upserts.empty() ? from.patches.front() : from.upserts.front();
    write.version = any.version;
    write.updated_at = any.updated_at;
    write.media_type = any.media_type;
    write.metadata = &any.metadata;
  }
  write.upserts = upserts;
  write.patches = patches;
  write.deletes = deletes;
  write.replace_all = from.replace_all;
  return sink.Write({&write, 1});
}

}  // namespace

HttpService::HttpService(const HttpServiceOptions& options)
    : options_(options),
      embedder_(options.embedder),
      store_(options.store),
      acceptor_([this](Connection& connection) { Serve(connection); }) {}

HttpServiceOptions HttpService::options() const {
  const std::lock_guard lock(mutex_);
  return options_;
}

void HttpService::RefuseNothing() {
  const std::lock_guard lock(mutex_);
  options_.refused_word.clear();
  options_.refused_document.clear();
}

HttpService::Counts HttpService::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void HttpService::Serve(Connection& connection) {
  while (true) {
    const absl::StatusOr<HttpMessage> request = ReadMessage(connection, kNever);
    if (!request.ok()) return;
    const std::size_t begin = request->start.find('/');
    const std::string path = request->start.substr(begin, request->start.find(' ', begin) - begin);
    const std::string id = request->Header("x-request-id");
    absl::StatusOr<json> answer;
    try {
      answer = Answer(path, ToNumber(id).value_or(0), FromBody(request->body));
    } catch (const json::exception& error) {
      answer = absl::InternalError(error.what());
    }
    const std::string body = ToBody(answer.ok() ? *answer : json(answer.status().message()));
    const std::string start = fmt::format("HTTP/1.1 {} -", ToHttpCode(answer.status()));
    if (!connection.Send(ToWire({start, {{"x-request-id", id}}, body}), kNever).ok()) return;
  }
}

absl::StatusOr<json> HttpService::Answer(std::string_view path, std::uint64_t number, const json& body) {
  if (path == "/embed") return Embed(body);
  if (path == "/ensure" || path == "/write" || path == "/flush") return Change(path, number, body);
  VectorSink& sink = store_.sink();
  if (path == "/find") {
    const auto keys = body.get<std::vector<std::string>>();
    VectorsAnswer found;
    RAGPIPE_RETURN_IF_ERROR(sink.FindVectors(std::vector<std::string_view>(keys.begin(), keys.end()), found.vectors));
    return found;
  }
  const auto source = body.at("source").get<std::string>();
  if (path == "/documents") {
    const auto after = body.at("after").get<std::string>();
    RAGPIPE_ASSIGN_OR_RETURN(json listed, sink.ListDocuments(source, after, body.at("limit").get<std::size_t>()));
    return listed;
  }
  const auto ids = body.at("ids").get<std::vector<std::string>>();
  std::vector<StoredRecord> records;
  RAGPIPE_RETURN_IF_ERROR(sink.ReadRecords(source, std::vector<std::string_view>(ids.begin(), ids.end()), records));
  return json(records);
}

absl::StatusOr<json> HttpService::Change(std::string_view path, std::uint64_t number, const json& body) {
  const std::lock_guard change(changing_);
  {
    const std::lock_guard lock(mutex_);
    if (number < newest_change_) ++counts_.outdated;
    if (number == newest_change_) ++counts_.repeated;
  }
  if (number < newest_change_) return absl::AbortedError("a newer change came before");
  newest_change_ = number;
  if (path == "/write") return Write(body);
  if (path == "/flush") {
    RAGPIPE_RETURN_IF_ERROR(store_.sink().Flush());
  } else {
    RAGPIPE_RETURN_IF_ERROR(store_.sink().EnsureCollection({body.at("recipe").get<Recipe>(), body.at("rebuild").get<bool>()}));
  }
  return json::object();
}

/// Stores what can be stored, and names the rest: as bulk interfaces do.
absl::StatusOr<json> HttpService::Write(const json& body) {
  const auto writes = body.get<std::vector<HttpWrite>>();
  if (writes.size() > options_.most_documents) return absl::OutOfRangeError("too many documents");
  const std::string refused = options().refused_document;
  json errors = json::array();
  for (const HttpWrite& write : writes) {
    if (write.document_id == refused && !(write.upserts.empty() && write.patches.empty())) {
      errors.push_back(write.document_id);
    } else {
      RAGPIPE_RETURN_IF_ERROR(Store(store_.sink(), write));
    }
  }
  return errors;
}

absl::StatusOr<json> HttpService::Embed(const json& body) {
  const auto texts = body.get<std::vector<std::string>>();
  if (texts.size() > options_.most_texts) return absl::OutOfRangeError("too many texts");
  const std::string refused = options().refused_word;
  VectorsAnswer answer;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string_view text = texts[i];
    std::vector<float> vector(embedder_.dimension());
    if (!refused.empty() && text.find(refused) != std::string_view::npos) {
      answer.errors.push_back(i);
    } else {
      RAGPIPE_RETURN_IF_ERROR(embedder_.Embed({.texts = {&text, 1}}, vector));
    }
    answer.vectors.push_back(vector);
  }
  return answer;
}

}  // namespace ragpipe::proof

#include "proof/http_stages.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/status_macros.h"
#include "proof/http_service.h"
#include "ragpipe/retry.h"

namespace ragpipe::proof {
namespace {

using nlohmann::json;

/// What the service says by its code, and what it asks for.
absl::Status ToStatus(const HttpMessage& response) {
  int code = 0;
  if (response.start.starts_with("HTTP/1.1 ")) {
    std::from_chars(response.start.data() + 9, response.start.data() + response.start.size(), code);
  }
  const std::string message = fmt::format("the service answered {}", code);
  absl::Status status;
  switch (code) {
    case 200:
      return absl::OkStatus();
    case 409:
      return absl::AbortedError(message);
    case 412:
      return absl::FailedPreconditionError(message);
    case 413:
    case 422:
      return absl::InvalidArgumentError(message);
    case 408:
    case 504:
      return absl::DeadlineExceededError(message);
    case 429:
      status = absl::ResourceExhaustedError(message);
      break;
    case 0:  // no HTTP at all
    case 502:
    case 503:
      status = absl::UnavailableError(message);
      break;
    default:
      return absl::InternalError(message);
  }
  const std::string pause = response.Header("retry-after-ms");
  std::int64_t pause_ms = 0;
  std::from_chars(pause.data(), pause.data() + pause.size(), pause_ms);
  if (pause_ms > 0) SetRetryAfter(status, absl::Milliseconds(pause_ms));
  return status;
}

/// Reads an answer whose form nobody promised.
absl::Status Read(const json& answer, const std::function<absl::Status(const json&)>& read) {
  try {
    return read(answer);
  } catch (const json::exception&) {
    return absl::UnavailableError("the service answered something else");
  }
}

absl::Status CheckNoErrors(const json& answer, std::string_view what) {
  if (answer.at("errors").empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("the service refused {} {}", answer.at("errors").size(), what));
}

template <class Strings>
json ToArray(const Strings& strings) {
  json array = json::array();
  for (const std::string_view string : strings) array.push_back(string);
  return array;
}

}  // namespace

absl::StatusOr<json> HttpClient::Post(std::string_view path, const json& body, absl::Time deadline) {
  const std::string id = std::to_string(++last_number_);
  Deadline until = std::chrono::steady_clock::now() + timeout_.load();
  if (deadline != absl::InfiniteFuture()) {
    const absl::Duration left = std::clamp(deadline - absl::Now(), absl::ZeroDuration(), absl::Hours(1));
    until = std::min(until, std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(left));
  }
  RAGPIPE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Take(until));
  const HttpMessage request{fmt::format("POST {} HTTP/1.1", path), {{"host", "loopback"}, {"x-request-id", id}}, body.dump()};
  RAGPIPE_RETURN_IF_ERROR(connection->Send(ToWire(request), until));
  RAGPIPE_ASSIGN_OR_RETURN(const HttpMessage response, ReadMessage(*connection, until));
  const absl::Status status = ToStatus(response);
  const std::string answered = response.Header("x-request-id");
  if (answered != id && (status.ok() || !answered.empty())) {
    ++misplaced_;
    return absl::AbortedError("the answer of another request");
  }
  json answer = json::parse(response.body, nullptr, false);
  if (status.ok() && answer.is_discarded()) return absl::UnavailableError("the answer is cut");
  if (answered == id) {  // only what answered as it should is used again
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  RAGPIPE_RETURN_IF_ERROR(status);
  return answer;
}

absl::StatusOr<std::unique_ptr<Connection>> HttpClient::Take(Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      ++reused_;
      return connection;
    }
  }
  RAGPIPE_ASSIGN_OR_RETURN(const int port, resolve_());
  RAGPIPE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Open(port, deadline));
  if (tls_ != nullptr) RAGPIPE_RETURN_IF_ERROR(connection->StartTls(tls_.get(), /*is_server=*/false, deadline));
  return connection;
}

absl::Status HttpEmbedder::Embed(const EmbedRequest& request, std::span<float> out) {
  RAGPIPE_ASSIGN_OR_RETURN(const json answer, client_.Post("/embed", {{"texts", ToArray(request.texts)}}, request.deadline));
  return Read(answer, [&](const json& from) -> absl::Status {
    RAGPIPE_RETURN_IF_ERROR(CheckNoErrors(from, "texts"));
    const auto vectors = from.at("vectors").get<std::vector<std::vector<float>>>();
    if (vectors.size() != request.texts.size()) return absl::UnavailableError("the answer has another number of vectors");
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      if (vectors[i].size() != dimension_) return absl::UnavailableError("the answer has vectors of another length");
      std::copy(vectors[i].begin(), vectors[i].end(), out.begin() + static_cast<std::ptrdiff_t>(i * dimension_));
    }
    return absl::OkStatus();
  });
}

absl::Status HttpSink::EnsureCollection(const CollectionSpec& spec) {
  const Recipe& recipe = spec.recipe;
  return client_
      .Post("/ensure", {{"chunker", recipe.chunker},
                        {"embedder", recipe.embedder},
                        {"dimension", recipe.dimension},
                        {"metric", static_cast<int>(recipe.metric)},
                        {"schema", recipe.schema},
                        {"rebuild", spec.rebuild}})
      .status();
}

absl::Status HttpSink::Write(std::span<const DocumentWrite> writes) {
  json body = json::array();
  for (const DocumentWrite& write : writes) {
    json upserts = json::array();
    json patches = json::array();
    for (const Record& record : write.upserts) upserts.push_back(ToJson(ToStoredRecord(write, record)));
    for (const Record& record : write.patches) patches.push_back(ToJson(ToStoredRecord(write, record)));
    body.push_back({{"source", write.source},
                    {"document", write.document_id},
                    {"upserts", std::move(upserts)},
                    {"patches", std::move(patches)},
                    {"deletes", ToArray(write.deletes)},
                    {"replace_all", write.replace_all}});
  }
  RAGPIPE_ASSIGN_OR_RETURN(const json answer, client_.Post("/write", {{"writes", std::move(body)}}));
  return Read(answer, [](const json& from) { return CheckNoErrors(from, "documents"); });
}

absl::Status HttpSink::Flush() { return client_.Post("/flush", json::object()).status(); }

absl::Status HttpSink::FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) {
  if (!options_.finds_vectors) return VectorSink::FindVectors(text_keys, out);
  json keys = json::array();
  for (const std::string_view key : text_keys) keys.push_back(ToHex(key));
  RAGPIPE_ASSIGN_OR_RETURN(const json answer, client_.Post("/find", {{"keys", std::move(keys)}}));
  return Read(answer, [&](const json& from) -> absl::Status {
    out = from.at("vectors").get<std::vector<std::vector<float>>>();
    if (out.size() != text_keys.size()) return absl::UnavailableError("the answer has another number of vectors");
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<std::string>> HttpSink::ListDocuments(std::string_view source, std::string_view after,
                                                                 std::size_t limit) {
  RAGPIPE_ASSIGN_OR_RETURN(const json answer,
                           client_.Post("/documents", {{"source", source}, {"after", after}, {"limit", limit}}));
  std::vector<std::string> ids;
  RAGPIPE_RETURN_IF_ERROR(Read(answer, [&](const json& from) {
    ids = from.at("ids").get<std::vector<std::string>>();
    return absl::OkStatus();
  }));
  return ids;
}

absl::Status HttpSink::ReadRecords(std::string_view source, std::span<const std::string_view> document_ids,
                                   std::vector<StoredRecord>& out) {
  RAGPIPE_ASSIGN_OR_RETURN(const json answer, client_.Post("/records", {{"source", source}, {"ids", ToArray(document_ids)}}));
  return Read(answer, [&](const json& from) {
    for (const json& record : from.at("records")) out.push_back(ToStoredRecord(record));
    return absl::OkStatus();
  });
}

}  // namespace ragpipe::proof

#include "proof/http_stages.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/status_macros.h"
#include "proof/http.h"
#include "proof/http_messages.h"
#include "ragpipe/retry.h"

namespace ragpipe::proof {
namespace {

using nlohmann::json;

/// What the service says by its code, and what it asks for.
absl::Status ToStatus(const HttpMessage& response) {
  const bool is_http = response.start.starts_with("HTTP/1.1 ");
  const std::uint64_t code = is_http ? ToNumber(std::string_view(response.start).substr(9, 3)).value_or(0) : 0;
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
  if (const auto pause_ms = ToNumber(response.Header("retry-after-ms"))) {
    SetRetryAfter(status, absl::Milliseconds(*pause_ms));
  }
  return status;
}

/// An answer, whose form nobody promised.
template <class T>
absl::StatusOr<T> Call(HttpClient& client, std::string_view path, const json& body,
                       absl::Time deadline = absl::InfiniteFuture()) {
  RAGPIPE_ASSIGN_OR_RETURN(const json answer, client.Post(path, body, deadline));
  try {
    return answer.get<T>();
  } catch (const json::exception&) {
    return absl::UnavailableError("the service answered something else");
  }
}

absl::Status CheckCount(std::size_t vectors, std::size_t wanted) {
  if (vectors == wanted) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("{} vectors came for {} texts", vectors, wanted));
}

json ToArray(std::span<const std::string_view> strings) { return std::vector<std::string>(strings.begin(), strings.end()); }

}  // namespace

absl::StatusOr<json> HttpClient::Post(std::string_view path, const json& body, absl::Time deadline) {
  const std::string id = std::to_string(++last_number_);
  Deadline until = std::chrono::steady_clock::now() + timeout_.load();
  if (deadline != absl::InfiniteFuture()) {
    const absl::Duration left = std::clamp(deadline - absl::Now(), absl::ZeroDuration(), absl::Hours(1));
    until = std::min(until, std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(left));
  }
  RAGPIPE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Take(until));
  const HttpMessage request{fmt::format("POST {} HTTP/1.1", path), {{"host", "loopback"}, {"x-request-id", id}}, ToBody(body)};
  RAGPIPE_RETURN_IF_ERROR(connection->Send(ToWire(request), until));
  RAGPIPE_ASSIGN_OR_RETURN(const HttpMessage response, ReadMessage(*connection, until));
  const absl::Status status = ToStatus(response);
  const std::string answered = response.Header("x-request-id");
  if (answered != id && (status.ok() || !answered.empty())) {
    ++misplaced_;
    return absl::AbortedError("the answer of another request");
  }
  json answer = FromBody(response.body);
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
  RAGPIPE_ASSIGN_OR_RETURN(const VectorsAnswer answer,
                           Call<VectorsAnswer>(client_, "/embed", ToArray(request.texts), request.deadline));
  if (!answer.errors.empty()) {
    return absl::InvalidArgumentError(fmt::format("the service refused {} texts", answer.errors.size()));
  }
  RAGPIPE_RETURN_IF_ERROR(CheckCount(answer.vectors.size(), request.texts.size()));
  auto to = out.begin();
  for (const std::vector<float>& vector : answer.vectors) {
    if (vector.size() != dimension_) return absl::UnavailableError("a vector of another length came");
    to = std::copy(vector.begin(), vector.end(), to);
  }
  return absl::OkStatus();
}

absl::Status HttpSink::EnsureCollection(const CollectionSpec& spec) {
  return client_.Post("/ensure", {{"recipe", spec.recipe}, {"rebuild", spec.rebuild}}).status();
}

absl::Status HttpSink::Write(std::span<const DocumentWrite> writes) {
  json body = json::array();
  for (const DocumentWrite& from : writes) {
    HttpWrite write{std::string(from.source), std::string(from.document_id)};
    for (const Record& record : from.upserts) write.upserts.push_back(ToStoredRecord(from, record));
    for (const Record& record : from.patches) write.patches.push_back(ToStoredRecord(from, record));
    write.deletes.assign(from.deletes.begin(), from.deletes.end());
    write.replace_all = from.replace_all;
    body.push_back(write);
  }
  RAGPIPE_ASSIGN_OR_RETURN(const auto refused, Call<std::vector<std::string>>(client_, "/write", body));
  if (refused.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("the service refused {} documents", refused.size()));
}

absl::Status HttpSink::Flush() { return client_.Post("/flush", json::object()).status(); }

absl::Status HttpSink::FindVectors(std::span<const std::string_view> text_keys, std::vector<std::vector<float>>& out) {
  if (!options_.finds_vectors) return VectorSink::FindVectors(text_keys, out);
  RAGPIPE_ASSIGN_OR_RETURN(VectorsAnswer answer, Call<VectorsAnswer>(client_, "/find", ToArray(text_keys)));
  out = std::move(answer.vectors);
  return CheckCount(out.size(), text_keys.size());
}

absl::StatusOr<std::vector<std::string>> HttpSink::ListDocuments(std::string_view source, std::string_view after,
                                                                 std::size_t limit) {
  return Call<std::vector<std::string>>(client_, "/documents", {{"source", source}, {"after", after}, {"limit", limit}});
}

absl::Status HttpSink::ReadRecords(std::string_view source, std::span<const std::string_view> document_ids,
                                   std::vector<StoredRecord>& out) {
  const json body = {{"source", source}, {"ids", ToArray(document_ids)}};
  RAGPIPE_ASSIGN_OR_RETURN(std::vector<StoredRecord> records, Call<std::vector<StoredRecord>>(client_, "/records", body));
  std::move(records.begin(), records.end(), std::back_inserter(out));
  return absl::OkStatus();
}

}  // namespace ragpipe::proof

#include "fs/jsonl_record.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <variant>

#include "core/status_macros.h"

namespace ragpipe::fs {
namespace {

constexpr std::size_t kMaxIdBytes = 4096;
constexpr double kMaxUnixSeconds = 253402300800;  // the year 10000

}  // namespace

absl::Status CheckFields(const JsonlSourceOptions& options) {
  if (options.id_field.empty()) return absl::InvalidArgumentError("id_field is empty; name the field with the document ids");
  if (options.text_field.empty()) return absl::InvalidArgumentError("text_field is empty; name the field with the text");
  const std::vector<const std::string*> roles = {&options.id_field, &options.text_field, &options.deleted_field,
                                                 &options.ordinal_field, &options.updated_at_field};
  for (auto role = roles.begin(); role != roles.end(); ++role) {
    const bool again = std::any_of(roles.begin(), role, [role](const std::string* other) { return *other == **role; });
    if (again && !(*role)->empty()) {
      return absl::InvalidArgumentError(fmt::format(
          "the field '{}' has two roles; id, text, deleted, ordinal and updated_at are fields of their own", **role));
    }
  }
  const auto& metadata = options.metadata_fields;
  for (auto field = metadata.begin(); field != metadata.end(); ++field) {
    if (field->empty()) return absl::InvalidArgumentError("metadata_fields has an empty name");
    if (std::find(metadata.begin(), field, *field) != field) {
      return absl::InvalidArgumentError(fmt::format("metadata_fields has '{}' twice", *field));
    }
  }
  return absl::OkStatus();
}

JsonlRecordReader::JsonlRecordReader(const JsonlSourceOptions& options)
    : media_type_(options.media_type),
      id_(Index(options.id_field)),
      text_(Index(options.text_field)),
      deleted_(Index(options.deleted_field)),
      ordinal_(Index(options.ordinal_field)),
      updated_at_(Index(options.updated_at_field)) {
  for (const std::string& field : options.metadata_fields) metadata_.push_back(Index(field));
  // With other options the same line is another document.
  for (const std::string* option : {&options.id_field, &options.text_field, &options.deleted_field, &options.ordinal_field,
                                    &options.updated_at_field, &options.media_type}) {
    reading_.Add(*option);
  }
  reading_.Add(options.metadata_fields.size());
  for (const std::string& field : options.metadata_fields) reading_.Add(field);
}

std::size_t JsonlRecordReader::Index(const std::string& field) {
  if (field.empty()) return kNone;
  const auto found = std::find(names_.begin(), names_.end(), field);
  if (found != names_.end()) return static_cast<std::size_t>(found - names_.begin());
  names_.push_back(field);
  return names_.size() - 1;
}

JsonlRecord JsonlRecordReader::Read(std::string_view line) {
  JsonlRecord record;
  record.status = ParseFields(line, names_, values_);
  record.is_object = record.status.ok();
  if (record.is_object) record.status = TakeChange(line, record.change);
  return record;
}

absl::Status JsonlRecordReader::FieldError(std::size_t field, std::string_view wanted) const {
  return absl::InvalidArgumentError(
      fmt::format("the field '{}' is {}; it must be {}", names_[field], KindOf(values_[field]), wanted));
}

absl::Status JsonlRecordReader::TakeChange(std::string_view line, Change& change) {
  RAGPIPE_RETURN_IF_ERROR(TakeId(change));
  RAGPIPE_RETURN_IF_ERROR(TakeKind(change));
  RAGPIPE_RETURN_IF_ERROR(TakeOrdinal(change));
  RAGPIPE_RETURN_IF_ERROR(TakeUpdatedAt(change));
  change.version.token = internal::Fingerprint(reading_).Add(line).Hex();
  if (change.kind == Change::Kind::kDelete) return absl::OkStatus();

  Document document;
  RAGPIPE_RETURN_IF_ERROR(TakeMetadata(document.metadata));
  auto* text = std::get_if<std::string>(&values_[text_]);
  if (text == nullptr) return FieldError(text_, "a string");
  document.id = change.document_id;
  document.text = std::move(*text);
  document.media_type = media_type_;
  document.version = change.version;
  document.updated_at = change.updated_at;
  change.size_hint = document.text.size();
  change.document = std::move(document);
  return absl::OkStatus();
}

absl::Status JsonlRecordReader::TakeId(Change& change) {
  const FieldValue& value = values_[id_];
  std::string id;
  if (const auto* text = std::get_if<std::string>(&value)) {
    id = *text;
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    id = fmt::format("{}", *integer);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
    id = fmt::format("{}", *natural);
  } else {
    return FieldError(id_, "a string or an integer");
  }
  if (id.empty() || id.size() > kMaxIdBytes || id.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        fmt::format("the field '{}' is no document id: 1 to {} bytes without NUL", names_[id_], kMaxIdBytes));
  }
  change.document_id = std::move(id);
  return absl::OkStatus();
}

absl::Status JsonlRecordReader::TakeKind(Change& change) const {
  if (deleted_ == kNone || std::holds_alternative<std::monostate>(values_[deleted_])) return absl::OkStatus();
  const bool* deleted = std::get_if<bool>(&values_[deleted_]);
  if (deleted == nullptr) return FieldError(deleted_, "true, false, null or absent");
  if (*deleted) change.kind = Change::Kind::kDelete;
  return absl::OkStatus();
}

absl::Status JsonlRecordReader::TakeOrdinal(Change& change) const {
  if (ordinal_ == kNone) return absl::OkStatus();
  const FieldValue& value = values_[ordinal_];
  if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
    change.version.ordinal = *natural;
    return absl::OkStatus();
  }
  if (const auto* integer = std::get_if<std::int64_t>(&value); integer != nullptr && *integer < 0) {
    return absl::InvalidArgumentError(fmt::format("the field '{}' is negative; it must be an integer >= 0", names_[ordinal_]));
  }
  return FieldError(ordinal_, "an integer >= 0");
}

absl::Status JsonlRecordReader::TakeUpdatedAt(Change& change) const {
  if (updated_at_ == kNone || std::holds_alternative<std::monostate>(values_[updated_at_])) return absl::OkStatus();
  const FieldValue& value = values_[updated_at_];
  if (const auto* text = std::get_if<std::string>(&value)) {
    absl::Time time;
    std::string ignored;  // it quotes the text
    if (!absl::ParseTime(absl::RFC3339_full, *text, &time, &ignored) || time == absl::InfiniteFuture() ||
        time == absl::InfinitePast()) {
      return absl::InvalidArgumentError(
          fmt::format("the field '{}' is no RFC 3339 time, such as 2026-01-31T23:59:59Z", names_[updated_at_]));
    }
    change.updated_at = time;
    return absl::OkStatus();
  }
  double seconds = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    seconds = static_cast<double>(*integer);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
    seconds = static_cast<double>(*natural);
  } else if (const auto* number = std::get_if<double>(&value)) {
    seconds = *number;
  } else {
    return FieldError(updated_at_, "RFC 3339 text or a number of seconds");
  }
  if (!(std::abs(seconds) < kMaxUnixSeconds)) {
    return absl::InvalidArgumentError(fmt::format(
        "the field '{}' is beyond the year 9999; it must be seconds since 1970, not milliseconds", names_[updated_at_]));
  }
  change.updated_at = absl::UnixEpoch() + absl::Seconds(seconds);
  return absl::OkStatus();
}

absl::Status JsonlRecordReader::TakeMetadata(Metadata& metadata) const {
  for (const std::size_t field : metadata_) {
    const FieldValue& value = values_[field];
    MetadataValue& stored = metadata[names_[field]];
    if (const auto* boolean = std::get_if<bool>(&value)) {
      stored = *boolean;
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      stored = *integer;
    } else if (const auto* natural = std::get_if<std::uint64_t>(&value);
               natural != nullptr && *natural <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      stored = static_cast<std::int64_t>(*natural);
    } else if (const auto* number = std::get_if<double>(&value)) {
      stored = *number;
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      stored = *text;
    } else if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
      stored = *list;
    } else if (std::holds_alternative<std::monostate>(value)) {
      metadata.erase(names_[field]);
    } else {
      return FieldError(field, "a boolean, a number of at most 64 bits with its sign, a string or a list of strings");
    }
  }
  return absl::OkStatus();
}

}  // namespace ragpipe::fs

#include "engine/metadata_schema.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/json.h"
#include "core/utf8.h"

namespace ragpipe::internal {
namespace {

constexpr std::size_t kMaxPrintedNameBytes = 200;
constexpr std::size_t kEvolvedKept = 20;
constexpr std::int64_t kExactInDouble = std::int64_t{1} << 53;

bool IsExactInDouble(std::int64_t number) { return number >= -kExactInDouble && number <= kExactInDouble; }

std::string PrintableName(std::string_view name) { return Printable(name, kMaxPrintedNameBytes); }

std::string DescribeUndeclared(std::string_view name, FieldType found) {
  return fmt::format("the metadata field '{}' ({}) is not declared in PipelineOptions::schema", PrintableName(name),
                     ToString(found));
}

std::string DescribeMistyped(std::string_view name, FieldType declared, FieldType found) {
  return fmt::format("the metadata field '{}' is declared {} in PipelineOptions::schema and came as {}{}", PrintableName(name),
                     ToString(declared), ToString(found),
                     declared == FieldType::kDouble && found == FieldType::kInteger ? " that no double holds exactly" : "");
}

std::string DescribeMissing(std::string_view name, FieldType declared) {
  return fmt::format("the metadata field '{}' ({}), which PipelineOptions::schema requires, is missing", PrintableName(name),
                     ToString(declared));
}

/// What the policies make of one document.
class Verdict {
 public:
  /// `describe` says what is wrong. True when the field is to be discarded.
  template <class F>
  bool Judge(SchemaPolicy policy, const F& describe) {
    if (policy == SchemaPolicy::kFreeze && !absl::IsFailedPrecondition(status_)) {
      status_ = absl::FailedPreconditionError(describe() + "; that freezes the run until the source or the schema changes");
    } else if (policy == SchemaPolicy::kDeadLetter && status_.ok()) {
      status_ = absl::InvalidArgumentError(describe());
    }
    return policy == SchemaPolicy::kDiscardField;
  }

  absl::Status status() && { return std::move(status_); }
  bool ok() const { return status_.ok(); }

 private:
  absl::Status status_;
};

}  // namespace

absl::Status CheckSchema(const Schema& schema) {
  auto refuse = [](std::string what) { return absl::FailedPreconditionError("PipelineOptions::schema: " + std::move(what)); };
  std::set<std::string_view> names;
  for (const SchemaField& field : schema.fields) {
    if (field.name.empty()) return refuse("a field has no name");
    if (FindInvalidUtf8(field.name) != std::string_view::npos || field.name.find('\0') != std::string::npos) {
      return refuse(fmt::format("the name '{}' is not UTF-8 without NUL", PrintableName(field.name)));
    }
    if (!names.insert(field.name).second) {
      return refuse(fmt::format("the field '{}' is declared twice", PrintableName(field.name)));
    }
  }
  if (schema.missing == SchemaPolicy::kDiscardField) {
    return refuse("a missing field cannot be discarded; `missing` is kEvolve, kFreeze or kDeadLetter");
  }
  return absl::OkStatus();
}

MetadataSchema::MetadataSchema(const Schema& schema)
    : undeclared_(schema.undeclared), mistyped_(schema.mistyped), missing_(schema.missing) {
  for (const SchemaField& field : schema.fields) fields_[field.name] = {field.type, field.required};
}

absl::Status MetadataSchema::Apply(Metadata& metadata, RunReport::Fields& found) const {
  Verdict verdict;
  std::vector<Metadata::iterator> discarded;
  std::vector<MetadataValue*> integers;  // where a double is declared
  for (auto entry = metadata.begin(); entry != metadata.end(); ++entry) {
    const auto& [name, value] = *entry;
    const FieldType type = TypeOf(value);
    const auto field = fields_.find(name);
    SchemaPolicy policy = undeclared_;
    bool discard = false;
    if (field == fields_.end()) {
      ++found.undeclared;
      discard = verdict.Judge(policy, [&] { return DescribeUndeclared(name, type); });
    } else if (const FieldType declared = field->second.type; declared != type) {
      const auto* const integer = std::get_if<std::int64_t>(&value);
      if (declared == FieldType::kDouble && integer != nullptr && IsExactInDouble(*integer)) {
        integers.push_back(&entry->second);
        continue;
      }
      ++found.mistyped;
      policy = mistyped_;
      discard = verdict.Judge(policy, [&] { return DescribeMistyped(name, declared, type); });
    } else {
      continue;
    }
    if (discard) discarded.push_back(entry);
    if (policy == SchemaPolicy::kEvolve && found.evolved.size() < kEvolvedKept) {
      found.evolved.push_back({PrintableName(name), type});
    }
  }
  for (const auto& [name, field] : fields_) {
    if (!field.required) continue;
    const auto entry = metadata.find(name);
    if (entry != metadata.end() && std::find(discarded.begin(), discarded.end(), entry) == discarded.end()) continue;
    ++found.missing;
    verdict.Judge(missing_, [&name = name, &field = field] { return DescribeMissing(name, field.type); });
  }
  if (!verdict.ok()) {
    found.evolved.clear();
    return std::move(verdict).status();
  }
  found.discarded = discarded.size();
  for (MetadataValue* const value : integers) *value = static_cast<double>(std::get<std::int64_t>(*value));
  for (const Metadata::iterator entry : discarded) metadata.erase(entry);
  return absl::OkStatus();
}

std::string MetadataSchema::Fingerprint() const {
  if (asks_nothing()) return "";
  std::string text = "fields=[";
  bool any_required = false;
  std::string_view separator;
  for (const auto& [name, field] : fields_) {
    text += separator;
    AppendJsonString(text, name);
    fmt::format_to(std::back_inserter(text), " {}{}", ToString(field.type), field.required ? " required" : "");
    any_required = any_required || field.required;
    separator = ", ";
  }
  fmt::format_to(std::back_inserter(text), "];undeclared={}", ToString(undeclared_));
  if (!fields_.empty()) fmt::format_to(std::back_inserter(text), ";mistyped={}", ToString(mistyped_));
  if (any_required) fmt::format_to(std::back_inserter(text), ";missing={}", ToString(missing_));
  return text;
}

void AddFields(const RunReport::Fields& found, RunReport::Fields& sum) {
  sum.undeclared += found.undeclared;
  sum.mistyped += found.mistyped;
  sum.missing += found.missing;
  sum.discarded += found.discarded;
  for (const RunReport::Fields::Evolved& field : found.evolved) {
    if (sum.evolved.size() == kEvolvedKept) return;
    if (std::find(sum.evolved.begin(), sum.evolved.end(), field) == sum.evolved.end()) sum.evolved.push_back(field);
  }
}

}  // namespace ragpipe::internal

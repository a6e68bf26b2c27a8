#include "sqlite/filter.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "core/status_macros.h"
#include "sqlite/codec.h"

namespace ragpipe::sqlite {
namespace {

// facets.kind: only values of one kind are ever compared. SQLite compares integers with doubles exactly, and strings bytewise.
enum Kind : int { kBool = 0, kNumber = 1, kString = 2, kList = 3, kListItem = 4 };

// Calls `use` with the kind and value that stand for `value` in the table; a list stands there whole, as JSON.
template <class Use>
absl::Status WithStored(const MetadataValue& value, const Use& use) {
  if (const auto* truth = std::get_if<bool>(&value)) return use(kBool, std::int64_t{*truth});
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return use(kNumber, *integer);
  if (const auto* number = std::get_if<double>(&value)) return use(kNumber, *number);
  if (const auto* text = std::get_if<std::string>(&value)) return use(kString, std::string_view(*text));
  RAGPIPE_ASSIGN_OR_RETURN(const std::string json, EncodeStrings(std::get<std::vector<std::string>>(value)));
  return use(kList, std::string_view(json));
}

// Calls `use` with the kind and value of each row that a field has.
template <class Use>
absl::Status ForEachRow(const MetadataValue& value, const Use& use) {
  RAGPIPE_RETURN_IF_ERROR(WithStored(value, use));
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    for (const std::string& item : *list) RAGPIPE_RETURN_IF_ERROR(use(kListItem, std::string_view(item)));
  }
  return absl::OkStatus();
}

// Adds the documents of the rows to `documents`.
absl::Status AddAll(Statement&& rows, std::vector<bool>& documents) {
  while (true) {
    RAGPIPE_ASSIGN_OR_RETURN(const bool found, rows.Next());
    if (!found) return absl::OkStatus();
    const auto document = static_cast<std::size_t>(rows.Int(0));
    if (document < documents.size()) documents[document] = true;
  }
}

absl::Status AddEqual(Database& db, const std::string& field, const MetadataValue& value, std::vector<bool>& documents) {
  return WithStored(value, [&](Kind kind, const auto& stored) {
    return AddAll(db.Query("SELECT document FROM facets WHERE field = ? AND kind = ? AND value = ?", field, int{kind}, stored),
                  documents);
  });
}

absl::Status AddOrdered(Database& db, const Condition& condition, std::string_view sql, std::vector<bool>& documents) {
  return WithStored(condition.values.front(), [&](Kind kind, const auto& stored) -> absl::Status {
    if (kind != kNumber && kind != kString) return absl::OkStatus();  // no order between them
    return AddAll(db.Query(sql, condition.field, int{kind}, stored), documents);
  });
}

// Adds the documents that meet the condition, or for kNotEqual and kAbsent those that do not.
absl::Status AddMatches(Database& db, const Condition& condition, std::vector<bool>& documents) {
  const std::string& field = condition.field;
  switch (condition.op) {
    case Condition::Op::kEqual:
    case Condition::Op::kNotEqual:
    case Condition::Op::kAnyOf:
      for (const MetadataValue& value : condition.values) RAGPIPE_RETURN_IF_ERROR(AddEqual(db, field, value, documents));
      return absl::OkStatus();
    case Condition::Op::kLess:
      return AddOrdered(db, condition, "SELECT document FROM facets WHERE field = ? AND kind = ? AND value < ?", documents);
    case Condition::Op::kLessOrEqual:
      return AddOrdered(db, condition, "SELECT document FROM facets WHERE field = ? AND kind = ? AND value <= ?", documents);
    case Condition::Op::kGreater:
      return AddOrdered(db, condition, "SELECT document FROM facets WHERE field = ? AND kind = ? AND value > ?", documents);
    case Condition::Op::kGreaterOrEqual:
      return AddOrdered(db, condition, "SELECT document FROM facets WHERE field = ? AND kind = ? AND value >= ?", documents);
    case Condition::Op::kContains:
      if (const auto* item = std::get_if<std::string>(&condition.values.front())) {
        return AddAll(db.Query("SELECT document FROM facets WHERE field = ? AND kind = 4 AND value = ?", field, *item),
                      documents);
      }
      return absl::OkStatus();
    case Condition::Op::kPresent:
    case Condition::Op::kAbsent:
      return AddAll(db.Query("SELECT document FROM facets WHERE field = ?", field), documents);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status InsertFacets(Database& db, std::int64_t document, const Metadata& metadata) {
  for (const auto& [name, value] : metadata) {
    const std::string_view field = name;
    RAGPIPE_RETURN_IF_ERROR(ForEachRow(value, [&](Kind kind, const auto& stored) {
      return db.Run("INSERT OR IGNORE INTO facets(field, kind, value, document) VALUES(?, ?, ?, ?)", field, int{kind}, stored,
                    document);
    }));
  }
  return absl::OkStatus();
}

absl::Status DeleteFacets(Database& db, std::int64_t document, const Metadata& metadata) {
  for (const auto& [name, value] : metadata) {
    const std::string_view field = name;
    RAGPIPE_RETURN_IF_ERROR(ForEachRow(value, [&](Kind kind, const auto& stored) {
      return db.Run("DELETE FROM facets WHERE field = ? AND kind = ? AND value = ? AND document = ?", field, int{kind}, stored,
                    document);
    }));
  }
  return absl::OkStatus();
}

absl::Status CheckFilter(const Filter& filter) {
  for (const Condition& condition : filter) {
    const bool none = condition.op == Condition::Op::kPresent || condition.op == Condition::Op::kAbsent;
    const bool any = condition.op == Condition::Op::kAnyOf;
    const std::size_t count = condition.values.size();
    if (!any && count != (none ? 0U : 1U)) {
      return absl::InvalidArgumentError(
          fmt::format("the condition on '{}' has {} values; it takes {}", condition.field, count, none ? "none" : "one"));
    }
    for (const MetadataValue& value : condition.values) {
      const auto* number = std::get_if<double>(&value);
      if (number != nullptr && std::isnan(*number)) {
        return absl::InvalidArgumentError(
            fmt::format("the condition on '{}' compares with NaN, which nothing meets", condition.field));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<bool>> MatchDocuments(Database& db, const Filter& filter) {
  std::size_t size = 0;
  {
    Statement last = db.Query("SELECT coalesce(max(id), 0) FROM documents");
    RAGPIPE_RETURN_IF_ERROR(last.Next().status());
    size = static_cast<std::size_t>(last.Int(0)) + 1;
  }
  std::vector<bool> documents(size, true);
  for (const Condition& condition : filter) {
    const bool negated = condition.op == Condition::Op::kNotEqual || condition.op == Condition::Op::kAbsent;
    std::vector<bool> matches(size, false);
    RAGPIPE_RETURN_IF_ERROR(AddMatches(db, condition, matches));
    for (std::size_t i = 0; i < size; ++i) {
      if (matches[i] == negated) documents[i] = false;
    }
  }
  return documents;
}

}  // namespace ragpipe::sqlite

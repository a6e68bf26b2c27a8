#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/export.h"
#include "ragpipe/metadata.h"

namespace ragpipe {

/// One for each alternative of MetadataValue, in its order.
enum class FieldType : std::uint8_t { kBool, kInteger, kDouble, kString, kStringList };

RAGPIPE_EXPORT std::string_view ToString(FieldType type);
RAGPIPE_EXPORT FieldType TypeOf(const MetadataValue& value);

/// What becomes of a document whose metadata is not as the schema declares. Where fields of one document meet several, freeze
/// goes before dead letter, and that before the others.
enum class SchemaPolicy : std::uint8_t {
  kEvolve,        ///< it is stored as it comes; RunReport::Fields::evolved names what turned up
  kFreeze,        ///< the run ends with kFailedPrecondition; the change stays pending, what is done is committed
  kDiscardField,  ///< it is stored without the field, so that a change of nothing else is no change
  kDeadLetter,    ///< it is a dead letter of Stage::kLoad with kInvalidArgument until a version comes that is as declared
};

RAGPIPE_EXPORT std::string_view ToString(SchemaPolicy policy);

/// An integer that a double holds exactly may stand where kDouble is declared, and is stored as a double.
struct SchemaField {
  std::string name;  ///< UTF-8, not empty, once in a schema
  FieldType type = FieldType::kString;
  bool required = false;

  friend bool operator==(const SchemaField&, const SchemaField&) = default;
};

/// What the metadata of documents looks like. Applied to every document that is read, before it is compared with what the
/// index holds. Reasons and errors name the document, the field and the types, never a value.
/// Part of the recipe: with another schema an index is refused or rebuilt. The order of the fields, and a policy for what
/// cannot happen, make no other schema. The default asks nothing.
///
///     options.schema = {.fields = {{"language", FieldType::kString, true}, {"year", FieldType::kInteger}},
///                       .undeclared = SchemaPolicy::kDiscardField};
struct Schema {
  std::vector<SchemaField> fields;
  SchemaPolicy undeclared = SchemaPolicy::kEvolve;    ///< of a field that is not in `fields`
  SchemaPolicy mistyped = SchemaPolicy::kDeadLetter;  ///< of a value of another type than declared
  SchemaPolicy missing = SchemaPolicy::kDeadLetter;   ///< of a required field that is not there, or was discarded;
                                                      ///< there is no field to discard: not kDiscardField

  friend bool operator==(const Schema&, const Schema&) = default;
};

}  // namespace ragpipe

#include "ragpipe/schema.h"

#include <cstddef>
#include <string_view>
#include <variant>

namespace ragpipe {

static_assert(std::variant_size_v<MetadataValue> == static_cast<std::size_t>(FieldType::kStringList) + 1);

std::string_view ToString(FieldType type) {
  switch (type) {
    case FieldType::kBool:
      return "bool";
    case FieldType::kInteger:
      return "integer";
    case FieldType::kDouble:
      return "double";
    case FieldType::kString:
      return "string";
    case FieldType::kStringList:
      return "string list";
  }
  return "unknown";
}

FieldType TypeOf(const MetadataValue& value) { return static_cast<FieldType>(value.index()); }

std::string_view ToString(SchemaPolicy policy) {
  switch (policy) {
    case SchemaPolicy::kEvolve:
      return "evolve";
    case SchemaPolicy::kFreeze:
      return "freeze";
    case SchemaPolicy::kDiscardField:
      return "discard_field";
    case SchemaPolicy::kDeadLetter:
      return "dead_letter";
  }
  return "unknown";
}

}  // namespace ragpipe

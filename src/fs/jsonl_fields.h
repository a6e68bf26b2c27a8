#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ragpipe::fs {

struct JsonObject {};       ///< not looked into
struct JsonMixedArray {};   ///< something in it is no string
struct JsonHugeInteger {};  ///< beyond 64 bits
struct JsonRepeated {};     ///< the field is there more than once

/// What one field of a line holds; monostate = null or absent.
using FieldValue = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string,
                                std::vector<std::string>, JsonObject, JsonMixedArray, JsonHugeInteger, JsonRepeated>;

/// "a string"; for messages.
std::string_view KindOf(const FieldValue& value);

/// Takes the named fields out of the JSON object that `line` is, skipping everything else unlooked: memory follows the
/// named fields, at any depth of nesting. `values[i]` is of `names[i]`; names are distinct.
/// Errors: kInvalidArgument without any text of the line: no JSON, no object, not UTF-8.
absl::Status ParseFields(std::string_view line, std::span<const std::string> names, std::vector<FieldValue>& values);

}  // namespace ragpipe::fs

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace ragpipe {

/// What every vector store can filter on. Strings are UTF-8 without NUL, doubles are finite; the engine dead-letters a
/// document whose metadata is not.
using MetadataValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// Ordered, so that equal metadata has one serialised form and can be hashed.
using Metadata = std::map<std::string, MetadataValue, std::less<>>;

}  // namespace ragpipe

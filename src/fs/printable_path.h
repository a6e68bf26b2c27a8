#pragma once

#include <string>
#include <string_view>

namespace ragpipe::fs {

/// A path for messages: bytes that are not UTF-8 and control characters become \xNN.
std::string PrintablePath(std::string_view path);

/// A document id for a path that cannot be one itself: printable, and within the 4096 bytes of an id; two paths have two.
std::string PlaceName(std::string_view path);

}  // namespace ragpipe::fs

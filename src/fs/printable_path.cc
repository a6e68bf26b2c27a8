#include "fs/printable_path.h"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>

#include "core/fingerprint.h"
#include "core/utf8.h"

namespace ragpipe::fs {

std::string PrintablePath(std::string_view path) {
  std::string printable;
  printable.reserve(path.size());
  while (!path.empty()) {
    const auto byte = static_cast<unsigned char>(path.front());
    const std::size_t length = internal::Utf8SequenceLength(path);
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      fmt::format_to(std::back_inserter(printable), "\\x{:02X}", byte);
      path.remove_prefix(1);
    } else {
      printable.append(path.substr(0, length));
      path.remove_prefix(length);
    }
  }
  return printable;
}

std::string PlaceName(std::string_view path) {
  constexpr std::size_t kMaxBytes = 4000;
  std::string name = PrintablePath(path);
  if (name.size() <= kMaxBytes) return name;
  std::size_t end = kMaxBytes;
  while (!internal::IsCodePointBoundary(name, end)) --end;
  name.resize(end);
  return fmt::format("{}...{}", name, internal::Fingerprint().Add(path).Hex());
}

}  // namespace ragpipe::fs

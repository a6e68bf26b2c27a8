#include "fs/printable_path.h"

#include <fmt/format.h>

#include <cstddef>

#include "core/fingerprint.h"
#include "core/utf8.h"

namespace ragpipe::fs {

std::string PrintablePath(std::string_view path) { return internal::Printable(path); }

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

#include "core/utf8.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>

namespace ragpipe::internal {
namespace {

// An automaton whose states are shift counts: the row of a byte holds, at each state, the next one. So a step is one shift, and
// loading the row does not wait for the state (Vognsen 2021, "Shift-based DFAs").
enum State : std::uint8_t { kAccept, kReject, kOneMore, kTwoMore, kThreeMore, kAfterE0, kAfterED, kAfterF0, kAfterF4, kStates };
constexpr unsigned kBits = 6;

constexpr State Next(State state, unsigned byte) {
  auto in = [byte](unsigned low, unsigned high, State next) { return byte >= low && byte <= high ? next : kReject; };
  switch (state) {  // Unicode 15, table 3-7
    case kAccept:
      return byte < 0x80                    ? kAccept
             : byte == 0xE0                 ? kAfterE0
             : byte == 0xED                 ? kAfterED
             : byte == 0xF0                 ? kAfterF0
             : byte == 0xF4                 ? kAfterF4
             : byte >= 0xC2 && byte <= 0xDF ? kOneMore
             : byte >= 0xE1 && byte <= 0xEF ? kTwoMore
                                            : in(0xF1, 0xF3, kThreeMore);
    case kOneMore:
      return in(0x80, 0xBF, kAccept);
    case kTwoMore:
      return in(0x80, 0xBF, kOneMore);
    case kThreeMore:
      return in(0x80, 0xBF, kTwoMore);
    case kAfterE0:
      return in(0xA0, 0xBF, kOneMore);
    case kAfterED:
      return in(0x80, 0x9F, kOneMore);
    case kAfterF0:
      return in(0x90, 0xBF, kTwoMore);
    case kAfterF4:
      return in(0x80, 0x8F, kTwoMore);
    case kReject:
    case kStates:
      break;
  }
  return kReject;
}

constexpr auto kRows = [] {
  std::array<std::uint64_t, 256> rows{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (unsigned state = 0; state < kStates; ++state) {
      rows[byte] |= std::uint64_t{Next(static_cast<State>(state), byte)} * kBits << state * kBits;
    }
  }
  return rows;
}();

constexpr std::size_t kBlock = 32;

bool IsAscii(const char* block) {
  std::uint64_t words[kBlock / 8];
  std::memcpy(words, block, kBlock);
  std::uint64_t all = 0;
  for (const std::uint64_t word : words) all |= word;
  return (all & 0x8080808080808080U) == 0;
}

}  // namespace

std::size_t FindInvalidUtf8(std::string_view text) {
  std::uint64_t state = kAccept;  // in its low bits
  std::size_t i = 0;
  for (; i + kBlock <= text.size(); i += kBlock) {
    if (state % 64 == kAccept && IsAscii(text.data() + i)) continue;
    std::uint64_t next = state;
    for (std::size_t k = 0; k < kBlock; ++k) next = kRows[static_cast<unsigned char>(text[i + k])] >> next % 64;
    if (next % 64 == kReject * kBits) break;
    state = next;
  }
  // What is left, or the block with the error: from the character on that is not complete.
  if (state % 64 != kAccept) {
    do --i;
    while (!IsCodePointBoundary(text, i));
  }
  while (i < text.size()) {
    const std::size_t length = Utf8SequenceLength(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

std::string Printable(std::string_view text, std::size_t max_bytes) {
  std::string printable;
  while (!text.empty()) {
    const std::size_t before = printable.size();
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t length = Utf8SequenceLength(text);
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      fmt::format_to(std::back_inserter(printable), "\\x{:02X}", byte);
      text.remove_prefix(1);
    } else {
      printable.append(text.substr(0, length));
      text.remove_prefix(length);
    }
    if (printable.size() > max_bytes) {
      printable.resize(before);
      return printable + "...";
    }
  }
  return printable;
}

}  // namespace ragpipe::internal

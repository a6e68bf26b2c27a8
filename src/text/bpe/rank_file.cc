#include "text/bpe/rank_file.h"

#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <fmt/format.h>

#include <array>
#include <bitset>
#include <charconv>
#include <cstddef>

namespace ragpipe::text::internal {
namespace {

constexpr std::uint32_t kMaxRank = (1U << 21) - 2;

// Twice the longest of the four encodings. What merges make a token is found in time quadratic in its length.
constexpr std::size_t kMaxTokenBytes = 256;

constexpr auto kBase64Values = [] {
  std::array<signed char, 256> values{};
  for (auto& value : values) value = -1;
  signed char next = 0;
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")) {
    values[static_cast<unsigned char>(c)] = next++;
  }
  return values;
}();

// RFC 4648, section 4, padding required. A vocabulary is 200,000 strings of a few bytes: absl's needs a string for each.
bool AppendBase64(std::string_view encoded, std::string& bytes) {
  if (encoded.empty() || encoded.size() % 4 != 0) return false;
  const std::size_t padding = encoded.ends_with("==") ? 2 : encoded.ends_with("=") ? 1 : 0;
  unsigned group = 0;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const bool is_padding = i >= encoded.size() - padding;
    const int value = is_padding ? 0 : kBase64Values[static_cast<unsigned char>(encoded[i])];
    if (value < 0) return false;
    group = group << 6 | static_cast<unsigned>(value);
    if (i % 4 != 3) continue;
    const std::size_t count = i + 1 == encoded.size() ? 3 - padding : 3;
    for (std::size_t k = 0; k < count; ++k) bytes += static_cast<char>(group >> (16 - 8 * k) & 0xFF);
    group = 0;
  }
  return true;
}

}  // namespace

std::vector<std::string_view> RankedTokens::Views() const {
  std::vector<std::string_view> views;
  views.reserve(ends.size());
  std::size_t begin = 0;
  for (const std::uint32_t end : ends) {
    views.push_back(std::string_view(bytes).substr(begin, end - begin));
    begin = end;
  }
  return views;
}

absl::StatusOr<RankedTokens> ParseRankFile(std::string_view file) {
  RankedTokens tokens;
  tokens.bytes.reserve(file.size() / 2);
  std::bitset<256> seen_bytes;
  std::size_t line_number = 0;
  auto error = [&line_number](std::string_view what) {
    return absl::InvalidArgumentError(fmt::format("rank file, line {}: {}; fetch the file again", line_number, what));
  };
  for (std::size_t begin = 0; begin < file.size();) {
    ++line_number;
    const std::size_t newline = file.find('\n', begin);
    if (newline == std::string_view::npos) return error("the last line has no end: the file is cut off");
    std::string_view line = file.substr(begin, newline - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin = newline + 1;
    if (line.empty()) continue;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return error("it is not a token, a space and a rank");
    const std::size_t token_begin = tokens.bytes.size();
    if (!AppendBase64(line.substr(0, space), tokens.bytes)) return error("the token is not base64");
    std::uint32_t rank = 0;
    const auto [end, code] = std::from_chars(line.data() + space + 1, line.data() + line.size(), rank);
    if (code != std::errc() || end != line.data() + line.size() || rank > kMaxRank) {
      return error(fmt::format("the rank is not a number from 0 to {}", kMaxRank));
    }
    if (!tokens.ranks.empty() && rank <= tokens.ranks.back()) {
      return error(fmt::format("rank {} comes after rank {}; ranks must rise", rank, tokens.ranks.back()));
    }
    const std::string_view token = std::string_view(tokens.bytes).substr(token_begin);
    if (token.size() > kMaxTokenBytes) {
      return error(fmt::format("the token has {} bytes; no encoding has one of more than {}", token.size(), kMaxTokenBytes));
    }
    if (token.size() == 1) seen_bytes.set(static_cast<unsigned char>(token[0]));
    tokens.ends.push_back(static_cast<std::uint32_t>(tokens.bytes.size()));
    tokens.ranks.push_back(rank);
  }
  for (std::size_t b = 0; b < 256; ++b) {
    if (!seen_bytes[b]) return absl::InvalidArgumentError(fmt::format("rank file: no token for byte 0x{:02X}", b));
  }
  absl::flat_hash_set<std::string_view> distinct;
  distinct.reserve(tokens.ends.size());
  for (const std::string_view token : tokens.Views()) {
    if (!distinct.insert(token).second) {
      line_number = distinct.size() + 1;
      return error("the token was given before");
    }
  }
  return tokens;
}

}  // namespace ragpipe::text::internal

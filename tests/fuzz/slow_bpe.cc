#include "fuzz/slow_bpe.h"

#include <unicode/regex.h>

#include "fuzz/require.h"

void EncodePieceSlowly(const Ranks& ranks, const std::string& piece, std::vector<std::uint32_t>& ids) {
  if (const auto whole = ranks.find(piece); whole != ranks.end()) {
    ids.push_back(whole->second);
    return;
  }
  std::vector<std::string> parts;
  for (const char byte : piece) parts.emplace_back(1, byte);
  while (true) {
    std::size_t best = parts.size();
    std::uint32_t best_rank = UINT32_MAX;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto pair = ranks.find(parts[i] + parts[i + 1]);
      if (pair == ranks.end() || pair->second >= best_rank) continue;
      best = i;
      best_rank = pair->second;
    }
    if (best == parts.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  for (const std::string& part : parts) ids.push_back(ranks.at(part));
}

std::vector<std::string> SplitPiecesSlowly(std::string_view text, std::string_view pattern) {
  const auto utf16 = [](std::string_view utf8) {
    return icu::UnicodeString::fromUTF8(icu::StringPiece(utf8.data(), static_cast<std::int32_t>(utf8.size())));
  };
  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString subject = utf16(text);
  icu::RegexMatcher matcher(utf16(pattern), subject, 0, error);
  FUZZ_REQUIRE(U_SUCCESS(error));
  std::vector<std::string> pieces;
  while (matcher.find(error) != 0) matcher.group(error).toUTF8String(pieces.emplace_back());
  FUZZ_REQUIRE(U_SUCCESS(error));
  return pieces;
}

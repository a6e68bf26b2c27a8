// A vocabulary and a piece, divided by a NUL: the linear encoding is that of merging the pair of lowest rank again and again.
// The vocabulary is the 256 bytes, then a token for each line.
#include "text/bpe/vocabulary.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/input.h"
#include "fuzz/require.h"
#include "fuzz/slow_bpe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using ragpipe::text::internal::BpeVocabulary;
  Input input(data, size);
  std::string_view lines = input.TakeBefore('\0');
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  std::set<std::string> seen(tokens.begin(), tokens.end());
  while (!lines.empty()) {
    const std::string token(lines.substr(0, lines.find('\n')));
    lines.remove_prefix(std::min(lines.size(), token.size() + 1));
    if (!token.empty() && seen.insert(token).second) tokens.push_back(token);
  }
  const std::string piece(input.rest());
  if (piece.empty() || piece.size() > 4096) return 0;

  const auto vocabulary = BpeVocabulary::FromRankedTokens({tokens.begin(), tokens.end()});
  BpeVocabulary::Workspace workspace;
  vocabulary.Encode(piece, workspace);
  Ranks ranks;
  for (std::size_t i = 0; i < tokens.size(); ++i) ranks.emplace(tokens[i], static_cast<std::uint32_t>(i));
  std::vector<std::uint32_t> expected;
  EncodePieceSlowly(ranks, piece, expected);
  // Tokens that come before those they are made of are refused where a rank file is read, and a piece that is a token is found
  // before Encode() is asked.
  if (vocabulary.FindOutOfOrder() != BpeVocabulary::kNone || vocabulary.Find(piece) != BpeVocabulary::kNone) return 0;
  FUZZ_REQUIRE(workspace.symbols == expected);
  return 0;
}

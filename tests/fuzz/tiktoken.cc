// Any text for the four encodings, with vocabularies made up: the ids are those of a slow BPE, whose pieces ICU's regular
// expressions find.
#include "ragpipe/text/tiktoken.h"

#include <absl/strings/escaping.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/input.h"
#include "fuzz/require.h"
#include "fuzz/slow_bpe.h"
#include "fuzz/tokenizer_laws.h"

namespace {

using ragpipe::text::Tiktoken;
using ragpipe::text::TiktokenEncoding;

// From tiktoken_ext/openai_public.py. Its \s is \p{White_Space} here, its $ is \z.
constexpr std::string_view kGpt2Pattern =
    R"('(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\p{White_Space}\p{L}\p{N}]++|\p{White_Space}++\z)"
    R"(|\p{White_Space}+(?!\P{White_Space})|\p{White_Space})";
constexpr std::string_view kCl100kPattern =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\p{White_Space}\p{L}\p{N}]++[\r\n]*+)"
    R"(|\p{White_Space}++\z|\p{White_Space}*[\r\n]|\p{White_Space}+(?!\P{White_Space})|\p{White_Space})";
constexpr std::string_view kO200kPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\p{White_Space}\p{L}\p{N}]+[\r\n/]*|\p{White_Space}*[\r\n]+)"
    R"(|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+)";

struct Encoding {
  TiktokenEncoding name;
  std::string_view pattern;
  std::uint32_t tokens;  // of the rank file
  std::uint32_t hole;    // a rank that none has, as in the real file
};
constexpr Encoding kEncodings[] = {{TiktokenEncoding::kR50kBase, kGpt2Pattern, 50256, UINT32_MAX},
                                   {TiktokenEncoding::kP50kBase, kGpt2Pattern, 50280, 50256},
                                   {TiktokenEncoding::kCl100kBase, kCl100kPattern, 100256, UINT32_MAX},
                                   {TiktokenEncoding::kO200kBase, kO200kPattern, 199998, UINT32_MAX}};

struct Vocabulary {
  std::shared_ptr<const Tiktoken> tokenizer;
  Ranks ranks;
};

// The bytes; then joins of earlier tokens, taken at random, that merging makes; then what fills the file up: tokens of two and
// of three bytes, of which merging makes any.
Vocabulary MakeVocabulary(const Encoding& encoding) {
  std::mt19937_64 random(encoding.tokens);
  std::vector<std::string> tokens;
  Ranks ranks;
  std::string file;
  std::uint32_t rank = 0;
  const auto add = [&](const std::string& token) {
    rank += rank == encoding.hole ? 1 : 0;
    if (tokens.size() == encoding.tokens || !ranks.emplace(token, rank).second) return;
    file += absl::Base64Escape(token) + " " + std::to_string(rank++) + "\n";
    tokens.push_back(token);
  };
  for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
  const std::string common = " etaoinshrdlu\n.,'0123456789ETA\xC3\xA9\xE6\x9D\xB1\xCC\x81";
  while (tokens.size() < 3000) {
    const auto pick = [&]() -> std::string {
      return random() % 3 == 0 ? std::string(1, common[random() % common.size()]) : tokens[random() % tokens.size()];
    };
    const std::string joined = pick() + pick();
    std::vector<std::uint32_t> ids;
    EncodePieceSlowly(ranks, joined, ids);
    if (ids.size() == 2 && joined.size() <= 40) add(joined);
  }
  for (int pair = 0; pair < 65536; ++pair) add({static_cast<char>(pair >> 8), static_cast<char>(pair)});
  for (int three = 0; tokens.size() < encoding.tokens; three += 7) {
    add({static_cast<char>(three >> 16), static_cast<char>(three >> 8), static_cast<char>(three)});
  }
  auto made = Tiktoken::FromRanks(encoding.name, file);
  FUZZ_REQUIRE(made.ok());
  return {*made, std::move(ranks)};
}

// ICU may know an earlier Unicode than tiktoken: what is not assigned there has no class yet.
bool IsAssigned(std::string_view text) {
  const auto utf16 = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  for (std::int32_t i = 0; i < utf16.length(); i = utf16.moveIndex32(i, 1)) {
    if (u_charType(utf16.char32At(i)) == U_UNASSIGNED) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::size_t choice = input.Choose(std::size(kEncodings));
  static auto& made = *new std::vector<std::unique_ptr<const Vocabulary>>(std::size(kEncodings));
  if (made[choice] == nullptr) made[choice] = std::make_unique<const Vocabulary>(MakeVocabulary(kEncodings[choice]));
  const auto& [tokenizer, ranks] = *made[choice];
  RequireLaws(*tokenizer, input.rest());

  const std::string text = ValidUtf8(input.rest().substr(0, 4096));
  std::vector<std::uint32_t> ids;
  tokenizer->EncodeIds(text, ids);
  FUZZ_REQUIRE(tokenizer->Decode(ids) == text);
  if (!IsAssigned(text)) return 0;
  std::vector<std::uint32_t> expected;
  for (const std::string& piece : SplitPiecesSlowly(text, kEncodings[choice].pattern)) {
    EncodePieceSlowly(ranks, piece, expected);
  }
  FUZZ_REQUIRE(ids == expected);
  return 0;
}

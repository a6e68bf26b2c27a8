#include "text/tokenizer_json/decoder.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/utf8.h"
#include "text/tokenizer_json/unicode.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {
namespace {

using Tokens = std::vector<std::string>;

/// Ill-formed parts become U+FFFD.
std::string ToValidUtf8(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size();) {
    const DecodedCharacter decoded = DecodeUtf8(bytes, i);
    text += ToUtf8(decoded.character);
    i += decoded.length;
  }
  return text;
}

std::string Join(const Tokens& tokens, std::string_view between) {
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += between;
    text += tokens[i];
  }
  return text;
}

Tokens Apply(const DecodeByteLevel& /*step*/, Tokens tokens) {
  std::string bytes;
  for (const std::string& token : tokens) {
    const std::size_t size_before = bytes.size();
    for (std::size_t i = 0; i < token.size();) {
      const DecodedCharacter decoded = DecodeUtf8(token, i);
      const int byte = ByteOfCharacter(decoded.character);
      if (byte < 0) {  // then the token is no bytes but text
        bytes.resize(size_before);
        bytes += token;
        break;
      }
      bytes += static_cast<char>(byte);
      i += decoded.length;
    }
  }
  return {ToValidUtf8(bytes)};
}

std::optional<char> FallbackByte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | ' ');
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  const int high = token[3] == '+' ? 0 : digit(token[3]);  // Rust reads a sign too
  const int low = digit(token[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

Tokens Apply(const DecodeByteFallback& /*step*/, Tokens tokens) {
  Tokens out;
  std::string bytes;
  auto flush = [&] {
    if (bytes.empty()) return;
    if (ragpipe::internal::FindInvalidUtf8(bytes) == std::string_view::npos) {
      out.push_back(bytes);
    } else {
      out.insert(out.end(), bytes.size(), "\uFFFD");
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    if (const std::optional<char> byte = FallbackByte(token)) {
      bytes += *byte;
      continue;
    }
    flush();
    out.push_back(std::move(token));
  }
  flush();
  return out;
}

Tokens Apply(const DecodeFuse& /*step*/, Tokens tokens) { return {Join(tokens, "")}; }

Tokens Apply(const DecodeMetaspace& metaspace, Tokens tokens) {
  const Replace to_space{std::string(ToUtf8(metaspace.replacement)), 0, " "};
  const Replace to_nothing{to_space.pattern, 0, ""};
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = ReplaceAll(tokens[i], i == 0 && metaspace.drops_first ? to_nothing : to_space);
  return tokens;
}

Tokens Apply(const DecodeWordPiece& word_piece, Tokens tokens) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kCleanup = {{{" .", "."},
                                                                                       {" ?", "?"},
                                                                                       {" !", "!"},
                                                                                       {" ,", ","},
                                                                                       {" ' ", "'"},
                                                                                       {" n't", "n't"},
                                                                                       {" 'm", "'m"},
                                                                                       {" do not", " don't"},
                                                                                       {" 's", "'s"},
                                                                                       {" 've", "'ve"},
                                                                                       {" 're", "'re"}}};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0)
      tokens[i] = tokens[i].starts_with(word_piece.prefix) ? tokens[i].substr(word_piece.prefix.size()) : " " + tokens[i];
    if (!word_piece.cleanup) continue;
    for (const auto& [from, to] : kCleanup) tokens[i] = ReplaceAll(tokens[i], {std::string(from), 0, std::string(to)});
  }
  return tokens;
}

Tokens Apply(const DecodeStrip& strip, Tokens tokens) {
  const Utf8Character utf8 = ToUtf8(strip.character);
  const std::string_view character = utf8;
  for (std::string& token : tokens) {
    std::string_view rest = token;
    for (std::size_t i = 0; i < strip.begin && rest.starts_with(character); ++i) rest.remove_prefix(character.size());
    for (std::size_t i = 0; i < strip.end && rest.ends_with(character); ++i) rest.remove_suffix(character.size());
    token = std::string(rest);
  }
  return tokens;
}

Tokens Apply(const Replace& replace, Tokens tokens) {
  for (std::string& token : tokens) token = ReplaceAll(token, replace);
  return tokens;
}

}  // namespace

int ByteOfCharacter(char32_t c) {
  // Printable characters of Latin-1 stand for themselves, U+0100 and on for the others in order.
  static const auto& bytes = *[] {
    auto* table = new std::array<std::int16_t, 0x180>;
    table->fill(-1);
    std::size_t next = 0x100;
    for (std::int16_t byte = 0; byte < 0x100; ++byte) {
      const bool stands = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      (*table)[stands ? static_cast<std::size_t>(byte) : next++] = byte;
    }
    return table;
  }();
  return c < bytes.size() ? bytes[c] : -1;
}

std::string DecodeTokens(std::vector<std::string> tokens, const std::vector<DecoderStep>& steps, bool has_decoder) {
  if (!has_decoder) return Join(tokens, " ");
  for (const DecoderStep& step : steps)
    tokens = std::visit([&](const auto& each) { return internal::Apply(each, std::move(tokens)); }, step);
  return Join(tokens, "");
}

}  // namespace ragpipe::text::internal

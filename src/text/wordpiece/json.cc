#include "text/wordpiece/json.h"

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status_macros.h"
#include "text/wordpiece/model.h"

namespace ragpipe::text::internal {
namespace {

using Json = nlohmann::json;

absl::Status Invalid(std::string_view what) { return absl::InvalidArgumentError(fmt::format("tokenizer.json: {}", what)); }

absl::Status Unsupported(std::string_view what) {
  return absl::UnimplementedError(
      fmt::format("tokenizer.json: {}. Supported are WordPiece models with BertNormalizer and BertPreTokenizer", what));
}

// Of one piece. The search looks as far ahead as the longest piece, at every token of a word, which may be as long as a text.
constexpr std::size_t kMaxPieceBytes = 512;

/// Names from the file are shown, but not at any length.
std::string Shown(std::string_view name) {
  constexpr std::size_t kMaxShown = 40;
  if (name.size() <= kMaxShown) return fmt::format("'{}'", name);
  std::size_t size = kMaxShown;
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xC0U) == 0x80U) --size;
  return fmt::format("'{}...'", name.substr(0, size));
}

/// The member, or null where it is absent or null.
const Json* Find(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

absl::StatusOr<const Json*> FindObject(const Json& object, const char* name) {
  const Json* member = Find(object, name);
  if (member != nullptr && !member->is_object()) return Invalid(fmt::format("'{}' is not an object", name));
  return member;
}

absl::StatusOr<std::string> GetString(const Json& object, std::string_view element, const char* name) {
  const Json* member = Find(object, name);
  if (member == nullptr || !member->is_string()) return Invalid(fmt::format("{}.{} is missing or not a string", element, name));
  return member->get_ref<const std::string&>();
}

absl::StatusOr<bool> GetBool(const Json& object, std::string_view element, const char* name) {
  const Json* member = Find(object, name);
  if (member == nullptr || !member->is_boolean())
    return Invalid(fmt::format("{}.{} is missing or not true or false", element, name));
  return member->get<bool>();
}

absl::StatusOr<std::uint64_t> GetUnsigned(const Json& object, std::string_view element, const char* name) {
  const Json* member = Find(object, name);
  if (member == nullptr || !member->is_number_unsigned()) {
    return Invalid(fmt::format("{}.{} is missing or not a whole number from 0 on", element, name));
  }
  return member->get<std::uint64_t>();
}

absl::StatusOr<BertRules> ParseNormalizer(const Json& root) {
  RAGPIPE_ASSIGN_OR_RETURN(const Json* normalizer, FindObject(root, "normalizer"));
  BertRules rules;
  if (normalizer == nullptr) return rules;
  RAGPIPE_ASSIGN_OR_RETURN(const std::string type, GetString(*normalizer, "normalizer", "type"));
  if (type != "BertNormalizer") return Unsupported(fmt::format("normalizer {}", Shown(type)));
  RAGPIPE_ASSIGN_OR_RETURN(rules.clean_text, GetBool(*normalizer, "normalizer", "clean_text"));
  RAGPIPE_ASSIGN_OR_RETURN(rules.separate_cjk, GetBool(*normalizer, "normalizer", "handle_chinese_chars"));
  RAGPIPE_ASSIGN_OR_RETURN(rules.lowercase, GetBool(*normalizer, "normalizer", "lowercase"));
  rules.strip_accents = rules.lowercase;
  if (Find(*normalizer, "strip_accents") != nullptr) {
    RAGPIPE_ASSIGN_OR_RETURN(rules.strip_accents, GetBool(*normalizer, "normalizer", "strip_accents"));
  }
  return rules;
}

absl::Status CheckPreTokenizer(const Json& root) {
  RAGPIPE_ASSIGN_OR_RETURN(const Json* pre_tokenizer, FindObject(root, "pre_tokenizer"));
  if (pre_tokenizer == nullptr) return Unsupported("there is no pre_tokenizer");
  RAGPIPE_ASSIGN_OR_RETURN(const std::string type, GetString(*pre_tokenizer, "pre_tokenizer", "type"));
  return type == "BertPreTokenizer" ? absl::OkStatus() : Unsupported(fmt::format("pre_tokenizer {}", Shown(type)));
}

absl::StatusOr<std::vector<std::string>> ParseVocabulary(const Json& model) {
  const Json* vocabulary = Find(model, "vocab");
  if (vocabulary == nullptr || !vocabulary->is_object()) return Invalid("model.vocab is missing or not an object");
  std::vector<std::string> pieces(vocabulary->size());
  std::vector<bool> taken(pieces.size());
  std::size_t bytes = 0;
  for (const auto& [piece, id] : vocabulary->items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= pieces.size()) {
      return Invalid(fmt::format("model.vocab: the id of {} is not a number from 0 to {}, one below the number of pieces",
                                 Shown(piece), pieces.size() - 1));
    }
    const auto index = id.get<std::size_t>();
    if (taken[index]) return Invalid(fmt::format("model.vocab: two pieces have the id {}, one is {}", index, Shown(piece)));
    if (piece.size() > kMaxPieceBytes) {
      return Unsupported(
          fmt::format("model.vocab has a piece of {} bytes, more than {}: {}", piece.size(), kMaxPieceBytes, Shown(piece)));
    }
    taken[index] = true;
    pieces[index] = piece;
    bytes += piece.size();
  }
  // A piece may stand in the trie twice, once without its prefix.
  if (bytes > WordPieceModel::kMaxVocabularyBytes / 2) {
    return Invalid(
        fmt::format("model.vocab has {} bytes of pieces, more than {}", bytes, WordPieceModel::kMaxVocabularyBytes / 2));
  }
  return pieces;
}

absl::Status ParseModel(const Json& root, WordPieceConfig& config) {
  RAGPIPE_ASSIGN_OR_RETURN(const Json* model, FindObject(root, "model"));
  if (model == nullptr) return Invalid("'model' is missing");
  RAGPIPE_ASSIGN_OR_RETURN(const std::string type, GetString(*model, "model", "type"));
  if (type != "WordPiece") return Unsupported(fmt::format("model {}", Shown(type)));
  RAGPIPE_ASSIGN_OR_RETURN(config.continuing_prefix, GetString(*model, "model", "continuing_subword_prefix"));
  RAGPIPE_ASSIGN_OR_RETURN(const std::uint64_t max_characters, GetUnsigned(*model, "model", "max_input_chars_per_word"));
  config.max_characters = std::min(max_characters, std::uint64_t{std::numeric_limits<std::uint32_t>::max()});
  RAGPIPE_ASSIGN_OR_RETURN(const std::string unknown, GetString(*model, "model", "unk_token"));
  RAGPIPE_ASSIGN_OR_RETURN(config.pieces, ParseVocabulary(*model));
  const auto it = std::find(config.pieces.begin(), config.pieces.end(), unknown);
  if (it == config.pieces.end()) return Invalid(fmt::format("model.unk_token {} is not in model.vocab", Shown(unknown)));
  config.unknown_id = static_cast<std::uint32_t>(it - config.pieces.begin());
  return absl::OkStatus();
}

bool IsAsciiPunctuation(char c) {
  return c > ' ' && c < '\x7F' && !(c >= '0' && c <= '9') && !((c | ' ') >= 'a' && (c | ' ') <= 'z');
}

/// Whether `other` can begin inside `token` and agree with it up to where the shorter one ends.
bool CanBeginInside(std::string_view other, std::string_view token) {
  for (std::size_t i = 1; i < token.size(); ++i) {
    const std::size_t common = std::min(other.size(), token.size() - i);
    if (token.substr(i, common) == other.substr(0, common)) return true;
  }
  return false;
}

absl::StatusOr<AddedToken> ParseAddedToken(const Json& json, std::string_view element, const std::vector<std::string>& pieces) {
  if (!json.is_object()) return Invalid(fmt::format("{} is not an object", element));
  AddedToken token;
  RAGPIPE_ASSIGN_OR_RETURN(token.content, GetString(json, element, "content"));
  RAGPIPE_ASSIGN_OR_RETURN(const std::uint64_t id, GetUnsigned(json, element, "id"));
  const std::string name = fmt::format("{} ({})", element, Shown(token.content));
  RAGPIPE_ASSIGN_OR_RETURN(const bool special, GetBool(json, name, "special"));
  if (!special) return Unsupported(fmt::format("{} is not special", name));
  for (const char* option : {"normalized", "single_word", "lstrip", "rstrip"}) {
    RAGPIPE_ASSIGN_OR_RETURN(const bool set, GetBool(json, name, option));
    if (set) return Unsupported(fmt::format("{} has '{}' set", name, option));
  }
  if (token.content.empty()) return Invalid(fmt::format("{} is empty", name));
  if (id >= pieces.size() || pieces[id] != token.content)
    return Unsupported(fmt::format("{} is not in model.vocab under its id", name));
  if (!IsAsciiPunctuation(token.content.front()) || !IsAsciiPunctuation(token.content.back())) {
    return Unsupported(fmt::format("{} does not begin and end with punctuation", name));
  }
  token.id = static_cast<std::uint32_t>(id);
  return token;
}

/// Special tokens such as [CLS]. They begin and end with punctuation and cannot overlap, so that whether one stands at a place
/// does not depend on what is around it.
absl::Status ParseAddedTokens(const Json& root, WordPieceConfig& config) {
  const Json* added = Find(root, "added_tokens");
  if (added == nullptr) return absl::OkStatus();
  if (!added->is_array()) return Invalid("'added_tokens' is not an array");
  constexpr std::size_t kMaxAddedTokens = 256;
  if (added->size() > kMaxAddedTokens) return Unsupported(fmt::format("more than {} added_tokens", kMaxAddedTokens));
  for (std::size_t i = 0; i < added->size(); ++i) {
    RAGPIPE_ASSIGN_OR_RETURN(AddedToken token, ParseAddedToken((*added)[i], fmt::format("added_tokens[{}]", i), config.pieces));
    config.added_tokens.push_back(std::move(token));
  }
  for (const AddedToken& token : config.added_tokens) {
    for (const AddedToken& other : config.added_tokens) {
      if (CanBeginInside(other.content, token.content)) {
        return Unsupported(fmt::format("added_tokens {} and {} can overlap", Shown(token.content), Shown(other.content)));
      }
    }
  }
  std::stable_sort(config.added_tokens.begin(), config.added_tokens.end(),
                   [](const AddedToken& a, const AddedToken& b) { return a.content.size() > b.content.size(); });
  return absl::OkStatus();
}

absl::Status ParseDecoder(const Json& root, WordPieceConfig& config) {
  RAGPIPE_ASSIGN_OR_RETURN(const Json* decoder, FindObject(root, "decoder"));
  if (decoder == nullptr) return absl::OkStatus();
  RAGPIPE_ASSIGN_OR_RETURN(const std::string type, GetString(*decoder, "decoder", "type"));
  if (type != "WordPiece") return Unsupported(fmt::format("decoder {}", Shown(type)));
  WordPieceConfig::Decoder parsed;
  RAGPIPE_ASSIGN_OR_RETURN(parsed.prefix, GetString(*decoder, "decoder", "prefix"));
  RAGPIPE_ASSIGN_OR_RETURN(parsed.cleanup, GetBool(*decoder, "decoder", "cleanup"));
  config.decoder = std::move(parsed);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<WordPieceConfig> ParseWordPieceJson(std::string_view json) {
  const Json root = Json::parse(json, nullptr, false);
  if (root.is_discarded()) return Invalid("it is not JSON");
  if (!root.is_object()) return Invalid("it is not a JSON object");
  WordPieceConfig config;
  RAGPIPE_RETURN_IF_ERROR(ParseModel(root, config));
  RAGPIPE_ASSIGN_OR_RETURN(config.rules, ParseNormalizer(root));
  RAGPIPE_RETURN_IF_ERROR(CheckPreTokenizer(root));
  RAGPIPE_RETURN_IF_ERROR(ParseAddedTokens(root, config));
  RAGPIPE_RETURN_IF_ERROR(ParseDecoder(root, config));
  return config;
}

}  // namespace ragpipe::text::internal

#include "text/tokenizer_json/config.h"

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/status_macros.h"
#include "text/tokenizer_json/json_parser.h"
#include "text/tokenizer_json/json_reader.h"
#include "text/wordpiece/normalizer.h"

namespace ragpipe::text::internal {
namespace {

constexpr std::size_t kMaxPieceBytes = std::size_t{1} << 28U;  // of all pieces together

// Of one piece. The search for the best way looks as far ahead as the longest piece, at every character of a text.
constexpr std::size_t kMaxUnigramPieceBytes = 512;
constexpr int kMaxNesting = 8;  // of sequences of steps

/// The bytes that a token of a byte-level vocabulary stands for; nothing if it has other characters, and so is never found.
std::string BytesOfPiece(std::string_view piece) {
  std::string bytes;
  for (std::size_t i = 0; i < piece.size();) {
    const DecodedCharacter decoded = DecodeUtf8(piece, i);
    const int byte = ByteOfCharacter(decoded.character);
    if (byte < 0) return {};
    bytes += static_cast<char>(byte);
    i += decoded.length;
  }
  return bytes;
}

absl::StatusOr<std::string> DecodeBase64(const JsonReader& parent, const char* name) {
  RAGPIPE_ASSIGN_OR_RETURN(const std::string text, parent.String(name));
  auto digit = [](char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  };
  std::string bytes;
  std::size_t size = text.size();
  while (size > 0 && text.size() - size < 2 && text[size - 1] == '=') --size;
  bool valid = text.size() % 4 == 0;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < size && valid; ++i) {
    const int value = digit(text[i]);
    valid = value >= 0;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value & 63);
    if (i % 4 != 0) bytes += static_cast<char>((bits >> (6 - 2 * (i % 4))) & 0xFFU);
  }
  if (!valid) return parent.Invalid(fmt::format(".{} is not base64", name));
  return bytes;
}

/// A pattern of Replace or Split: a string, or one of the few regular expressions that are known.
struct Pattern {
  std::string text;
  bool is_regex = false;
};
absl::StatusOr<Pattern> ParsePattern(const JsonReader& step) {
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader pattern, step.Object("pattern"));
  const bool is_regex = pattern.Has("Regex");
  RAGPIPE_ASSIGN_OR_RETURN(std::string text, pattern.String(is_regex ? "Regex" : "String"));
  if (text.empty()) return pattern.Unsupported("is empty");
  return Pattern{std::move(text), is_regex};
}

absl::StatusOr<Replace> ParseReplace(const JsonReader& step) {
  RAGPIPE_ASSIGN_OR_RETURN(Pattern pattern, ParsePattern(step));
  Replace replace;
  RAGPIPE_ASSIGN_OR_RETURN(replace.content, step.String("content"));
  if (pattern.is_regex) {
    if (pattern.text != " {2,}" && pattern.text != " +")
      return step.Unsupported(
          fmt::format("has the pattern {}; the only regular expressions here are ' {{2,}}' and ' +'", Shown(pattern.text)));
    replace.min_run = pattern.text == " +" ? 1 : 2;
    pattern.text = " ";
  }
  replace.pattern = std::move(pattern.text);
  return replace;
}

/// Calls parse(type, step) for each step of the member, which may be absent, one step, or a sequence of steps under `list`.
template <class Parse>
absl::Status ForEachStep(const JsonReader& step, const char* list, int nesting, Parse& parse) {
  RAGPIPE_ASSIGN_OR_RETURN(const std::string type, step.String("type"));
  if (type != "Sequence") return parse(type, step);
  if (nesting == kMaxNesting) return step.Unsupported("is nested too deep");
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader steps, step.Array(list));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    RAGPIPE_ASSIGN_OR_RETURN(const JsonReader each, steps.ObjectAt(i));
    RAGPIPE_RETURN_IF_ERROR(ForEachStep(each, list, nesting + 1, parse));
  }
  return absl::OkStatus();
}

template <class Parse>
absl::Status ParseSteps(const JsonReader& root, const char* name, const char* list, Parse parse) {
  if (!root.Has(name)) return absl::OkStatus();
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader step, root.Object(name));
  return ForEachStep(step, list, 0, parse);
}

absl::StatusOr<NormalizerStep> ParseNormalizer(const std::string& type, const JsonReader& step) {
  if (type == "NFC") return UnicodeForm{.compatible = false, .composed = true};
  if (type == "NFD") return UnicodeForm{.compatible = false, .composed = false};
  if (type == "NFKC") return UnicodeForm{.compatible = true, .composed = true};
  if (type == "NFKD") return UnicodeForm{.compatible = true, .composed = false};
  if (type == "Lowercase") return LowercaseLetters{};
  if (type == "StripAccents") return StripAccents{};
  if (type == "Nmt") return Nmt{};
  if (type == "Strip") {
    Strip strip;
    RAGPIPE_ASSIGN_OR_RETURN(strip.left, step.Bool("strip_left"));
    RAGPIPE_ASSIGN_OR_RETURN(strip.right, step.Bool("strip_right"));
    return strip;
  }
  if (type == "Prepend") {
    RAGPIPE_ASSIGN_OR_RETURN(std::string text, step.String("prepend"));
    return Prepend{std::move(text)};
  }
  if (type == "Replace") {
    RAGPIPE_ASSIGN_OR_RETURN(Replace replace, ParseReplace(step));
    return replace;
  }
  if (type == "Precompiled") {
    RAGPIPE_ASSIGN_OR_RETURN(const std::string bytes, DecodeBase64(step, "precompiled_charsmap"));
    absl::StatusOr<Charsmap> map = Charsmap::Parse(bytes);
    if (!map.ok())
      return step.Invalid(
          fmt::format("has a precompiled_charsmap that cannot be read: {}", std::string(map.status().message())));
    return *std::move(map);
  }
  return step.Unsupported(fmt::format("is of type {}, which is not done here", Shown(type)));
}

absl::StatusOr<Metaspace> ParseMetaspace(const JsonReader& step) {
  Metaspace metaspace;
  RAGPIPE_ASSIGN_OR_RETURN(metaspace.replacement, step.Character("replacement"));
  RAGPIPE_ASSIGN_OR_RETURN(metaspace.split, step.BoolOr("split", true));
  std::string scheme = "always";
  if (step.Has("prepend_scheme")) {
    RAGPIPE_ASSIGN_OR_RETURN(scheme, step.String("prepend_scheme"));
  }
  using Scheme = Metaspace::PrependScheme;
  if (scheme == "first") {
    metaspace.prepend_scheme = Scheme::kFirst;
  } else if (scheme == "never") {
    metaspace.prepend_scheme = Scheme::kNever;
  } else if (scheme == "always") {
    metaspace.prepend_scheme = Scheme::kAlways;
  } else {
    return step.Invalid(fmt::format("has the prepend_scheme {}; it is 'first', 'never' or 'always'", Shown(scheme)));
  }
  RAGPIPE_ASSIGN_OR_RETURN(const bool add_prefix_space, step.BoolOr("add_prefix_space", true));
  if (!add_prefix_space) {
    if (step.Has("prepend_scheme") && metaspace.prepend_scheme != Scheme::kNever)
      return step.Invalid("has an add_prefix_space that contradicts its prepend_scheme");
    metaspace.prepend_scheme = Scheme::kNever;
  }
  return metaspace;
}

/// The regular expressions that are known, each by its whole text.
std::optional<PieceGrammar> FindGrammar(std::string_view regex) {
  constexpr std::pair<std::string_view, PieceGrammar> kGrammars[] = {
      {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", PieceGrammar::kGpt2},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       PieceGrammar::kCl100k},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       PieceGrammar::kQwen},
      {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
       R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
       R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       PieceGrammar::kO200k}};
  for (const auto& [text, grammar] : kGrammars) {
    if (text == regex) return grammar;
  }
  return std::nullopt;
}

absl::StatusOr<PreTokenizerStep> ParseSplit(const JsonReader& step) {
  RAGPIPE_ASSIGN_OR_RETURN(Pattern pattern, ParsePattern(step));
  RAGPIPE_ASSIGN_OR_RETURN(const std::string behavior, step.String("behavior"));
  SplitAt split;
  RAGPIPE_ASSIGN_OR_RETURN(split.invert, step.Bool("invert"));
  using Behavior = SplitAt::Behavior;
  constexpr std::pair<std::string_view, Behavior> kBehaviors[] = {{"Removed", Behavior::kRemoved},
                                                                  {"Isolated", Behavior::kIsolated},
                                                                  {"MergedWithPrevious", Behavior::kMergedWithPrevious},
                                                                  {"MergedWithNext", Behavior::kMergedWithNext},
                                                                  {"Contiguous", Behavior::kContiguous}};
  const auto known =
      std::find_if(std::begin(kBehaviors), std::end(kBehaviors), [&](const auto& each) { return each.first == behavior; });
  if (known == std::end(kBehaviors))
    return step.Invalid(fmt::format("has the behavior {}, which there is not", Shown(behavior)));
  split.behavior = known->second;
  if (!pattern.is_regex) {
    split.pattern = std::move(pattern.text);
    return split;
  }
  const std::optional<PieceGrammar> grammar = FindGrammar(pattern.text);
  if (!grammar)
    return step.Unsupported(fmt::format("has a regular expression that is not known here: {}", Shown(pattern.text)));
  // The known ones match all of any text.
  if (split.behavior != Behavior::kIsolated && !(split.behavior == Behavior::kRemoved && split.invert))
    return step.Unsupported(
        fmt::format("has the behavior {}{} with a regular expression", Shown(behavior), split.invert ? ", inverted," : ""));
  return SplitPieces{*grammar};
}

absl::Status ParsePreTokenizer(const std::string& type, const JsonReader& step, TokenizerConfig& config) {
  std::vector<PreTokenizerStep>& steps = config.pre_tokenizer;
  auto* merges = std::get_if<MergeConfig>(&config.model);
  if (merges != nullptr && merges->byte_level) return step.Unsupported("comes after ByteLevel");
  if (type == "WhitespaceSplit") {
    steps.emplace_back(WhitespaceSplit{});
  } else if (type == "Metaspace") {
    RAGPIPE_ASSIGN_OR_RETURN(Metaspace metaspace, ParseMetaspace(step));
    steps.emplace_back(metaspace);
  } else if (type == "Split") {
    RAGPIPE_ASSIGN_OR_RETURN(PreTokenizerStep split, ParseSplit(step));
    steps.push_back(std::move(split));
  } else if (type == "ByteLevel") {
    if (merges == nullptr || merges->byte_fallback)
      return step.Unsupported("is ByteLevel, but the model is not a BPE over bytes");
    RAGPIPE_ASSIGN_OR_RETURN(const bool add_prefix_space, step.Bool("add_prefix_space"));
    RAGPIPE_ASSIGN_OR_RETURN(const bool use_regex, step.BoolOr("use_regex", true));
    if (add_prefix_space) steps.emplace_back(PrefixSpace{});
    if (use_regex) steps.emplace_back(SplitPieces{PieceGrammar::kGpt2});
    merges->byte_level = true;
    merges->byte_pieces.reserve(merges->pieces.size());
    for (const std::string& piece : merges->pieces) merges->byte_pieces.push_back(BytesOfPiece(piece));
  } else {
    return step.Unsupported(fmt::format("is of type {}, which is not done here", Shown(type)));
  }
  return absl::OkStatus();
}

absl::Status ParseDecoder(const std::string& type, const JsonReader& step, std::vector<DecoderStep>& steps) {
  if (type == "ByteLevel") {
    steps.emplace_back(DecodeByteLevel{});
  } else if (type == "ByteFallback") {
    steps.emplace_back(DecodeByteFallback{});
  } else if (type == "Fuse") {
    steps.emplace_back(DecodeFuse{});
  } else if (type == "Metaspace") {
    RAGPIPE_ASSIGN_OR_RETURN(const Metaspace metaspace, ParseMetaspace(step));
    steps.emplace_back(DecodeMetaspace{metaspace.replacement, metaspace.prepend_scheme != Metaspace::PrependScheme::kNever});
  } else if (type == "WordPiece") {
    DecodeWordPiece word_piece;
    RAGPIPE_ASSIGN_OR_RETURN(word_piece.prefix, step.String("prefix"));
    RAGPIPE_ASSIGN_OR_RETURN(word_piece.cleanup, step.Bool("cleanup"));
    steps.emplace_back(std::move(word_piece));
  } else if (type == "Strip") {
    DecodeStrip strip;
    RAGPIPE_ASSIGN_OR_RETURN(strip.character, step.Character("content"));
    RAGPIPE_ASSIGN_OR_RETURN(strip.begin, step.Unsigned("start"));
    RAGPIPE_ASSIGN_OR_RETURN(strip.end, step.Unsigned("stop"));
    steps.emplace_back(strip);
  } else if (type == "Replace") {
    RAGPIPE_ASSIGN_OR_RETURN(Replace replace, ParseReplace(step));
    steps.emplace_back(std::move(replace));
  } else {
    return step.Unsupported(fmt::format("is of type {}, which is not done here", Shown(type)));
  }
  return absl::OkStatus();
}

absl::StatusOr<UnigramConfig> ParseUnigram(const JsonReader& model) {
  UnigramConfig config;
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader vocabulary, model.Array("vocab"));
  std::size_t bytes = 0;
  config.pieces.reserve(vocabulary.size());
  config.scores.reserve(vocabulary.size());
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const nlohmann::json& entry = vocabulary.value()[i];
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
      return vocabulary[i].Invalid("is not a piece and its score");
    config.pieces.push_back(entry[0].get_ref<const std::string&>());
    config.scores.push_back(entry[1].get<double>());
    const std::size_t piece_bytes = config.pieces.back().size();
    if (piece_bytes > kMaxUnigramPieceBytes)
      return vocabulary[i].Unsupported(fmt::format("is a piece of {} bytes, more than {}", piece_bytes, kMaxUnigramPieceBytes));
    bytes += piece_bytes;
  }
  if (config.pieces.empty()) return vocabulary.Invalid("is empty");
  if (bytes > kMaxPieceBytes)
    return vocabulary.Invalid(fmt::format("has {} bytes of pieces, more than {}", bytes, kMaxPieceBytes));
  if (!model.Has("unk_id")) return model.Unsupported("has no unk_id: a text with an unknown character would have no tokens");
  RAGPIPE_ASSIGN_OR_RETURN(const std::uint64_t unknown_id, model.Unsigned("unk_id"));
  if (unknown_id >= config.pieces.size())
    return model.Invalid(fmt::format(".unk_id is {}, but there are {} pieces", unknown_id, config.pieces.size()));
  config.unknown_id = static_cast<std::uint32_t>(unknown_id);
  RAGPIPE_ASSIGN_OR_RETURN(config.byte_fallback, model.BoolOr("byte_fallback", false));
  return config;
}

absl::StatusOr<std::vector<std::string>> ParsePieces(const JsonReader& model) {
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader vocabulary, model.Object("vocab"));
  // Ids may have gaps, but not so that a small file needs much memory.
  const std::size_t max_id = 4 * vocabulary.size() + (std::size_t{1} << 20U);
  std::size_t bytes = 0;
  std::size_t size = 0;
  for (const auto& [piece, id] : vocabulary.value().items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > max_id)
      return vocabulary.Invalid(fmt::format("has no id from 0 to {} for {}", max_id, Shown(piece)));
    size = std::max(size, id.get<std::size_t>() + 1);
    bytes += piece.size();
  }
  if (bytes > kMaxPieceBytes)
    return vocabulary.Invalid(fmt::format("has {} bytes of pieces, more than {}", bytes, kMaxPieceBytes));
  std::vector<std::string> pieces(size);
  for (const auto& [piece, id] : vocabulary.value().items()) {
    if (piece.empty()) return vocabulary.Invalid("has an empty piece");
    std::string& place = pieces[id.get<std::size_t>()];
    if (!place.empty())
      return vocabulary.Invalid(
          fmt::format("has the id {} for two pieces, {} and {}", id.get<std::size_t>(), Shown(place), Shown(piece)));
    place = piece;
  }
  return pieces;
}

/// "a b" or ["a", "b"].
std::optional<std::pair<std::string_view, std::string_view>> ReadMerge(const nlohmann::json& merge) {
  if (merge.is_array()) {
    if (merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string()) return std::nullopt;
    return std::pair<std::string_view, std::string_view>(merge[0].get_ref<const std::string&>(),
                                                         merge[1].get_ref<const std::string&>());
  }
  if (!merge.is_string()) return std::nullopt;
  const std::string_view text = merge.get_ref<const std::string&>();
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) return std::nullopt;
  return std::pair(text.substr(0, space), text.substr(space + 1));
}

absl::StatusOr<MergeConfig> ParseBpe(const JsonReader& model) {
  if (model.Has("dropout") && model.value()["dropout"] != 0.0)
    return model.Unsupported("has a dropout: the same text would have other tokens every time");
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.Has(affix)) continue;
    RAGPIPE_ASSIGN_OR_RETURN(const std::string text, model.String(affix));
    if (!text.empty())
      return model.Unsupported(fmt::format(".{} is {}; only models without are done here", affix, Shown(text)));
  }
  MergeConfig config;
  RAGPIPE_ASSIGN_OR_RETURN(config.fuse_unknown, model.BoolOr("fuse_unk", false));
  RAGPIPE_ASSIGN_OR_RETURN(config.byte_fallback, model.BoolOr("byte_fallback", false));
  RAGPIPE_ASSIGN_OR_RETURN(config.ignore_merges, model.BoolOr("ignore_merges", false));
  RAGPIPE_ASSIGN_OR_RETURN(config.pieces, ParsePieces(model));
  absl::flat_hash_map<std::string_view, std::uint32_t> ids;
  ids.reserve(config.pieces.size());
  for (std::size_t id = 0; id < config.pieces.size(); ++id) {
    if (!config.pieces[id].empty()) ids.emplace(config.pieces[id], static_cast<std::uint32_t>(id));
  }
  if (model.Has("unk_token")) {
    RAGPIPE_ASSIGN_OR_RETURN(const std::string unknown, model.String("unk_token"));
    const auto it = ids.find(unknown);
    if (it == ids.end()) return model.Invalid(fmt::format(".unk_token {} is not in .vocab", Shown(unknown)));
    config.unknown_id = it->second;
  }
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader merges, model.Array("merges"));
  config.merges.reserve(merges.size());
  std::string joined;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const nlohmann::json& entry = merges.value()[i];
    if (entry.is_string() && entry.get_ref<const std::string&>().starts_with("#version")) continue;
    const auto merge = ReadMerge(entry);
    if (!merge) return merges[i].Invalid("is not a pair of pieces");
    joined.assign(merge->first).append(merge->second);
    const auto left = ids.find(merge->first);
    const auto right = ids.find(merge->second);
    const auto merged = ids.find(std::string_view(joined));
    if (left == ids.end() || right == ids.end() || merged == ids.end()) {
      const std::string_view missing = left == ids.end() ? merge->first : right == ids.end() ? merge->second : joined;
      return merges[i].Invalid(fmt::format("needs {}, which is not in model.vocab", Shown(missing)));
    }
    config.merges.push_back({left->second, right->second, merged->second});
  }
  return config;
}

absl::Status ParseModel(const JsonReader& root, TokenizerConfig& config) {
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader model, root.Object("model"));
  RAGPIPE_ASSIGN_OR_RETURN(const std::string type, model.String("type"));
  if (type == "WordPiece") return absl::OkStatus();
  if (type == "Unigram") {
    RAGPIPE_ASSIGN_OR_RETURN(config.model, ParseUnigram(model));
    return absl::OkStatus();
  }
  if (type == "BPE") {
    RAGPIPE_ASSIGN_OR_RETURN(config.model, ParseBpe(model));
    return absl::OkStatus();
  }
  return model.Unsupported(fmt::format("is of type {}; done here are WordPiece, Unigram and BPE", Shown(type)));
}

/// Ids as the reference gives them, whatever the file says: those of the vocabulary, then the next ones.
absl::Status ParseAddedTokens(const JsonReader& root, TokenizerConfig& config) {
  if (!root.Has("added_tokens")) return absl::OkStatus();
  RAGPIPE_ASSIGN_OR_RETURN(const JsonReader added, root.Array("added_tokens"));
  const std::vector<std::string>& pieces = config.pieces();
  absl::flat_hash_map<std::string_view, std::uint32_t> ids;
  std::size_t next_id = 0;
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].empty()) continue;
    ids[pieces[id]] = static_cast<std::uint32_t>(id);
    ++next_id;
  }
  if (std::holds_alternative<UnigramConfig>(config.model)) next_id = pieces.size();
  absl::flat_hash_map<std::string, std::uint32_t> added_ids;
  absl::flat_hash_map<std::uint32_t, std::size_t> index_of_id;
  for (std::size_t i = 0; i < added.size(); ++i) {
    RAGPIPE_ASSIGN_OR_RETURN(const JsonReader token, added.ObjectAt(i));
    TextToken parsed;
    RAGPIPE_ASSIGN_OR_RETURN(parsed.content, token.String("content"));
    RAGPIPE_ASSIGN_OR_RETURN(parsed.single_word, token.Bool("single_word"));
    RAGPIPE_ASSIGN_OR_RETURN(parsed.lstrip, token.Bool("lstrip"));
    RAGPIPE_ASSIGN_OR_RETURN(parsed.rstrip, token.Bool("rstrip"));
    RAGPIPE_ASSIGN_OR_RETURN(parsed.normalized, token.Bool("normalized"));
    RAGPIPE_ASSIGN_OR_RETURN(parsed.special, token.Bool("special"));
    if (parsed.content.empty()) continue;
    if (parsed.content.size() > TextTokenFinder::kMaxPatternBytes)
      return token.Unsupported(fmt::format("has more than {} bytes", TextTokenFinder::kMaxPatternBytes));
    if (const auto piece = ids.find(std::string_view(parsed.content)); piece != ids.end()) {
      parsed.id = piece->second;
    } else if (const auto before = added_ids.find(parsed.content); before != added_ids.end()) {
      parsed.id = before->second;
    } else {
      parsed.id = static_cast<std::uint32_t>(next_id++);
      added_ids.emplace(parsed.content, parsed.id);
    }
    const auto [same, is_new] = index_of_id.emplace(parsed.id, config.added_tokens.size());
    if (!is_new) {
      config.added_tokens[same->second] = std::move(parsed);
      continue;
    }
    config.added_tokens.push_back(std::move(parsed));
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<std::string>& TokenizerConfig::pieces() const {
  if (const auto* unigram = std::get_if<UnigramConfig>(&model)) return unigram->pieces;
  return std::get<MergeConfig>(model).pieces;
}

absl::StatusOr<TokenizerConfig> ParseTokenizerJson(std::string_view json) {
  const nlohmann::json text = ParseJson(json);
  const JsonReader root(text, "");
  if (text.is_discarded()) return root.Invalid("is not JSON");
  if (!text.is_object()) return root.Invalid("is not a JSON object");
  TokenizerConfig config;
  RAGPIPE_RETURN_IF_ERROR(ParseModel(root, config));
  if (std::holds_alternative<WordPieceModelInstead>(config.model)) return config;
  RAGPIPE_RETURN_IF_ERROR(
      ParseSteps(root, "normalizer", "normalizers", [&config](const std::string& type, const JsonReader& step) -> absl::Status {
        RAGPIPE_ASSIGN_OR_RETURN(NormalizerStep parsed, ParseNormalizer(type, step));
        config.normalizer.push_back(std::move(parsed));
        return absl::OkStatus();
      }));
  RAGPIPE_RETURN_IF_ERROR(
      ParseSteps(root, "pre_tokenizer", "pretokenizers",
                 [&config](const std::string& type, const JsonReader& step) { return ParsePreTokenizer(type, step, config); }));
  config.has_decoder = root.Has("decoder");
  RAGPIPE_RETURN_IF_ERROR(ParseSteps(root, "decoder", "decoders", [&config](const std::string& type, const JsonReader& step) {
    return ParseDecoder(type, step, config.decoder);
  }));
  RAGPIPE_RETURN_IF_ERROR(ParseAddedTokens(root, config));
  return config;
}

}  // namespace ragpipe::text::internal

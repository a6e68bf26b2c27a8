#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/tokenizer_json/aligned_text.h"
#include "text/tokenizer_json/charsmap.h"

namespace ragpipe::text::internal {

/// Which ends of a stretch between added tokens a text holds: steps that work at an end do so at these only.
struct TextEnds {
  bool begin = true;
  bool end = true;
};

/// NFC, NFD, NFKC and NFKD.
struct UnicodeForm {
  bool compatible = false;
  bool composed = false;
};

struct LowercaseLetters {};
struct StripAccents {};
/// White space of the NMT project: control characters go, others become a space.
struct Nmt {};

struct Strip {
  bool left = false;
  bool right = false;
};

struct Prepend {
  std::string text;
};

/// Every occurrence of `pattern`, or every run of it where it is at least `min_run` long.
struct Replace {
  std::string pattern;
  std::size_t min_run = 0;  ///< 0: not runs but each occurrence
  std::string content;
};

using NormalizerStep = std::variant<UnicodeForm, LowercaseLetters, StripAccents, Nmt, Strip, Prepend, Replace, Charsmap>;

/// The normalizers of a tokenizer.json, one after the other.
class Normalizer {
 public:
  explicit Normalizer(std::vector<NormalizerStep> steps);

  /// Changes `text`, which is valid UTF-8; `spare` is memory for it.
  void Apply(AlignedText& text, TextEnds ends, AlignedText& spare) const;

  const std::vector<NormalizerStep>& steps() const { return steps_; }

 private:
  bool Keeps(std::string_view text) const;

  std::vector<NormalizerStep> steps_;
  std::array<bool, 256> kept_{};           // ASCII that no step changes where only such is around it
  std::vector<std::string> run_patterns_;  // what must not be there for that to hold
};

/// `text` with every match replaced.
std::string ReplaceAll(std::string_view text, const Replace& replace);

}  // namespace ragpipe::text::internal

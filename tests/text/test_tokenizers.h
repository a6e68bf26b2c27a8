#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/text/tokenizer.h"

/// A tokenizer made of a counting rule: enough for a chunker, which asks for counts only.
class RuleTokenizer final : public ragpipe::text::Tokenizer {
 public:
  using Rule = std::function<std::size_t(std::string_view)>;
  RuleTokenizer(std::string name, Rule rule) : name_(std::move(name)), rule_(std::move(rule)) {}

  void Encode(std::string_view text, std::vector<ragpipe::text::Token>& out) const override {
    for (std::size_t n = rule_(text); n > 0; --n) out.push_back({0, {0, text.size()}});
  }
  std::size_t Count(std::string_view text) const override { return rule_(text); }
  std::string Decode(const std::vector<std::uint32_t>& /*ids*/) const override { return {}; }
  std::size_t vocabulary_size() const override { return 1; }
  std::string Fingerprint() const override { return name_; }

 private:
  std::string name_;
  Rule rule_;
};

inline bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
}
inline bool IsSpaceByte(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// A token for each run of letters and digits (all that is not ASCII is a letter), and for each punctuation byte.
inline std::shared_ptr<RuleTokenizer> WordTokens() {
  return std::make_shared<RuleTokenizer>("words", [](std::string_view text) {
    std::size_t tokens = 0;
    bool in_word = false;
    for (const char c : text) {
      if (!IsSpaceByte(c) && !(in_word && IsWordByte(c))) ++tokens;
      in_word = IsWordByte(c);
    }
    return tokens;
  });
}

/// A token for each byte.
inline std::shared_ptr<RuleTokenizer> ByteTokens() {
  return std::make_shared<RuleTokenizer>("bytes", [](std::string_view text) { return text.size(); });
}

/// Counts that fall when a letter is added: a run of four letters is one token, what is left of it one each. A run of line
/// endings is one token.
inline std::shared_ptr<RuleTokenizer> GroupTokens() {
  return std::make_shared<RuleTokenizer>("groups", [](std::string_view text) {
    std::size_t tokens = 0;
    for (std::size_t i = 0; i < text.size();) {
      std::size_t end = i;
      if (IsWordByte(text[i])) {
        while (end < text.size() && IsWordByte(text[end])) ++end;
        tokens += (end - i) / 4 + (end - i) % 4;
      } else if (text[i] == '\n') {
        while (end < text.size() && text[end] == '\n') ++end;
        ++tokens;
      } else {
        ++end;
        tokens += text[i] == ' ' ? 0 : 1;
      }
      i = end;
    }
    return tokens;
  });
}

/// Wholes that are more than their parts: a token for each word and one more for each blank between two words.
inline std::shared_ptr<RuleTokenizer> SeamTokens() {
  return std::make_shared<RuleTokenizer>("seams", [](std::string_view text) {
    std::size_t tokens = 0;
    bool gap = false;
    bool in_word = false;
    for (const char c : text) {
      if (IsSpaceByte(c)) {
        gap |= tokens > 0;
        in_word = false;
        continue;
      }
      if (!in_word) tokens += gap ? 2 : 1;
      in_word = true;
      gap = false;
    }
    return tokens;
  });
}

/// Counts what a chunker asks for, and passes it on.
class MeteredTokenizer final : public ragpipe::text::Tokenizer {
 public:
  explicit MeteredTokenizer(std::shared_ptr<const ragpipe::text::Tokenizer> inner) : inner_(std::move(inner)) {}

  void Encode(std::string_view text, std::vector<ragpipe::text::Token>& out) const override { inner_->Encode(text, out); }
  std::size_t Count(std::string_view text) const override {
    bytes += text.size();
    ++calls;
    return inner_->Count(text);
  }
  std::unique_ptr<ragpipe::text::RangeCounter> CountRanges(std::string_view text) const override {
    ++documents;
    return std::make_unique<Counter>(*this, text);
  }
  std::string Decode(const std::vector<std::uint32_t>& ids) const override { return inner_->Decode(ids); }
  std::size_t vocabulary_size() const override { return inner_->vocabulary_size(); }
  std::string Fingerprint() const override { return inner_->Fingerprint(); }

  mutable std::size_t documents = 0;
  mutable std::size_t calls = 0;
  mutable std::size_t bytes = 0;  ///< of the texts and ranges that were counted

 private:
  class Counter final : public ragpipe::text::RangeCounter {
   public:
    Counter(const MeteredTokenizer& owner, std::string_view text) : owner_(owner), text_(text) {}
    std::size_t Count(ragpipe::ByteRange range) const override { return owner_.Count(text_.substr(range.begin, range.size())); }

   private:
    const MeteredTokenizer& owner_;
    std::string_view text_;
  };

  std::shared_ptr<const ragpipe::text::Tokenizer> inner_;
};

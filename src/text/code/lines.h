#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/text/code_chunker.h"

namespace ragpipe::text::internal {

/// One line of code, or several that a string, a comment, a here-document or a backslash joins.
struct CodeLine {
  enum class Kind : std::uint8_t { kBlank, kComment, kAttribute, kDirective, kCode };
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t indent = 0;       ///< columns, tabs to the next multiple of 8
  std::size_t depth = 0;        ///< of brackets around it, without those that it begins by closing
  std::size_t depth_after = 0;  ///< at its end
  std::size_t brace = kNone;    ///< the depth around the first brace that it leaves open
  std::string_view first_word;  ///< letters, digits and '_'; empty where the line begins with something else
  Kind kind = Kind::kBlank;
  bool closes = false;   ///< begins with a closing bracket, or a keyword like one
  bool in_list = false;  ///< the bracket around it is not one of statements: a comma ends an element
  char first = 0;        ///< byte that is no white space
  char last = 0;         ///< byte that is no white space and not of a comment
};

/// Divides source code into lines, from the front. Knows strings, comments and brackets of the language. Linear.
class CodeLineScanner {
 public:
  CodeLineScanner(std::string_view text, CodeLanguage language);

  /// False at the end of the text.
  bool Next(CodeLine& line);

 private:
  // What is open. Brackets stand for themselves; of the others each is one that its language closes by another name.
  enum Bracket : char {
    kParen = '(',
    kSquare = '[',
    kBrace = '{',
    kListBrace = 'l',  // of an initialiser, an object or an enumeration
    kTemplate = '`',   // ${ in a template literal
    kIf = 'i',
    kDo = 'd',
    kCase = 'c',
    kBegin = 'b',  // SQL: BEGIN or CASE
    kDollar = '$'  // SQL: $tag$
  };

  bool Is(CodeLanguage language) const { return language_ == language; }
  bool IsC() const { return Is(CodeLanguage::kC) || Is(CodeLanguage::kCpp); }
  bool IsScript() const { return Is(CodeLanguage::kJavaScript) || Is(CodeLanguage::kTypeScript); }

  char Peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  std::string_view Rest() const { return text_.substr(at_); }
  std::string_view WordAt(std::size_t offset) const;
  bool BeginsWord(std::size_t offset) const;

  void ScanIndent();
  void ScanClosers();
  void ScanDirective();
  void ScanToken();
  void ScanBracket(char c);
  void ScanApostrophe();
  void ScanQuoted(char quote, bool escapes, bool many_lines);
  void ScanTripleQuoted(char quote);
  bool ScanRawString();
  bool ScanRustRawString();
  void ScanTemplateText();
  void ScanSlash();
  bool RegexMayBegin() const;
  void ScanRegex();
  void ScanLineComment();
  void ScanBlockComment();
  void ScanHereDocument();
  void ScanHereDocumentBodies();
  void ScanShellWord();
  void ScanSqlWord();
  void ScanDollar();
  void SkipPast(std::string_view terminator);

  /// What stands between the last comment and `end` is code.
  void NoteCode(std::size_t end);

  void Open(char bracket);
  void OpenBrace();
  char CloseBlock(std::initializer_list<Bracket> brackets);
  void Pop();

  const std::string_view text_;
  const CodeLanguage language_;
  std::array<bool, 256> special_{};  // bytes that ScanToken() looks at

  std::size_t at_ = 0;
  std::size_t code_from_ = 0;  // where the line or its last comment ended
  std::size_t floor_ = 0;      // the lowest depth on the line
  CodeLine line_;

  std::string open_;                       // Brackets
  std::array<std::size_t, 128> counts_{};  // of each Bracket in open_
  std::vector<std::size_t> conditions_;    // C: the depth at each #if
  std::vector<std::string_view> tags_;     // SQL: of each kDollar in open_

  struct HereDocument {
    std::string_view delimiter;
    bool strips_tabs = false;
  };
  std::vector<HereDocument> here_documents_;  // begun on this line
};

}  // namespace ragpipe::text::internal

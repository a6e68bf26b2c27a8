#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/chunker.h"
#include "ragpipe/export.h"
#include "ragpipe/text/fill.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

enum class CodeLanguage : std::uint8_t { kC, kCpp, kGo, kJava, kJavaScript, kPython, kRust, kShell, kSql, kTypeScript };

/// "text/x-c++src", "text/x-python", "application/sql" and the other usual names, with or without parameters; nothing for a
/// type that is none of these languages. "text/x-chdr" is C++, which reads headers of both.
RAGPIPE_EXPORT std::optional<CodeLanguage> CodeLanguageOf(std::string_view media_type);

struct CodeChunkerOptions {
  std::size_t max_tokens = 512;      ///< hard cap on context + overlap + own bytes; at least 1
  std::size_t overlap_tokens = 0;    ///< repeated from the end of the chunk before, in whole lines; below max_tokens
  std::size_t min_tokens = 0;        ///< a smaller chunk joins a neighbour where the caps permit; at most max_tokens
  std::size_t max_bytes = SIZE_MAX;  ///< hard cap on own bytes, for texts of few tokens; at least 4
  Fill fill = Fill::kBalanced;
  std::optional<CodeLanguage> language = std::nullopt;  ///< of every document; without it, each document's media type says
  bool signature_context = true;                        ///< give the enclosing signatures to a chunk that begins inside them
};

/// Divides source code at definitions, then at statements by how deeply they are nested, then inside a statement as
/// RecursiveChunker does, with the same guarantees: tiling, hard cap, linear time on any input.
///
/// * A definition that fits stays whole; small ones are packed with their neighbours; one that does not fit is packed by
/// itself.
/// * Comments, attributes and decorators stay with what follows them, unless a blank line divides them from it.
/// * A chunk that begins inside a definition gets the enclosing signatures as context, outermost first and one a line, if they
///   take at most a quarter of the cap, else the innermost alone, else nothing.
/// * Overlap is whole lines, and does not reach over the head of the definition that the chunk begins inside.
///
/// Chunk::headings are the signatures around the chunk's first own byte, each on one line and of at most 128 bytes, at most 6.
///
/// The text is scanned, not parsed: brackets, indentation, strings and comments of the language are known, its grammar is not.
/// Code that does not compile is split too; after a string or comment that is never closed there is only text. Nesting counts
/// to a depth of 32.
///
/// A document whose media type is none of the languages is split as RecursiveChunker does.
class RAGPIPE_EXPORT CodeChunker final : public Chunker {
 public:
  /// Errors: kInvalidArgument names the option, its value and what is allowed.
  static absl::StatusOr<CodeChunker> Create(std::shared_ptr<const Tokenizer> tokenizer, CodeChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  std::string Fingerprint() const override;

 private:
  CodeChunker(std::shared_ptr<const Tokenizer> tokenizer, CodeChunkerOptions options);

  std::shared_ptr<const Tokenizer> tokenizer_;
  CodeChunkerOptions options_;
};

}  // namespace ragpipe::text

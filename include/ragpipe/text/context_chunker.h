#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ragpipe/chunker.h"
#include "ragpipe/export.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

struct ContextField {
  std::string name;   ///< of the metadata field: "title"
  std::string label;  ///< stands before its value: "Author: "; may be empty
};

struct ContextChunkerOptions {
  std::vector<ContextField> fields = {{"title", ""}};  ///< one line each, in this order; at least one
  std::size_t max_tokens = 512;                        ///< hard cap on context + overlap + own bytes; at least 2
  std::size_t max_context_tokens = 64;                 ///< hard cap on the lines; from 1 to max_tokens - 1
};

/// Puts metadata of the document before each chunk of another chunker, as Chunk::context, so that a chunk is found by the title
/// of its document too. The other chunker has to leave room:
///
///     RecursiveChunker::Create(tokenizer, {.max_tokens = 448}), then
///     ContextChunker::Create(tokenizer, recursive, {.max_tokens = 512, .max_context_tokens = 64})
///
/// A line is a label and a value, with white space made single blanks; items of a list are divided by ", ". A field that the
/// document does not have gives no line, nor does an empty one, nor one that would go over max_context_tokens. The context that
/// the chunk had comes after the lines. Chunk::tokens is counted anew, by `tokenizer`; ranges, overlap, text and headings stay.
/// Where context and chunk together are more than max_tokens, since counts need not add up, the chunk gets the first lines that
/// fit.
///
/// Errors of Split(): the other chunker's; kFailedPrecondition when one of its chunks leaves no room.
class RAGPIPE_EXPORT ContextChunker final : public Chunker {
 public:
  /// Errors: kInvalidArgument names the option, its value and what is allowed; or the argument that is null.
  static absl::StatusOr<ContextChunker> Create(std::shared_ptr<const Tokenizer> tokenizer,
                                               std::shared_ptr<const Chunker> chunker, ContextChunkerOptions options = {});

  absl::StatusOr<std::vector<Chunk>> Split(const Document& document) const override;
  std::string Fingerprint() const override;

 private:
  ContextChunker(std::shared_ptr<const Tokenizer> tokenizer, std::shared_ptr<const Chunker> chunker,
                 ContextChunkerOptions options);

  std::vector<std::string> LinesOf(const Metadata& metadata) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<const Chunker> chunker_;
  ContextChunkerOptions options_;
};

}  // namespace ragpipe::text

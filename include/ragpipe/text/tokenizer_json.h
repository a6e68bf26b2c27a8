#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>

#include "ragpipe/export.h"
#include "ragpipe/text/tokenizer.h"

namespace ragpipe::text {

/// The tokenizer that the text of a `tokenizer.json` of Hugging Face `tokenizers` describes. Ids are identical to those of
/// `tokenizers` 0.23 (without special tokens added) on any valid UTF-8, whatever the version of ICU.
///
/// Models: WordPiece (then the result is a WordPiece), Unigram, and BPE. `truncation`, `padding` and `post_processor` are
/// ignored: they do not change what a text is made of. Added tokens are found in any text, before all other rules, and have
/// the ids that `tokenizers` gives them.
///
/// Counting of ranges takes one pass over the text; then a range costs what the words at its two ends cost, if the file's
/// steps cut words off at spaces, as those of all common models do, and what the whole range costs if not. Words may be long
/// in scripts that write no spaces.
///
/// A token's range is what its characters came from; characters that a step put in have the place of the one they were put
/// before. Bytes that a step dropped are in no range.
///
/// Threading: from several threads at once. Each that is inside at the same time takes 4 MiB for words it has seen,
/// which is kept for the next.
///
/// Errors: kInvalidArgument for text that is not a tokenizer.json, with the path of the wrong element; kUnimplemented names an
/// element that is not done here. There is no silent difference.
RAGPIPE_EXPORT absl::StatusOr<std::shared_ptr<const Tokenizer>> TokenizerFromJson(std::string_view tokenizer_json);

/// The same from a file. Errors: also kNotFound and kUnavailable for one that cannot be read.
RAGPIPE_EXPORT absl::StatusOr<std::shared_ptr<const Tokenizer>> LoadTokenizerJson(const std::string& path);

}  // namespace ragpipe::text

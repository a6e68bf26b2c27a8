#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <string>

#include "ragpipe/chunker.h"
#include "ragpipe/text/tokenizer.h"

struct ChunkerSettings {
  std::size_t max_tokens = 512;
  std::size_t overlap_tokens = 0;
};

/// "default" is the tokenizer of the built-in model; the name of an encoding ("cl100k_base") is that of tiktoken, with its rank
/// file in the folder `ranks`; a path that ends in "/ENCODING.tiktoken" is such a file; all else is the path of a
/// tokenizer.json.
absl::StatusOr<std::shared_ptr<const ragpipe::text::Tokenizer>> MakeTokenizer(const std::string& name,
                                                                              const std::string& ranks);

/// "recursive", "sentence", "fixed", "markdown", "html", "code", "content_defined" or "semantic".
absl::StatusOr<std::shared_ptr<const ragpipe::Chunker>> MakeChunker(const std::string& name,
                                                                    std::shared_ptr<const ragpipe::text::Tokenizer> tokenizer,
                                                                    const ChunkerSettings& settings);

/// The media type that makes the chunker do what its name says, whatever the file is called; for "code" the file's.
std::string MediaTypeFor(const std::string& chunker, const std::string& path);

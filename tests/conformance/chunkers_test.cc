#include <memory>
#include <string_view>

#include "ragpipe/default_model/default_model.h"
#include "ragpipe/testing/check_chunker.h"
#include "ragpipe/text/content_defined_chunker.h"
#include "ragpipe/text/fixed_token_chunker.h"
#include "ragpipe/text/markdown_chunker.h"
#include "ragpipe/text/recursive_chunker.h"
#include "ragpipe/text/sentence_chunker.h"
#include "support/catch.h"

using namespace ragpipe;

namespace {

std::shared_ptr<const text::Tokenizer> Tokenizer() {
  const auto model = embed::DefaultModel();
  REQUIRE_OK(model);
  return model->tokenizer();
}

template <class T>
std::shared_ptr<const Chunker> Shared(absl::StatusOr<T> chunker) {
  REQUIRE_OK(chunker);
  return std::make_shared<T>(*std::move(chunker));
}

void CheckConforms(const testing::ChunkerFactory& factory, const text::Tokenizer& tokenizer, std::size_t max_tokens) {
  testing::ChunkerCheckOptions options;
  options.count_tokens = [&tokenizer](std::string_view text) { return tokenizer.Count(text); };
  options.max_tokens = max_tokens;
  const auto findings = testing::CheckChunker(factory, options);
  INFO(testing::ToText(findings));
  CHECK(findings.empty());
}

}  // namespace

TEST_CASE("RecursiveChunker conforms") {
  const auto tokenizer = Tokenizer();
  const std::size_t max_tokens = GENERATE(8, 40, 512);
  const std::size_t overlap_tokens = GENERATE(0, 5);
  const text::RecursiveChunkerOptions options{.max_tokens = max_tokens, .overlap_tokens = overlap_tokens};
  CheckConforms([&] { return Shared(text::RecursiveChunker::Create(tokenizer, options)); }, *tokenizer, max_tokens);
}

TEST_CASE("MarkdownChunker conforms") {
  const auto tokenizer = Tokenizer();
  const std::size_t max_tokens = GENERATE(8, 40, 512);
  const text::MarkdownChunkerOptions options{.max_tokens = max_tokens};
  CheckConforms([&] { return Shared(text::MarkdownChunker::Create(tokenizer, options)); }, *tokenizer, max_tokens);
}

TEST_CASE("The other chunkers conform") {
  const auto tokenizer = Tokenizer();
  const std::size_t cap = GENERATE(8, 40, 512);
  CheckConforms([&] { return Shared(text::FixedTokenChunker::Create(tokenizer, {.max_tokens = cap, .overlap_tokens = 3})); },
                *tokenizer, cap);
  CheckConforms([&] { return Shared(text::SentenceChunker::Create(tokenizer, {.max_tokens = cap, .overlap_tokens = 3})); },
                *tokenizer, cap);
  CheckConforms([&] { return Shared(text::ContentDefinedChunker::Create(tokenizer, {.max_tokens = cap})); }, *tokenizer, cap);
}

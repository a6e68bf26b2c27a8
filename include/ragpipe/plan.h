#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ragpipe/export.h"

namespace ragpipe {

struct PlanOptions {
  double price_per_million_tokens = 0;  ///< of the embedder, in any currency
  std::size_t biggest_documents = 10;   ///< how many to name of those with the most tokens to embed
};

/// What Pipeline::Run() would do now.
struct Plan {
  struct Documents {
    std::uint64_t seen = 0;  ///< changes the source sends, and one for each deletion by absence
    std::uint64_t added = 0;
    std::uint64_t updated = 0;  ///< text or metadata
    std::uint64_t deleted = 0;
    std::uint64_t unchanged = 0;
    std::uint64_t skipped = 0;  ///< older than what the index holds, or replaced by a later change of the same run
    std::uint64_t failed = 0;   ///< cannot be read, or not be divided into chunks: would be dead letters
  } documents;

  struct Chunks {
    std::uint64_t embedded = 0;  ///< would be sent to the embedder
    std::uint64_t reused = 0;    ///< have their vector already
    std::uint64_t deleted = 0;
    std::uint64_t total = 0;  ///< of the documents seen: embedded + reused
  } chunks;

  struct Embed {
    std::uint64_t calls = 0;  ///< about: how texts fall into calls depends on the time they come
    std::uint64_t texts = 0;
    std::uint64_t tokens = 0;
    bool tokens_are_estimated = false;
    double cost = 0;  ///< tokens * PlanOptions::price_per_million_tokens / 1e6
  } embed;

  struct Contributor {
    std::string document_id;
    std::uint64_t texts = 0;   ///< to embed
    std::uint64_t tokens = 0;  ///< to embed
  };
  std::vector<Contributor> biggest;  ///< the most tokens first

  /// What differs between the recipe of the index and the pipeline's; empty where nothing does or there is no index yet. The
  /// plan then is that of OnRecipeChange::kRebuild.
  std::string recipe_change;

  /// What Run() would refuse: a changed recipe under OnRecipeChange::kRefuse, a mass deletion. OK otherwise.
  absl::Status refusal;

  std::vector<std::string> problems;  ///< why the index would not equal the source afterwards, in words; the first 20
};

/// A few aligned lines for people.
RAGPIPE_EXPORT std::string ToText(const Plan& plan);

/// One line: {"documents":{...},"chunks":{...},"embed":{...},"biggest":[...],"recipe_change":"","refusal":"","problems":[]}.
RAGPIPE_EXPORT std::string ToJson(const Plan& plan);

}  // namespace ragpipe

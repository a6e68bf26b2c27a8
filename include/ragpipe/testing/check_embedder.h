#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ragpipe/embedder.h"
#include "ragpipe/export.h"
#include "ragpipe/recipe.h"
#include "ragpipe/testing/finding.h"

namespace ragpipe::testing {

/// Embedders of one configuration: each call gives a new one, or the same again.
using EmbedderFactory = std::function<std::shared_ptr<Embedder>()>;

struct EmbedderCheckOptions {
  Metric metric = Metric::kCosine;
  double tolerance = 1e-5;              ///< floats that differ by no more count as equal
  std::vector<std::string> texts = {};  ///< instead of the kit's own, where the embedder cannot take any text
  std::size_t max_batch = 64;           ///< the most texts to send in one call, whatever limits() allows
  int max_calls = 8;                    ///< the most calls at once, whatever limits() allows
};

/// Rule                           demands (of embedder.h)
/// embedder.factory               the factory gives an embedder
/// embedder.no_throw              no call throws ("Exceptions: must not escape")
/// embedder.dimension             dimension() is "> 0, constant for the life of the object", and the same for each object
/// embedder.limits                every limit is at least 1 ("Per call"), and as many texts as limits() says are taken
/// embedder.fingerprint.readable  Fingerprint() is "readable": not empty, UTF-8 without control characters
/// embedder.fingerprint.stable    Fingerprint() is the same every time and for each object, being "part of the recipe"
/// embedder.accepts               every text that is "valid UTF-8, not empty", alone, gets a vector
/// embedder.purpose               Purpose::kQuery gets finite vectors of the same dimension
/// embedder.shape.row_major       `out` is filled "row-major, [texts.size()][dimension()]", in the order of the texts
/// embedder.finite                "every float finite"
/// embedder.not_zero              "under Metric::kCosine no row all zero"
/// embedder.deterministic         the same call gives the same vectors again, from each object: Fingerprint() is the same
/// embedder.batch_independent     the vector of a text does not depend on the texts beside it, which the engine picks
/// embedder.concurrent            limits().calls calls at once give what they give one by one ("Threading")
/// embedder.deadline              a call whose deadline has passed gives OK or kDeadlineExceeded ("give up with")
RAGPIPE_EXPORT std::vector<Finding> CheckEmbedder(const EmbedderFactory& factory, const EmbedderCheckOptions& options = {});

}  // namespace ragpipe::testing

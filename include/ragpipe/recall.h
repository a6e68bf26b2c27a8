#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ragpipe/embedder.h"
#include "ragpipe/export.h"
#include "ragpipe/index.h"
#include "ragpipe/query.h"
#include "ragpipe/retriever.h"
#include "ragpipe/vector_sink.h"

namespace ragpipe {

/// Makes queries of what is stored: of `count` documents of the source, chosen by `seed` with equal chances (all of them if
/// there are fewer), the first words of one chunk each, up to 200 bytes. Reads every document id and the records of the chosen.
/// Real questions, from a log, are better. Errors: kFailedPrecondition where the sink lists no records; those of the sink.
RAGPIPE_EXPORT absl::StatusOr<std::vector<Query>> SampleQueries(VectorSink& stored, std::string_view source, std::size_t count,
                                                                std::uint64_t seed);

/// Share of the documents in the live answer that are in the candidate's answer to the same query, mean over the queries that
/// the live one answers; 1 when it answers none. Documents, because chunks of two recipes need not be the same.
/// Errors: those of Retriever::Search().
RAGPIPE_EXPORT absl::StatusOr<double> MeasureRecall(const Retriever& live, const Retriever& candidate,
                                                    std::span<const Query> queries);

/// A ready PromotionGate::quality: the candidate must find what the live generation finds.
struct RAGPIPE_EXPORT RecallGate {
  std::vector<Embedder*> embedders;  ///< borrowed: those of both generations
  std::vector<Query> queries;
  double min_recall = 0.8;

  /// kFailedPrecondition with the figure when it is below min_recall.
  absl::Status operator()(Index& live, Index& candidate) const;
};

}  // namespace ragpipe

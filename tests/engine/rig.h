#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ragpipe/pipeline.h"
#include "ragpipe/testing/hash_embedder.h"
#include "ragpipe/testing/memory_source.h"
#include "ragpipe/testing/memory_store.h"
#include "ragpipe/testing/paragraph_chunker.h"
#include "ragpipe/testing/recording_observer.h"
#include "ragpipe/testing/virtual_clock.h"
#include "support/catch.h"

/// The arithmetic that every report must keep.
inline void CheckReport(const ragpipe::RunReport& report) {
  const auto& d = report.documents;
  CHECK(d.seen == d.unchanged + d.stale + d.superseded + d.processed + d.deleted + d.failed + d.pending);
  const auto& c = report.chunks;
  CHECK(c.total == c.embedded + c.reused + c.patched);
  if (report.complete) {
    CHECK(d.failed == 0);
    CHECK(d.pending == 0);
    CHECK(report.problems.empty());
  } else {
    CHECK_FALSE(report.problems.empty());
  }
}

/// Five stages in memory, in virtual time, and an oracle that says what the index must hold.
struct Rig {
  explicit Rig(ragpipe::testing::MemorySourceOptions source_options = {}, ragpipe::testing::MemoryStoreOptions store_options = {},
               ragpipe::testing::HashEmbedderOptions embedder_options = {})
      : source(source_options), embedder(embedder_options), store(store_options) {
    options.clock = &clock;
    options.observer = &observer;
    options.random_seed = 1;
    options.chunk_workers = 2;
  }

  absl::Status Run() {
    ragpipe::Pipeline pipeline{source, chunker, embedder, store.sink(), store.checkpoint(), options};
    const absl::Status status = pipeline.Run(report);
    INFO("status: " << status.ToString() << "\n" << ragpipe::ToText(report));
    CheckReport(report);
    return status;
  }

  /// The index holds exactly the paragraphs of the given documents, with their vectors and metadata.
  void CheckIndexHolds(const std::map<std::string, ragpipe::Document>& documents) {
    using Key = std::tuple<std::string, std::size_t, std::string>;  // document, position, text
    std::map<Key, std::vector<float>> expected;
    std::map<Key, std::vector<float>> actual;
    for (const auto& [id, document] : documents) {
      const auto chunks = chunker.Split(document);
      REQUIRE_OK(chunks);
      for (std::size_t i = 0; i < chunks->size(); ++i) {
        const std::string text = document.text.substr((*chunks)[i].range.begin, (*chunks)[i].range.size());
        if (text.find_first_not_of(" \t\r\n") == std::string::npos) continue;
        expected[{id, i, text}] = VectorOf(text);
      }
    }
    for (const auto& [id, record] : store.records()) {
      const Key key{record.document_id, record.position, record.text};
      CHECK(actual.count(key) == 0);
      actual[key] = record.vector;
      const auto document = documents.find(record.document_id);
      if (document == documents.end()) continue;
      CHECK(record.metadata == document->second.metadata);
      CHECK(document->second.text.substr(record.chunk.range.begin, record.chunk.range.size()) == record.text);
    }
    CHECK(actual == expected);
  }
  void CheckIndexEqualsSource() { CheckIndexHolds(source.documents()); }

  std::vector<float> VectorOf(std::string_view text) {
    ragpipe::testing::HashEmbedder reference({.dimension = embedder.dimension()});
    std::vector<float> vector(embedder.dimension());
    ragpipe::EmbedRequest request;
    request.texts = {&text, 1};
    REQUIRE_OK(reference.Embed(request, vector));
    return vector;
  }

  ragpipe::testing::VirtualClock clock;
  ragpipe::testing::RecordingObserver observer;
  ragpipe::testing::MemorySource source;
  ragpipe::testing::ParagraphChunker chunker;
  ragpipe::testing::HashEmbedder embedder;
  ragpipe::testing::MemoryStore store;
  ragpipe::PipelineOptions options;
  ragpipe::RunReport report;
};

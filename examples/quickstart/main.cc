// Makes a folder of documents searchable. Run it again: only what changed is read and embedded.
//
//     quickstart [--json STEP] FOLDER INDEX [QUESTION]
#include <unistd.h>

#include <iostream>
#include <string>
#include <string_view>

#include "ragpipe/default_model/default_model.h"
#include "ragpipe/fs/directory_source.h"
#include "ragpipe/ragpipe.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/text/markdown_chunker.h"

struct ProgressLine final : ragpipe::Observer {
  void OnProgress(const ragpipe::RunReport& so_far) override {
    if (isatty(STDERR_FILENO) == 0) return;
    std::cerr << "\r\033[K" << so_far.documents.seen << " documents, " << so_far.chunks.embedded << " chunks embedded"
              << (so_far.complete ? "\n" : "") << std::flush;
  }
};

int Fail(const absl::Status& status) {
  std::cerr << "quickstart: " << status.ToString() << '\n';
  return 1;
}

int main(int argc, char** argv) {
  const bool json = argc > 2 && std::string_view(argv[1]) == "--json";
  char** const arg = argv + (json ? 3 : 1);
  if (argv + argc < arg + 2) return Fail(absl::InvalidArgumentError("usage: quickstart [--json STEP] FOLDER INDEX [QUESTION]"));
  auto model = ragpipe::embed::DefaultModel();
  if (!model.ok()) return Fail(model.status());
  auto store = ragpipe::sqlite::Store::Open(arg[1]);
  if (!store.ok()) return Fail(store.status());
  auto chunker = ragpipe::text::MarkdownChunker::Create(model->tokenizer(), {.max_tokens = 256});
  if (!chunker.ok()) return Fail(chunker.status());
  ProgressLine progress;
  ragpipe::Pipeline pipeline{ragpipe::fs::DirectorySource{arg[0], {.name = "documents"}}, *chunker, *model,
                             store->sink(), store->checkpoint(), {.observer = &progress}};
  ragpipe::RunReport report;
  if (absl::Status status = pipeline.Run(report); !status.ok()) return Fail(status);
  if (argv + argc == arg + 2) {
    std::cout << (json ? R"({"step":")" + std::string(argv[2]) + R"(","report":)" + ToJson(report) + "}\n" : ToText(report));
    return 0;
  }

  auto retriever = ragpipe::Retriever::Open(store->index(), *model);  // refuses any other model
  if (!retriever.ok()) return Fail(retriever.status());
  auto hits = retriever->Search({.text = arg[2], .top_k = 3});
  if (!hits.ok()) return Fail(hits.status());
  std::cout << (json ? R"({"step":"ask","hits":[)" : "");
  for (const ragpipe::Hit& hit : *hits) {
    if (json) std::cout << (&hit == hits->data() ? "" : ",") << ToJson(hit);
    if (!json) std::cout << hit.document_id << " [" << hit.chunk.range.begin << ", " << hit.chunk.range.end << ")\n" << hit.text << '\n';
  }
  std::cout << (json ? "]}\n" : "");
}

// Must not compile, and say in one line which stage is wrong: see CMakeLists.txt.
#include "ragpipe/ragpipe.h"

struct NoChunker {};

void Compose(ragpipe::Source& source, ragpipe::Embedder& embedder, ragpipe::VectorSink& sink, ragpipe::Checkpoint& checkpoint) {
#ifdef RAGPIPE_WRONG_STAGE
  NoChunker chunker;
#else
  ragpipe::FunctionChunker chunker("any", [](const ragpipe::Document&) { return std::vector<ragpipe::Chunk>(); });
#endif
  ragpipe::Pipeline pipeline{source, chunker, embedder, sink, checkpoint};
}

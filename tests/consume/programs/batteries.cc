#include "ragpipe/embed/static_embedder.h"
#include "ragpipe/fs/directory_source.h"
#include "ragpipe/pipeline.h"
#include "ragpipe/sqlite/store.h"
#include "ragpipe/text/wordpiece.h"

int main() {
  const bool opened = ragpipe::sqlite::Store::Open("no/such/folder/index.db").ok() ||
                      ragpipe::embed::StaticEmbedder::Open("no/such/folder").ok() ||
                      ragpipe::text::WordPiece::FromJson("not json").ok();
  ragpipe::fs::DirectorySource source("no/such/folder");
  return opened || source.StreamChanges({}).ok() ? 1 : 0;
}

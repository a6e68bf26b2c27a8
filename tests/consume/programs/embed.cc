#include "ragpipe/embed/static_embedder.h"

int main() { return ragpipe::embed::StaticEmbedder::Open("no/such/folder").ok() ? 1 : 0; }

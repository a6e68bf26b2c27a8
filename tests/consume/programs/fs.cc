#include <absl/status/status.h>

#include "ragpipe/fs/directory_source.h"

int main() {
  ragpipe::fs::DirectorySource source("no/such/folder");
  return absl::IsNotFound(source.StreamChanges({}).status()) ? 0 : 1;
}

#include <absl/status/status.h>

#include "ragpipe/sqlite/store.h"

int main() { return absl::IsNotFound(ragpipe::sqlite::Store::Open("no/such/folder/index.db").status()) ? 0 : 1; }

#include "ragpipe/ledger.h"

#include <string_view>

namespace ragpipe {

std::string_view ToString(Stage stage) {
  switch (stage) {
    case Stage::kRead:
      return "read";
    case Stage::kLoad:
      return "load";
    case Stage::kChunk:
      return "chunk";
    case Stage::kEmbed:
      return "embed";
    case Stage::kWrite:
      return "write";
    case Stage::kCommit:
      return "commit";
  }
  return "unknown";
}

}  // namespace ragpipe

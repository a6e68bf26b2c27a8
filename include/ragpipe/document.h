#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>

#include "ragpipe/metadata.h"

namespace ragpipe {

/// `token` answers "is it the same?": equal tokens mean that the document need not be read again. Empty = unknown.
/// `ordinal` answers "which is newer?" (log sequence number, offset, row version) and fences late arrivals. Leave it empty
/// where "older" can still be the truth, as with the modification time of a file restored from a backup.
struct Version {
  std::string token;
  std::optional<std::uint64_t> ordinal;

  friend bool operator==(const Version&, const Version&) = default;
};

struct Document {
  std::string id;          ///< stable and unique within its source; 1 to 4096 bytes
  std::string text;        ///< UTF-8
  std::string media_type;  ///< "text/markdown"
  Metadata metadata;
  Version version;  ///< of exactly this text; where both parts are empty, the change's version holds
  absl::Time updated_at = absl::InfinitePast();  ///< event time at the source; InfinitePast = unknown
};

}  // namespace ragpipe

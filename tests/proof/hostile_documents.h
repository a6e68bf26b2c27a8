#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ragpipe/document.h"
#include "ragpipe/ledger.h"

namespace ragpipe::proof {

/// In the text or the metadata of every hostile document that has room for it; no error may repeat it.
inline constexpr std::string_view kSecret = "xyzzy-4711-plugh";

/// A document that nobody should have sent.
struct HostileDocument {
  std::string name;
  Document document;
  std::optional<Stage> set_aside;  ///< where it must become a dead letter; nothing = it must be indexed
};

std::vector<HostileDocument> HostileTexts();
std::vector<HostileDocument> HostileIds();
std::vector<HostileDocument> HostileMetadata();
std::vector<HostileDocument> HostileTimesAndVersions();

}  // namespace ragpipe::proof

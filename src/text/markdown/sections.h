#pragma once

#include <absl/status/status.h>

#include <vector>

#include "text/chunking/packing.h"
#include "text/chunking/prose.h"
#include "text/markdown/blocks.h"

namespace ragpipe::text::internal {

/// Turns the blocks of a document into atoms, tagged with the index of their block. A section is a heading with all that it
/// rules, smaller sections included: one that fits is an atom; one that does not is a group, divided at its blocks, and these
/// by the kind they are.
absl::Status SplitSections(const std::vector<Block>& blocks, ProseSplitter& prose, Packer& packer);

}  // namespace ragpipe::text::internal

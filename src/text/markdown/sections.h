#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <string>
#include <vector>

#include "text/chunking/packing.h"
#include "text/chunking/prose.h"
#include "text/markdown/blocks.h"

namespace ragpipe::text::internal {

/// A section that holds the front of a window and begins before it.
struct OpenSection {
  std::size_t bytes_before = 0;  ///< from its begin to the front of the window
  int level = 0;
  std::string heading;
};

/// Where blocks are those of a window: what is around it.
struct SectionWindow {
  std::vector<OpenSection> open;  ///< the outermost first; they do not fit
  bool is_first = true;
  bool is_last = true;  ///< else the last block outside all containers is there only to show how the one before it ends
};

/// Turns the blocks of a document into atoms, tagged with the index of their block. A section is a heading with all that it
/// rules, smaller sections included: one that fits is an atom; one that does not is a group, divided at its blocks, and these
/// by the kind they are. In a window that is not the last, it ends before the first section of which it is not known yet
/// whether it fits.
absl::Status SplitSections(const std::vector<Block>& blocks, ProseSplitter& prose, Packer& packer,
                           const SectionWindow& window = {});

}  // namespace ragpipe::text::internal

#pragma once

#include <iosfwd>
#include <memory>
#include <span>
#include <string>

#include "ragpipe/export.h"

namespace ragpipe::testing {

/// One promise that a stage does not keep.
struct Finding {
  std::string rule;  ///< dotted and stable, as listed in the header of the check: "embedder.finite"
  std::string what;  ///< what was called and what came, in words
};

/// "embedder.finite: row 2, column 0 is not finite"
RAGPIPE_EXPORT std::ostream& operator<<(std::ostream& out, const Finding& finding);

/// One line a finding; empty where there are none.
RAGPIPE_EXPORT std::string ToText(std::span<const Finding> findings);

/// For factories that give out a stage which lives elsewhere.
template <class Stage>
std::shared_ptr<Stage> Borrow(Stage& stage) {
  return {std::shared_ptr<void>(), &stage};
}

}  // namespace ragpipe::testing

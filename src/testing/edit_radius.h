#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "ragpipe/chunker.h"
#include "ragpipe/document.h"
#include "testing/rules.h"

namespace ragpipe::testing {

/// The length of a text, in the unit of the radius.
using Measure = std::function<std::size_t(std::string_view)>;

/// Prose to edit, of six radii at least.
Document DocumentToEdit(std::size_t radius, const Measure& measure);

/// Edits one word at a time, always at the same places, and looks for a chunk that changes though it lies further than `radius`
/// from the edit.
Verdict FindFarChange(const Chunker& chunker, const Document& document, std::size_t radius, const Measure& measure);

}  // namespace ragpipe::testing

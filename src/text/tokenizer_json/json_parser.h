#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace ragpipe::text::internal {

/// The JSON text as a value; discarded (is_discarded()) when it is not JSON. Numbers with a fraction get the value that
/// serde_json, which `tokenizers` reads its files with, gives them: at times one unit in the last place beside the nearest
/// double. The scores of a Unigram vocabulary are added up, and of two ways that tie the rounding decides.
nlohmann::json ParseJson(std::string_view text);

}  // namespace ragpipe::text::internal

#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <optional>
#include <string_view>

#include "ragpipe/recipe.h"
#include "sqlite/database.h"

namespace ragpipe::sqlite {

inline constexpr std::string_view kRecordsRecipe = "records";
inline constexpr std::string_view kLedgerRecipe = "ledger";

absl::StatusOr<std::optional<Recipe>> ReadRecipe(Database& db, std::string_view part);
absl::Status WriteRecipe(Database& db, std::string_view part, const Recipe& recipe);

}  // namespace ragpipe::sqlite

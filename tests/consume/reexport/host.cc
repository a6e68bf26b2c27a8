#include "ragpipe/recipe.h"

bool HostChecks(const ragpipe::Recipe& recipe) { return ragpipe::CheckSameRecipe(recipe, recipe).ok(); }

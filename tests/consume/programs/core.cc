#include "ragpipe/recipe.h"
#include "ragpipe/version.h"

int main() {
  ragpipe::Recipe other;
  other.chunker = "another";
  const bool differ = !ragpipe::CheckSameRecipe(ragpipe::Recipe{}, other).ok();
  return differ && RAGPIPE_VERSION_MAJOR >= 0 ? 0 : 1;
}

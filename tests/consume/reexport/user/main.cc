#include "ragpipe/recipe.h"

bool HostChecks(const ragpipe::Recipe& recipe);

int main() { return HostChecks({}) ? 0 : 1; }

#include "ragpipe/default_model/default_model.h"

int main() {
  const auto model = ragpipe::embed::DefaultModel();
  return model.ok() && model->dimension() > 0 ? 0 : 1;
}

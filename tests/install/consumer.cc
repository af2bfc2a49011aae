// Trains a small network from outside; fails unless it learned.
#include <cstdio>

#include "undying/undying.h"

int main() {
  const undying::Split data = undying::open_dataset("spirals");
  undying::Trainer trainer(
      undying::mlp({.inputs = 2, .hidden = {32, 32}, .outputs = 2, .activation = "leaky_relu:0.1"}),
      {.optimizer = undying::Adam{.learning_rate = 0.01f}, .batch = 50, .epochs = 20});
  const undying::Run run = trainer.fit(*data.train, *data.test);
  std::printf("test accuracy %.3f, %ld of %ld units dead\n", run.test_accuracy,
              static_cast<long>(run.ledger.dead()), static_cast<long>(run.ledger.units()));
  return run.test_accuracy > 0.8 ? 0 : 1;
}

// Trains a deep, narrow network on Fashion-MNIST and says what became of its neurons.
#include <cstdio>

#include "undying/undying.h"

int main() {
  using namespace undying;
  const Split data = open_dataset("fashion-mnist");
  Graph net = mlp({.inputs = 784,
                   .hidden = std::vector<std::int64_t>(20, 32),
                   .outputs = 10,
                   .activation = "leaky_relu:0.01"});
  Trainer trainer(std::move(net), {.optimizer = Sgd{.learning_rate = 0.05f, .momentum = 0.9f},
                                   .batch = 128,
                                   .epochs = 3,
                                   .seed = 1});
  const Run run = trainer.fit(*data.train, *data.test);
  std::printf("test accuracy %.2f%%\n", 100.0 * run.test_accuracy);
  for (const LayerHealth& layer : run.ledger.censuses.back().layers)
    std::printf("%-9s %2ld of %2ld dead, firing rate %.2f\n", layer.name.c_str(),
                static_cast<long>(layer.dead), static_cast<long>(layer.units), layer.firing_rate);
  write_safetensors("net.safetensors", trainer.tensors());
}

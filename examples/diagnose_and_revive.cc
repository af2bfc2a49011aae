// Trains a network at a rate that kills, says what is wrong with it, and tries to cure it.
#include <cstdio>

#include "undying/undying.h"

int main() {
  using namespace undying;
  const Split data = open_dataset("spirals");
  const Graph net = mlp({.inputs = 2, .hidden = {32, 32, 32}, .outputs = 2, .activation = "relu"});
  Trainer trainer(net, {.optimizer = Sgd{.learning_rate = 0.8f, .momentum = 0.9f},
                        .batch = 50,
                        .epochs = 2,
                        .seed = 1});
  trainer.fit(*data.train, *data.test);

  const Diagnosis diagnosis = diagnose(net, trainer.tensors(), *data.train);
  for (const Finding& finding : diagnosis.findings)
    std::printf("%s %s: %s\n", finding.what.c_str(), finding.layer.c_str(),
                finding.evidence.c_str());

  ReviveSettings settings{.model = "net", .data = "spirals"};
  settings.train = {
      .optimizer = Sgd{.learning_rate = 0.05f, .momentum = 0.9f}, .batch = 50, .epochs = 10};
  const Revival revival = revive(net, trainer.tensors(), data, settings);
  std::printf("%s\n", revival.sentence.c_str());
  if (revival.graph)
    onnx::save("healed.onnx", *revival.graph, revival.weights, {.doc = revival.sentence});
}

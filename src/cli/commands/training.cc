#include "cli/commands/training.h"

#include <memory>
#include <thread>
#include <utility>

#include "cli/flags/parse.h"
#include "engine/engine.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

// The network to train: of the file that --model names, or built here.
Graph graph_of(const TrainOptions& options, const std::optional<Network>& network,
               const TrainSettings& settings, const Dataset& data) {
  if (network) {
    const Graph graph = trained_graph(*network, settings.loss);
    if (!options.activation.empty() && hidden_activations(graph).empty())
      throw Error(ErrorCode::kUnsupported, "--activation",
                  "has nothing to replace: the network has no activation in front of a layer but "
                  "gates (sigmoid, tanh, hardsigmoid)");
    return options.activation.empty() ? graph
                                      : with_activation(graph, Activation(options.activation));
  }
  ModelOptions model = options.training.model_options();
  if (!options.activation.empty()) model.activation = Activation(options.activation);
  return build_model(options.training.model(), data.shape,
                     data.classes > 0 ? data.classes : data.outputs, model);
}

Trainer make_trainer(const TrainOptions& options, const std::optional<Network>& network,
                     const TrainSettings& settings, const Dataset& data) {
  Trainer trainer(graph_of(options, network, settings, data), settings);
  if (network) trainer.set(frozen_tensors(*network, settings));
  return trainer;
}

// A stream with draws in it is that of the run's seed, as a study's runs have theirs.
Split drawn(Split data, std::uint64_t seed) {
  if (data.stream == nullptr || !data.stream->redraw) return data;
  data.stream = data.stream->redraw(seed);
  data.train = data.test = data.stream->read(0);
  return data;
}

}  // namespace

TrainOptions::TrainOptions(CLI::App& app, const Host& host) : training(app, host) {
  app.add_option("--activation", activation,
                 "NAME or NAME:VALUE, such as leaky_relu:0.1; undying list names them all. "
                 "Default: relu; of a network from a file, its own")
      ->type_name("NAME");
  add_file(app, "--metrics", metrics, "write one line per step as CSV");
  add_file(app, "-o,--out", out,
           "write the final weights as safetensors, or the network as ONNX where the name ends "
           "in .onnx");
  add_file(app, "--checkpoint", checkpoint,
           "keep the run in this file as it goes, every --checkpoint-every steps and where it is "
           "interrupted");
  add_integer(app, "--checkpoint-every", checkpoint_every, "steps between two checkpoints", 1,
              std::int64_t{1} << 40);
  app.add_flag("--resume", resume,
               "go on from --checkpoint, where it is there: the same bits as if it had never "
               "ended");
  app.add_flag("--explain", explain,
               "print the compiled plan: operators, shapes, memory, what is in place, what runs; "
               "then end");
}

Prepared prepare(const TrainOptions& options, Screen& screen, const std::stop_token& stop,
                 const Adjust& adjust) {
  TrainSettings settings = options.training.settings();
  std::optional<Network> network = options.training.open_network();
  const std::vector<Tensor> initial = options.training.initial();
  const std::jthread warm_up(engine::prepare);  // after Interrupt: a thread that blocks no signal
                                                // would end the program at the first
  const Split data =
      drawn(open_data(options.training, network, show_reading(screen, stop)), settings.seed);
  options.training.fit_epochs(settings, data);
  if (network) options.training.choose(*network, *data.train, settings);
  if (!network) settings.loss = options.training.loss(*data.train);
  Trainer trainer =
      make_trainer(options, network, adjust ? adjust(settings) : settings, *data.train);
  trainer.check(*data.train);
  std::optional<Split> watched;
  if (settings.early_stop > 0) watched = validation_split(data, settings.seed);
  if (!initial.empty()) trainer.set(fitting(trainer.graph(), initial, options.training.init()));
  return {std::move(network), data, std::move(watched), std::move(trainer)};
}

}  // namespace undying::cli

#ifndef UNDYING_CLI_NETWORK_H_
#define UNDYING_CLI_NETWORK_H_

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cli/host.h"
#include "undying/dataset.h"
#include "undying/error.h"
#include "undying/onnx.h"
#include "undying/trainer.h"

namespace undying::cli {

// A network from a file as a command works on it: what was chosen of it, which has one input and
// one output.
struct Network {
  onnx::Model model;                // what the file holds
  NetworkInterface interface = {};  // by which data finds its inputs and targets
  std::vector<int> nodes = {};      // of model.graph, the outputs that are judged
  Graph graph;  // that, packed; of several outputs each without what its loss does itself (softmax,
                // sigmoid)
  std::vector<OutputLoss> outputs = {};  // several, with their losses
  std::optional<Loss> loss = {};         // of one, where it was given
  std::vector<std::string> names = {};   // of the outputs that are judged
  std::vector<std::string> others = {};  // outputs of the file that are not
  std::vector<std::string> notes = {};   // what was chosen, and why

  // The file's network, or the part of it that is judged, with what has become of `graph`:
  // activations by name, tensors by name.
  Graph whole(const Graph& changed) const { return with_activations_of(model.graph, changed); }
  Graph judged(const Graph& changed) const;
  std::vector<std::string> judged_inputs() const;
};

// The flags that choose a part of a network from a file, of every command that takes one.
class NetworkFlags {
 public:
  // Adds the flags to a command. The object must outlive the parse.
  explicit NetworkFlags(CLI::App& app, const std::string& group = "Options");

  // `fresh`: its weights will be drawn anew. Throws Error for flags and files that are wrong.
  Network load(const std::string& file, bool fresh = false) const;

  // Chooses the outputs that are judged: those of --output, else those that `data` has targets for,
  // else all. Before this, `graph` has all that may be judged. `loss`: for classes, or values, as
  // the command would take it for one output. Throws Error{kInvalidArgument} where there is no
  // target for an output that was asked for.
  void choose(Network& network, const Dataset& data, const std::optional<Loss>& loss) const;

  bool given() const { return !output_.empty() || !shapes_.empty(); }

 private:
  struct Wanted {
    std::string name;
    std::optional<Loss> loss;
    double weight = 1.0;
  };
  std::vector<Wanted> wanted() const;
  const Wanted* find(const std::vector<Wanted>& all, const std::string& name) const;
  // The outputs that choose() takes.
  std::vector<TargetPart> judged(const Network& network, const Dataset& data,
                                 const std::vector<Wanted>& all) const;
  static OutputLoss loss_of(const TargetPart& part, const Wanted* asked,
                            const std::optional<Loss>& given);

  std::string output_;
  std::vector<std::string> shapes_;
};

// Throws Error{kUnsupported} where it cannot be trained.
void check_trains(const Network& network, const std::string& file);

// What is trained of it: of one output, without what its loss does itself.
Graph trained_graph(const Network& network, Loss loss);

// The tensors of it that are neither drawn nor trained.
std::vector<std::string> frozen_names(const Network& network);
// The tensors of the file that are neither drawn nor trained.
std::vector<Tensor> frozen_tensors(const Network& network, const TrainSettings& settings);

// Those of the tensors of a file that this network has. Throws Error{kBadData} where one is
// missing, other than the slope of an activation, or has another shape.
std::vector<Tensor> fitting(const Graph& graph, const std::vector<Tensor>& tensors,
                            const std::string& file);

// What an output needs that does without some of the inputs: "; --output policy needs obs alone";
// "": there is none.
std::string advice_on_inputs(const Network& network);

// `open()`, which reads data for it; where an input has none, the error says what does without.
template <class Open>
auto open_for(const Network& network, const Open& open) {
  try {
    return open();
  } catch (const Error& error) {
    const std::string message = error.message();
    const std::string advice =
        message.find("for the input") == std::string::npos ? "" : advice_on_inputs(network);
    if (advice.empty()) throw;
    throw Error(error.code(), error.subject(), message + advice);
  }
}

// How far an output moves between the file's network and what has become of its judged part.
struct Change {
  double difference = 0.0;   // largest over the data
  double scale = 0.0;        // largest before
  std::string unknown = {};  // why nothing moves, or why it is not known
};
Change change_of(const Network& network, const std::string& output, const Graph& changed,
                 const std::vector<Tensor>& weights, const Dataset& data);

// What each of its outputs answers, in the units of the network: the outputs as the file gives
// them, one behind the other.
std::vector<float> answers(const Network& network, const Dataset& data, int threads);

// What most of its units are behind.
Activation own_activation(const Graph& graph);

// What was done to it and what was chosen of it, for people.
void print_notes(const Host& host, const Network& network);

// Whether --model names a file.
bool is_network_file(const std::string& model);

// Where a network with other activations or shapes is to go: not a file of weights alone.
void check_network_out(const std::string& file);

}  // namespace undying::cli

#endif  // UNDYING_CLI_NETWORK_H_

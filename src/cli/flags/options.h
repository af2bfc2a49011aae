#ifndef UNDYING_CLI_FLAGS_OPTIONS_H_
#define UNDYING_CLI_FLAGS_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <filesystem>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "cli/flags/data_flags.h"
#include "cli/host.h"
#include "cli/network.h"
#include "undying/dataset.h"
#include "undying/graph.h"
#include "undying/trainer.h"

namespace undying::cli {

// The flags that train and compare share: the data, the network, how it is trained.
class TrainingOptions {
 public:
  enum class Network { kBuilt, kGiven };  // whether flags say how it is built
  enum class Rates { kOne, kSeveral };    // whether --lr, and --keep-alive, may be a list

  // Adds the flags to a command. The object must outlive the parse, and the host the object.
  TrainingOptions(CLI::App& app, const Host& host, Network network = Network::kBuilt,
                  Rates rates = Rates::kOne);

  // `form`: of a given network; `network`: what it takes and gives. Throws Error{kBadData} where
  // there is nothing to learn, too.
  Split open_data(const ReadingWatch& watch, const std::optional<DataForm>& form = {},
                  const std::optional<NetworkInterface>& network = {}) const;
  // The network of the file that --model names, for weights that are drawn anew unless --init is
  // given; none: --model names another. Throws Error{kInvalidArgument} for flags that have no use
  // with it.
  std::optional<undying::cli::Network> open_network() const;
  const NetworkFlags& network_flags() const { return network_; }
  // Chooses what is judged of a network from a file and says so in the settings: losses, and what
  // is not trained.
  void choose(undying::cli::Network& network, const Dataset& train, TrainSettings& settings) const;
  // The tensors of --init, safetensors or ONNX; empty: not given.
  std::vector<Tensor> initial() const;
  // How data is read for them, where their file says so.
  std::optional<DataForm> initial_form() const;
  // The files that reads, where they can be told beforehand.
  std::vector<std::filesystem::path> data_files() const;
  // Where --steps was given and --epochs was not: as many as the steps need.
  void fit_epochs(TrainSettings& settings, const Split& data) const;
  ModelOptions model_options() const;
  // All but what depends on the data. Throws Error{kInvalidArgument} for flags that the chosen
  // optimizer does not have.
  TrainSettings settings() const;
  // Cross-entropy for classes, mean squared error for values, unless --loss was given. Throws
  // Error{kInvalidArgument} for flags that this loss does not have.
  Loss loss(const Dataset& train) const;

  // Those of --lr, ascending.
  std::vector<float> learning_rates() const {
    return {learning_rates_.begin(), learning_rates_.end()};
  }

  const std::string& data() const { return data_.data(); }
  const std::string& normalize() const { return data_.normalize(); }
  const std::string& model() const { return model_; }
  int threads() const { return given_.threads; }
  bool quiet() const { return quiet_; }
  const std::string& json() const { return json_; }
  const std::string& init() const { return init_; }

 private:
  void add_network(CLI::App& app);
  void add_settings(CLI::App& app, Network network);
  void add_rate(CLI::App& app);
  void add_optimizer_flags(CLI::App& app);
  Optimizer optimizer() const;

  // A setting of optimizers, other than the rate.
  struct OptimizerFlag {
    Setting setting;
    double value = 0.0;
    bool on_off = false;
    std::vector<std::string_view> owners;
    std::string text;  // the owners, with what differs in each

    std::string name() const;
  };
  void collect_optimizer_flags();

  CLI::App* app_;
  Rates rates_;
  DataFlags data_;
  NetworkFlags network_;
  std::string model_ = "mlp:16x30";
  std::string init_;
  bool batch_norm_ = false;
  bool layer_norm_ = false;
  double dropout_ = 0.0;
  std::string optimizer_ = "sgd";
  std::vector<double> learning_rates_ = {0.01};
  std::list<OptimizerFlag> optimizer_flags_;
  TrainSettings given_{.epochs = 3};  // with what the command line says
  bool quiet_ = false;
  std::string json_;
};

// The data of a command whose network is that of a file, or built for it: read as the file of
// --init says, if any.
Split open_data(const TrainingOptions& options, const std::optional<Network>& network,
                const ReadingWatch& watch);

// What the flags of `train` say of a network that is built here and of its training, for callers
// that have the data.
struct Training {
  TrainSettings settings;
  ModelOptions model_options;
  std::string model;
  bool has_loss = false;  // it was chosen; else it follows from the data
};
// Throws Error{kInvalidArgument}.
Training parse_training(const std::vector<std::string>& arguments);

// The command line as it was given, for reports: quoted where a shell needs it.
std::string command_text(int argc, const char* const* argv);

}  // namespace undying::cli

#endif  // UNDYING_CLI_FLAGS_OPTIONS_H_

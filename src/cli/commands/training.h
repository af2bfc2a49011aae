#ifndef UNDYING_CLI_COMMANDS_TRAINING_H_
#define UNDYING_CLI_COMMANDS_TRAINING_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "cli/flags/options.h"
#include "cli/host.h"
#include "cli/network.h"
#include "cli/progress.h"
#include "undying/evaluation.h"
#include "undying/trainer.h"

// What train trains, and replay trains again: from flags to a Trainer and its data.
namespace undying::cli {

inline constexpr std::int64_t kCheckpointEvery = 100'000;

struct TrainOptions {
  // Adds the flags to a command. The object must outlive the parse, and the host the object.
  TrainOptions(CLI::App& app, const Host& host);

  TrainingOptions training;
  std::string activation;  // empty: relu, or those of the file
  std::string metrics;
  std::string out;
  std::string checkpoint;
  std::int64_t checkpoint_every = kCheckpointEvery;
  bool resume = false;
  bool explain = false;
};

// Ready to begin.
struct Prepared {
  std::optional<Network> network;  // of a file
  Split data;
  std::optional<Split> watched;  // training rows and validation rows, where it stops early
  Trainer trainer;

  const Dataset& train() const { return watched ? *watched->train : *data.train; }
};

// Reads the network and the data and draws the weights. `adjust`: the settings that it is trained
// with, from those of the flags. Throws Error for what is wrong with any of them.
using Adjust = std::function<TrainSettings(const TrainSettings&)>;
Prepared prepare(const TrainOptions& options, Screen& screen, const std::stop_token& stop,
                 const Adjust& adjust = {});

}  // namespace undying::cli

#endif  // UNDYING_CLI_COMMANDS_TRAINING_H_

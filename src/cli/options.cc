#include "cli/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "cli/next.h"
#include "cli/parse.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

constexpr double kMost = 1e30;
constexpr std::int64_t kMostSteps = std::int64_t{1} << 40;

constexpr const char* kDataGroup = "Data";
constexpr const char* kNetworkGroup = "Network";
constexpr const char* kTrainingGroup = "Training";
constexpr const char* kRunGroup = "Run and output";

// A flag that only some optimizers, or some losses, have.
struct Owned {
  const char* flag;
  std::vector<std::string_view> owners;
};

const std::vector<Owned>& owned_by_optimizers() {
  static const std::vector<Owned> all = {{"--momentum", {"sgd", "rmsprop"}}, {"--nesterov", {"sgd"}},
                                         {"--beta1", {"adam", "adamw"}},     {"--beta2", {"adam", "adamw"}},
                                         {"--alpha", {"rmsprop"}},           {"--epsilon", {"adam", "adamw", "rmsprop"}}};
  return all;
}

const std::vector<Owned>& owned_by_losses() {
  static const std::vector<Owned> all = {{"--label-smoothing", {"cross-entropy"}}, {"--huber-delta", {"huber"}}};
  return all;
}

// A flag without effect is a mistake: of the person who gave it, if the program stays silent, of both.
void refuse_foreign_flags(const CLI::App& app, const std::vector<Owned>& flags, std::string_view kind, std::string_view chosen) {
  for (const Owned& owned : flags)
    if (app.count(owned.flag) > 0 && std::find(owned.owners.begin(), owned.owners.end(), chosen) == owned.owners.end())
      throw Error(ErrorCode::kInvalidArgument, owned.flag,
                  fmt::format("is not a setting of the {} {}; it belongs to {}", kind, chosen, fmt::join(owned.owners, ", ")));
}

// What can be opened, but not learned.
void check_classes(const Dataset& train, const std::string& source) {
  if (train.classes == 0) return;
  if (std::adjacent_find(train.labels.begin(), train.labels.end(), std::not_equal_to<>()) == train.labels.end())
    throw Error(ErrorCode::kBadData, source, "has the same label in every training example; expected at least two classes");
}

}  // namespace

TrainingOptions::TrainingOptions(CLI::App& app, Network network, Rates rates)
    : app_(&app),
      rates_(rates),
      data_(app, network == Network::kBuilt ? DataFlags::Network::kOwn : DataFlags::Network::kGiven, kDataGroup),
      network_(app, kNetworkGroup) {
  add_data(app);
  if (network == Network::kBuilt) add_network(app);
  add_optimizer(app);
  if (network == Network::kBuilt) add_scoring(app);
  add_run(app);
}

void TrainingOptions::add_data(CLI::App& app) {
  app.add_option(
         "--augment", augment_,
         "what training does to images, separated by commas: flip (left to right, one in two), crop[:PIXELS] (padded by so many, 4, "
         "and cut at a random place), cutout[:SIDE] (a square of that side, 8, blanked)")
      ->type_name("LIST")
      ->capture_default_str()
      ->group(kDataGroup);
}

void TrainingOptions::add_network(CLI::App& app) {
  app.add_option("--model", model_,
                 "mlp:WIDTHxDEPTH (mlp:32x20), mlp:WIDTH-WIDTH-... (mlp:256-128-100); for images lenet, vgg:small, resnet:20, resnet:32, "
                 "resnet:56, mobilenet:small; or FILE.onnx: the architecture of that network, its parameters drawn anew")
      ->type_name("MODEL")
      ->capture_default_str()
      ->group(kNetworkGroup);
  app.add_flag("--batch-norm,!--no-batch-norm", batch_norm_,
               "batch norm before each activation, or none; default: resnet and mobilenet have it, the others not")
      ->group(kNetworkGroup);
  add_real(app, "--dropout", dropout_, "share of units dropped behind every activation", 0.0, 0.999)->group(kNetworkGroup);
  add_file(app, "--init", init_, "start from the weights in this safetensors or ONNX file")->group(kNetworkGroup);
  app.add_option("--init-scheme", initializer_,
                 "how weights are drawn: kaiming-normal (with the activation's own gain), kaiming-uniform, xavier-normal, xavier-uniform, "
                 "lecun-normal, orthogonal, randomized-asymmetric")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(kNetworkGroup);
}

void TrainingOptions::add_optimizer(CLI::App& app) {
  const auto grouped = [](CLI::Option* option) { option->group(kTrainingGroup); };
  grouped(app.add_option("--optimizer", optimizer_, "sgd, adam, adamw or rmsprop")->type_name("NAME")->capture_default_str());
  add_rate(app);
  grouped(add_real(app, "--momentum", momentum_, "of sgd and rmsprop", 0.0, 0.99999));
  grouped(app.add_flag("--nesterov", nesterov_, "Nesterov momentum (sgd)"));
  grouped(add_real(app, "--weight-decay", weight_decay_, "L2, or decoupled for adamw (0.01 there); never on PReLU slopes", 0.0, kMost));
  grouped(add_real(app, "--beta1", beta1_, "of adam and adamw", 0.0, 0.99999));
  grouped(add_real(app, "--beta2", beta2_, "of adam and adamw", 0.0, 0.9999999));
  grouped(add_real(app, "--alpha", alpha_, "of rmsprop", 0.0, 0.9999999));
  grouped(add_real(app, "--epsilon", epsilon_, "of adam, adamw and rmsprop", 1e-30, 1.0));
  grouped(app.add_option("--schedule", schedule_, "constant, step:PERIOD[,GAMMA], cosine[:FINAL] or one-cycle")
              ->type_name("NAME")
              ->capture_default_str());
  grouped(add_integer(app, "--warmup", warmup_, "steps of linear warm-up", 0, kMostSteps));
  grouped(add_real(app, "--clip-norm", clip_norm_, "scale gradients so that their global norm is at most this; 0: off", 0.0, kMost));
  grouped(app.add_option("--loss", loss_, "cross-entropy, mse, bce or huber (default: cross-entropy for classes, mse otherwise)")
              ->type_name("NAME"));
  grouped(add_real(app, "--label-smoothing", label_smoothing_, "of cross-entropy", 0.0, 0.999));
  grouped(app.add_option("--class-weights", class_weights_,
                         "none, or balanced: in the training loss of cross-entropy and bce every class counts as much as any other")
              ->type_name("HOW")
              ->capture_default_str());
  grouped(add_real(app, "--huber-delta", huber_delta_, "where the Huber loss turns linear", 1e-30, kMost));
  grouped(
      app.add_option("--precision", precision_, "of matrix products and convolutions: float32, or bf16 with sums and weights in float32")
          ->type_name("NAME")
          ->capture_default_str());
  grouped(add_integer(app, "--batch", batch_, "examples a step", 1, 1 << 24));
  grouped(add_integer(app, "--epochs", epochs_, "passes over the training data", 1, 1'000'000));
  grouped(add_integer(app, "--steps", steps_,
                      "end after this many steps, with as many epochs as they need unless --epochs is given; 0: with the epochs", 0,
                      kMostSteps));
  grouped(app.add_flag("--no-shuffle", no_shuffle_, "keep the order of the data"));
}

void TrainingOptions::add_scoring(CLI::App& app) {
  app.add_option(
         "--metric", metric_,
         "what scores, chooses and is judged: accuracy, balanced-accuracy, f1, auc or log-loss of classes, rmse, mae or r2 of values "
         "(default: accuracy, or the loss)")
      ->type_name("NAME")
      ->group(kTrainingGroup);
  add_integer(app, "--early-stop", early_stop_,
              "end a run after so many epochs without a better score on validation rows, which are cut off the training rows, and keep the "
              "weights of the best epoch; 0: off",
              0, 1'000'000)
      ->group(kTrainingGroup);
}

void TrainingOptions::add_rate(CLI::App& app) {
  const std::string help = rates_ == Rates::kOne
                               ? "learning rate (0.001 for adam and adamw)"
                               : "learning rate (0.001 for adam and adamw); of several, such as 0.003,0.03,0.3, each arm gets "
                                 "the best of its own, chosen on validation rows that are cut off the training rows";
  CLI::Option* option = add_reals(app, "--lr", learning_rates_, help, 1e-30, kMost);
  if (rates_ == Rates::kOne) option->type_name("X");
  option->group(kTrainingGroup);
}

void TrainingOptions::add_run(CLI::App& app) {
  const auto grouped = [](CLI::Option* option) { option->group(kRunGroup); };
  grouped(add_integer(app, "--seed", seed_, "of the initial draw, the data order, dropout and random slopes", 0, std::int64_t{1} << 62));
  grouped(add_integer(app, "--threads", threads_, "worker threads; 0: one per core", 0, 1024));
  grouped(add_integer(app, "--shards", shards_,
                      "pieces a batch is cut into: they, and never the threads, decide the last bits of a result; 0: as many as threads", 0,
                      1024));
  grouped(app.add_flag("--no-counters", no_counters_, "do not count firing in every step (deaths are then dated by census only)"));
  grouped(app.add_flag("--no-census", no_census_, "no passes over the whole training set to confirm deaths"));
  grouped(add_file(app, "--json", json_, "write the result as JSON to this file"));
  grouped(app.add_flag("--quiet", quiet_, "no progress, only the result"));
}

Split TrainingOptions::open_data(const ReadingWatch& watch, const std::optional<DataForm>& form,
                                 const std::optional<NetworkInterface>& network) const {
  Split split = data_.open(form, loss_ != "bce", network, watch);
  check_classes(*split.train, data_.data());
  return split;
}

std::optional<undying::cli::Network> TrainingOptions::open_network() const {
  if (!is_network_file(model_)) {
    if (network_.given())
      throw Error(ErrorCode::kInvalidArgument, app_->count("--output") > 0 ? "--output" : "--shape",
                  fmt::format("is of a network from a file; --model {} is built here", model_));
    return std::nullopt;
  }
  for (const char* flag : {"--batch-norm", "--dropout"})
    if (app_->count(flag) > 0)
      throw Error(ErrorCode::kInvalidArgument, flag, fmt::format("has no use: {} says what the network is", model_));
  undying::cli::Network network = network_.load(model_, init_.empty());
  check_trains(network, model_);
  return network;
}

void TrainingOptions::choose(undying::cli::Network& network, const Dataset& train, TrainSettings& settings) const {
  network_.choose(network, train, app_->count("--loss") > 0 ? std::optional(parse_loss(loss_)) : std::nullopt);
  settings.loss = network.loss ? *network.loss : loss(train);
  settings.outputs = network.outputs;
  settings.frozen = frozen_names(network);
}

std::vector<Tensor> TrainingOptions::initial() const {
  if (init_.empty()) return {};
  return is_network_file(init_) ? onnx::load(init_).weights : read_safetensors(init_);
}

std::optional<DataForm> TrainingOptions::initial_form() const { return is_network_file(init_) ? onnx::load(init_).form : std::nullopt; }

void TrainingOptions::fit_epochs(TrainSettings& settings, const Dataset& train) const {
  const std::int64_t rows = train.size - train.size / 4;  // at least, where validation rows are cut off
  const std::int64_t steps_per_epoch = (rows + settings.batch - 1) / settings.batch;
  if (steps_ > 0 && app_->count("--epochs") == 0) settings.epochs = (steps_ + steps_per_epoch - 1) / steps_per_epoch;
}

std::vector<std::filesystem::path> TrainingOptions::data_files() const { return data_.files(); }

ModelOptions TrainingOptions::model_options() const {
  ModelOptions options{.activation = "relu", .dropout = dropout_};
  if (app_->count("--batch-norm") > 0) options.batch_norm = batch_norm_;
  return options;
}

Optimizer TrainingOptions::optimizer() const {
  if (optimizer_ != "sgd" && optimizer_ != "adam" && optimizer_ != "adamw" && optimizer_ != "rmsprop")
    throw Error(ErrorCode::kInvalidArgument, "--optimizer",
                fmt::format("\"{}\" is not known; expected sgd, adam, adamw or rmsprop", optimizer_));
  refuse_foreign_flags(*app_, owned_by_optimizers(), "optimizer", optimizer_);
  if (rates_ == Rates::kOne && learning_rates_.size() > 1)
    throw Error(
        ErrorCode::kInvalidArgument, "--lr",
        fmt::format("names {} rates; expected one here (undying compare gives each arm the best of several)", learning_rates_.size()));
  const auto value = [&](const char* flag, double given, float otherwise) {
    return app_->count(flag) > 0 ? static_cast<float>(given) : otherwise;
  };
  if (optimizer_ == "sgd")
    return Sgd{.learning_rate = static_cast<float>(learning_rates_.front()),
               .momentum = static_cast<float>(momentum_),
               .nesterov = nesterov_,
               .weight_decay = static_cast<float>(weight_decay_)};
  if (optimizer_ == "rmsprop")
    return RmsProp{.learning_rate = static_cast<float>(learning_rates_.front()),
                   .alpha = static_cast<float>(alpha_),
                   .epsilon = static_cast<float>(epsilon_),
                   .momentum = static_cast<float>(momentum_),
                   .weight_decay = static_cast<float>(weight_decay_)};
  const auto fill = [&](auto adam) {
    adam.learning_rate = value("--lr", learning_rates_.front(), adam.learning_rate);
    adam.beta1 = static_cast<float>(beta1_);
    adam.beta2 = static_cast<float>(beta2_);
    adam.epsilon = static_cast<float>(epsilon_);
    adam.weight_decay = value("--weight-decay", weight_decay_, adam.weight_decay);
    return adam;
  };
  return optimizer_ == "adam" ? Optimizer(fill(Adam{})) : Optimizer(fill(AdamW{}));
}

Loss TrainingOptions::loss(const Dataset& train) const {
  const Loss fitting = train.classes > 0 ? Loss::kSoftmaxCrossEntropy : Loss::kMeanSquaredError;
  const Loss chosen = app_->count("--loss") > 0 ? parse_loss(loss_) : fitting;
  refuse_foreign_flags(*app_, owned_by_losses(), "loss", name(chosen));
  return chosen;
}

TrainSettings TrainingOptions::settings() const {
  TrainSettings settings{.optimizer = optimizer(), .schedule = parse_schedule(schedule_)};
  settings.schedule.warmup = warmup_;
  if (app_->count("--loss") > 0) settings.loss = parse_loss(loss_);
  settings.label_smoothing = label_smoothing_;
  settings.precision = parse_precision(precision_);
  settings.huber_delta = huber_delta_;
  settings.class_weights = parse_class_weights(class_weights_);
  if (!metric_.empty()) settings.metric = parse_metric(metric_);
  settings.early_stop = early_stop_;
  settings.clip_norm = clip_norm_;
  settings.initializer = parse_initializer(initializer_);
  settings.batch = batch_;
  settings.epochs = epochs_;
  settings.max_steps = steps_;
  settings.seed = static_cast<std::uint64_t>(seed_);
  settings.shuffle = !no_shuffle_;
  settings.augmentation = parse_augmentation(augment_);
  settings.threads = threads();
  settings.shards = static_cast<int>(shards_);
  settings.health.counters = !no_counters_;
  settings.health.census = !no_census_;
  return settings;
}

Split open_data(const TrainingOptions& options, const std::optional<Network>& network, const ReadingWatch& watch) {
  const std::optional<DataForm> form = options.initial_form();
  if (!network) return options.open_data(watch, form);
  return open_for(*network, [&] { return options.open_data(watch, form, network->interface); });
}

std::string command_text(int argc, const char* const* argv) {
  std::string text = "undying";
  for (int i = 1; i < argc; ++i) text += " " + shell_word(argv[i]);
  return text;
}

}  // namespace undying::cli

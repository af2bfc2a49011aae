#include "cli/flags/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <type_traits>
#include <vector>

#include "cli/flags/flag_names.h"
#include "cli/flags/parse.h"
#include "cli/next.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

constexpr const char* kDataGroup = "Data";  // as settings name them
constexpr const char* kNetworkGroup = "Network";
constexpr const char* kTrainingGroup = "Training";
constexpr const char* kRunGroup = "Run and output";

// A flag that only some optimizers, or some losses, have.
struct Owned {
  std::string flag;
  std::vector<std::string_view> owners;
};

const std::vector<Owned>& owned_by_losses() {
  static const std::vector<Owned> all = {{"--label-smoothing", {"cross-entropy"}},
                                         {"--huber-delta", {"huber"}}};
  return all;
}

// A flag without effect is a mistake: of the person who gave it, if the program stays silent, of
// both.
void refuse_foreign_flags(const CLI::App& app, const std::vector<Owned>& flags,
                          std::string_view kind, std::string_view chosen) {
  for (const Owned& owned : flags)
    if (app.count(owned.flag) > 0 &&
        std::find(owned.owners.begin(), owned.owners.end(), chosen) == owned.owners.end())
      throw Error(ErrorCode::kInvalidArgument, owned.flag,
                  fmt::format("is not a setting of the {} {}; it belongs to {}", kind, chosen,
                              fmt::join(owned.owners, ", ")));
}

// How settings that are words are read and said.
void read(const std::string& text, Loss& loss) { loss = parse_loss(text); }
void read(const std::string& text, ClassWeights& weights) { weights = parse_class_weights(text); }
void read(const std::string& text, std::optional<Metric>& metric) { metric = parse_metric(text); }
void read(const std::string& text, Initializer& initializer) {
  initializer = parse_initializer(text);
}
void read(const std::string& text, Precision& precision) { precision = parse_precision(text); }
void read(const std::string& text, Augmentation& augmentation) {
  augmentation = parse_augmentation(text);
}
void read(const std::string& text, KeepAlive& keep) { keep = parse_keep_alive(text); }
void read(const std::string& text, Schedule& schedule) {
  const std::int64_t warmup = schedule.warmup;  // has a flag of its own
  schedule = parse_schedule(text);
  schedule.warmup = warmup;
}

// The words there are, which the help lists in front of what it says; empty: it says them itself.
std::vector<std::string> words_for(const Loss&) { return loss_names(); }
std::vector<std::string> words_for(const std::optional<Metric>&) { return metric_names(); }
std::vector<std::string> words_for(const Initializer&) { return initializer_names(); }
std::vector<std::string> words_for(const Schedule&) { return schedule_forms(); }
std::vector<std::string> words_for(const KeepAlive&) { return keep_alive_forms(); }
template <class T>
std::vector<std::string> words_for(const T&) {
  return {};
}

template <class T>
std::string word_of(const T& value) {
  if constexpr (std::is_same_v<T, Augmentation> || std::is_same_v<T, KeepAlive>)
    return value.specification();
  if constexpr (std::is_same_v<T, Schedule>) return specification(value);
  if constexpr (std::is_enum_v<T> && !std::is_same_v<T, Loss>)
    return std::string(name(value));  // the default loss is that of the data
  return "";
}

// Gives each setting that has a help its flag. The fields must outlive the parse.
struct SettingFlags {
  CLI::App& app;
  bool built;    // whether flags say how the network is built
  bool several;  // whether runs differ in their remedies

  template <class T>
  void operator()(const Setting& setting, T& field) const {
    constexpr std::array<std::string_view, 4> kOfBuilt = {"init_scheme", "metric", "early_stop",
                                                          "keep_alive"};
    if (setting.help.empty() || (several && setting.name == "keep_alive") ||
        (!built && std::ranges::find(kOfBuilt, setting.name) != kOfBuilt.end()))
      return;
    if (CLI::Option* option = add(setting, field); option != nullptr)
      option->group(std::string(setting.group));
  }

 private:
  template <class T>
  CLI::Option* add(const Setting& setting, T& field) const {
    const std::string help(setting.help);
    if constexpr (std::is_same_v<T, bool>) {
      return app.add_flag_callback(
          flag_of(setting, field ? "--no-" : "--"), [&field, now = !field] { field = now; }, help);
    } else if constexpr (std::is_same_v<T, double>) {
      return add_real(app, flag_of(setting), field, help, setting.least, setting.greatest);
    } else if constexpr (std::is_integral_v<T>) {
      const auto set = [&field, setting](const std::string& text) {
        field = static_cast<T>(parse_integer(flag_of(setting), text,
                                             static_cast<std::int64_t>(setting.least),
                                             static_cast<std::int64_t>(setting.greatest)));
      };
      return app.add_option_function<std::string>(flag_of(setting), set, help)
          ->type_name("N")
          ->default_str(fmt::format("{}", field));
    } else {
      const auto set = [&field](const std::string& text) { read(text, field); };
      std::string words = fmt::format("{}", fmt::join(words_for(field), ", "));
      if (!words.empty()) words += "; ";
      const char* kind = std::is_same_v<T, Augmentation> || std::is_same_v<T, KeepAlive> ? "LIST"
                         : std::is_same_v<T, ClassWeights>                               ? "HOW"
                                                                                         : "NAME";
      return app.add_option_function<std::string>(flag_of(setting), set, words + help)
          ->type_name(kind)
          ->default_str(word_of(field));
    }
  }

  CLI::Option* add(const Setting&, Optimizer&) const {
    return nullptr;
  }  // has no help, and flags of its own
};

// What can be opened, but not learned.
void check_classes(const Dataset& train, const std::string& source) {
  if (train.classes == 0) return;
  if (std::adjacent_find(train.labels.begin(), train.labels.end(), std::not_equal_to<>()) ==
      train.labels.end())
    throw Error(ErrorCode::kBadData, source,
                "has the same label in every training example; expected at least two classes");
}

}  // namespace

TrainingOptions::TrainingOptions(CLI::App& app, const Host& host, Network network, Rates rates)
    : app_(&app),
      rates_(rates),
      data_(app, host,
            network == Network::kBuilt ? DataFlags::Network::kOwn : DataFlags::Network::kGiven,
            kDataGroup),
      network_(app, kNetworkGroup) {
  if (network == Network::kBuilt) add_network(app);
  add_settings(app, network);
}

void TrainingOptions::add_network(CLI::App& app) {
  app.add_option("--model", model_,
                 "mlp:WIDTHxDEPTH (mlp:32x20), mlp:WIDTH-WIDTH-... (mlp:256-128-100); for images "
                 "lenet, vgg:small, resnet:20, resnet:32, "
                 "resnet:56, mobilenet:small; or FILE.onnx: the architecture of that network, its "
                 "parameters drawn anew")
      ->type_name("MODEL")
      ->capture_default_str()
      ->group(kNetworkGroup);
  app.add_flag("--batch-norm,!--no-batch-norm", batch_norm_,
               "batch norm before each activation, or none; default: resnet and mobilenet have it, "
               "the others not")
      ->group(kNetworkGroup);
  app.add_flag("--layer-norm", layer_norm_, "mlp: layer norm before each activation")
      ->group(kNetworkGroup);
  add_real(app, "--dropout", dropout_, "share of units dropped behind every activation", 0.0, 0.999)
      ->group(kNetworkGroup);
  add_file(app, "--init", init_,
           "start from the weights in this safetensors or ONNX file; an ONNX file's get data as it "
           "says, or as it is (--normalize unit)")
      ->group(kNetworkGroup);
}

void TrainingOptions::add_settings(CLI::App& app, Network network) {
  app.add_option("--optimizer", optimizer_, fmt::format("{}", fmt::join(optimizer_names(), ", ")))
      ->type_name("NAME")
      ->capture_default_str()
      ->group(kTrainingGroup);
  add_rate(app);
  add_optimizer_flags(app);
  TrainSettings::each(given_,
                      SettingFlags{app, network == Network::kBuilt, rates_ == Rates::kSeveral});
  add_file(app, "--json", json_, "write the result as JSON to this file")->group(kRunGroup);
  app.add_flag("--quiet", quiet_, "no progress, only the result")->group(kRunGroup);
}

void TrainingOptions::add_rate(CLI::App& app) {
  std::string others;
  for (const std::string_view name : optimizer_names()) {
    const float rate = learning_rate(parse_optimizer(name));
    if (rate != learning_rate(Sgd{}))
      others += fmt::format("{}{}: {}", others.empty() ? "" : "; ", name, rate);
  }
  std::string help = fmt::format("learning rate ({})", others);
  if (rates_ == Rates::kSeveral)
    help +=
        "; of several, such as 0.003,0.03,0.3, each arm gets the best of its own, chosen on "
        "validation rows that are cut off the "
        "training rows";
  CLI::Option* option =
      add_reals(app, "--lr", learning_rates_, help, optim::kRate.least, optim::kRate.greatest);
  if (rates_ == Rates::kOne) option->type_name("X");
  option->group(kTrainingGroup);
}

std::string TrainingOptions::OptimizerFlag::name() const { return flag_of(setting); }

void TrainingOptions::collect_optimizer_flags() {
  for (const std::string_view name : optimizer_names())
    visit_settings(parse_optimizer(name), [&](const Setting& setting, auto initial) {
      if (setting.name == optim::kRate.name) return;
      const double value = std::strtod(fmt::format("{}", static_cast<float>(initial)).c_str(),
                                       nullptr);  // as it was meant
      auto flag = std::ranges::find(optimizer_flags_, setting.name,
                                    [](const OptimizerFlag& each) { return each.setting.name; });
      const bool fresh = flag == optimizer_flags_.end();
      if (fresh)
        flag = optimizer_flags_.insert(
            flag, OptimizerFlag{setting, value, std::is_same_v<decltype(initial), bool>, {}, {}});
      std::vector<std::string> own;
      if (setting.help != flag->setting.help) own.emplace_back(setting.help);
      if (value != flag->value) own.push_back(fmt::format("{}", value));
      flag->owners.push_back(name);
      flag->text += fmt::format("{}{}{}{}", fresh ? "" : "; ", name, own.empty() ? "" : ": ",
                                fmt::join(own, ", "));
    });
}

void TrainingOptions::add_optimizer_flags(CLI::App& app) {
  collect_optimizer_flags();
  for (OptimizerFlag& flag : optimizer_flags_) {
    const std::string help = fmt::format("{} ({})", flag.setting.help, flag.text);
    CLI::Option* option = flag.on_off ? app.add_flag_callback(
                                            flag.name(), [&flag] { flag.value = 1.0; }, help)
                                      : add_real(app, flag.name(), flag.value, help,
                                                 flag.setting.least, flag.setting.greatest);
    option->group(kTrainingGroup);
  }
}

Split TrainingOptions::open_data(const ReadingWatch& watch, const std::optional<DataForm>& form,
                                 const std::optional<NetworkInterface>& network) const {
  Split split = data_.open(form, kind(given_.loss) != LossKind::kProbabilities, network, watch,
                           is_network_file(init_));
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
  for (const char* flag : {"--batch-norm", "--layer-norm", "--dropout"})
    if (app_->count(flag) > 0)
      throw Error(ErrorCode::kInvalidArgument, flag,
                  fmt::format("has no use: {} says what the network is", model_));
  undying::cli::Network network = network_.load(model_, init_.empty());
  check_trains(network, model_);
  return network;
}

void TrainingOptions::choose(undying::cli::Network& network, const Dataset& train,
                             TrainSettings& settings) const {
  network_.choose(network, train,
                  app_->count("--loss") > 0 ? std::optional(given_.loss) : std::nullopt);
  settings.loss = network.loss ? *network.loss : loss(train);
  settings.outputs = network.outputs;
  settings.frozen = frozen_names(network);
}

std::vector<Tensor> TrainingOptions::initial() const {
  if (init_.empty()) return {};
  return is_network_file(init_) ? onnx::load(init_).weights : read_safetensors(init_);
}

std::optional<DataForm> TrainingOptions::initial_form() const {
  return is_network_file(init_) ? onnx::load(init_).form : std::nullopt;
}

void TrainingOptions::fit_epochs(TrainSettings& settings, const Split& data) const {
  if (app_->count("--epochs") > 0) return;
  const DataStream* stream = data.stream.get();
  if (stream != nullptr && stream->examples == 0 && given_.max_steps == 0)
    throw Error(ErrorCode::kInvalidArgument, "--steps",
                fmt::format("says when to end with a stream without end; expected --steps N, or "
                            "--epochs N for N stretches of {} examples",
                            stream->stretch));
  if (stream != nullptr && given_.max_steps == 0)
    settings.epochs = (stream->examples + stream->stretch - 1) / stream->stretch;
  if (given_.max_steps == 0) return;
  const std::int64_t size = data.train->size;
  // At least, where validation rows are cut off.
  const std::int64_t rows = stream != nullptr ? size : size - size / 4;
  const std::int64_t steps_per_epoch = (rows + settings.batch - 1) / settings.batch;
  settings.epochs = (given_.max_steps + steps_per_epoch - 1) / steps_per_epoch;
}

std::vector<std::filesystem::path> TrainingOptions::data_files() const { return data_.files(); }

ModelOptions TrainingOptions::model_options() const {
  ModelOptions options{.activation = "relu", .dropout = dropout_, .layer_norm = layer_norm_};
  if (app_->count("--batch-norm") > 0) options.batch_norm = batch_norm_;
  return options;
}

Optimizer TrainingOptions::optimizer() const {
  const std::vector<std::string_view> names = optimizer_names();
  if (std::ranges::find(names, optimizer_) == names.end())
    throw Error(
        ErrorCode::kInvalidArgument, "--optimizer",
        fmt::format("\"{}\" is not known; expected one of {}", optimizer_, fmt::join(names, ", ")));
  std::vector<Owned> owned;
  for (const OptimizerFlag& flag : optimizer_flags_) owned.push_back({flag.name(), flag.owners});
  refuse_foreign_flags(*app_, owned, "optimizer", optimizer_);
  if (rates_ == Rates::kOne && learning_rates_.size() > 1)
    throw Error(ErrorCode::kInvalidArgument, "--lr",
                fmt::format("names {} rates; expected one here (undying compare gives each arm the "
                            "best of several)",
                            learning_rates_.size()));
  Optimizer chosen = parse_optimizer(optimizer_);
  if (app_->count("--lr") > 0)
    chosen = with_learning_rate(chosen, static_cast<float>(learning_rates_.front()));
  visit_settings(chosen, [&](const Setting& setting, auto& field) {
    for (const OptimizerFlag& flag : optimizer_flags_)
      if (flag.setting.name == setting.name && app_->count(flag.name()) > 0)
        field = static_cast<std::remove_reference_t<decltype(field)>>(flag.value);
  });
  return chosen;
}

Loss TrainingOptions::loss(const Dataset& train) const {
  const Loss chosen = app_->count("--loss") > 0 ? given_.loss : usual_loss(train.classes > 0);
  refuse_foreign_flags(*app_, owned_by_losses(), "loss", name(chosen));
  return chosen;
}

TrainSettings TrainingOptions::settings() const {
  TrainSettings settings = given_;
  settings.optimizer = optimizer();
  return settings;
}

Split open_data(const TrainingOptions& options, const std::optional<Network>& network,
                const ReadingWatch& watch) {
  const std::optional<DataForm> form = options.initial_form();
  if (!network) return options.open_data(watch, form);
  return open_for(*network, [&] { return options.open_data(watch, form, network->interface); });
}

Training parse_training(const std::vector<std::string>& arguments) {
  CLI::App app;
  const Host host;
  const TrainingOptions options(app, host);
  try {
    app.parse(std::vector<std::string>(
        arguments.rbegin(), arguments.rend()));  // the last one first, as CLI11 wants them
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorCode::kInvalidArgument, "settings", error.what());
  }
  return {options.settings(), options.model_options(), options.model(), app.count("--loss") > 0};
}

std::string command_text(int argc, const char* const* argv) {
  std::string text = "undying";
  for (int i = 1; i < argc; ++i) text += " " + shell_word(argv[i]);
  return text;
}

}  // namespace undying::cli

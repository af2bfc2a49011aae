#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/atomic_file.h"
#include "cli/commands/commands.h"
#include "cli/flags/condition.h"
#include "cli/flags/data_flags.h"
#include "cli/flags/parse.h"
#include "cli/network.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "data/split.h"
#include "undying/doctor.h"
#include "undying/error.h"
#include "undying/onnx.h"
#include "undying/report.h"

namespace undying::cli {
namespace {

constexpr const char* kDiagnoseDescription =
    "Says what is wrong with a network: runs it over a whole data set with frozen weights, forward "
    "and, where there\n"
    "are labels, backward, and judges every unit and layer. Findings come with evidence, the most "
    "costly first.\n";

constexpr const char* kDiagnoseFooter =
    "Examples:\n"
    "  undying diagnose model.onnx --data fashion-mnist\n"
    "  undying diagnose model.onnx --data npy:X.npy --labels Y.npy --part all --json "
    "diagnosis.json\n"
    "  undying diagnose model.onnx --data fashion-mnist --fail-on 'dead>5%' --fail-on not-learned\n"
    "  undying diagnose model.onnx --forecast\n"
    "\n"
    "docs/diagnosis.md says what every word means and what it does not say.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, or an output that cannot be written; 3 a "
    "condition of --fail-on is met; 130 interrupted, nothing is written.";

struct DiagnoseOptions {
  DiagnoseOptions(CLI::App& app, const Host& host)
      : source(app, host, DataFlags::Network::kUsed), network(app) {
    app.add_option("MODEL", model, "the network, an ONNX file")->required();
    add_file(app, "--labels", labels, "labels or targets of npy:X.npy, an NPY file");
    app.add_option("--part", part, "of the data: train, test or all")
        ->type_name("PART")
        ->capture_default_str();
    app.add_option(
           "--loss", loss,
           "cross-entropy, mse, bce or huber (default: cross-entropy for classes, mse otherwise)")
        ->type_name("NAME");
    add_real(app, "--tau", tau, "dormant: mean |h| at most this share of the layer's", 0.0, 1.0);
    add_real(app, "--eps", eps, "saturated: |f'| below this", 0.0, 1.0);
    app.add_flag("--forecast", forecast,
                 "before any training: from the graph alone, no data is read");
    app.add_option("--init-scheme", init_scheme, "for --forecast, how weights will be drawn")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--fail-on", fail_on,
                   "METRIC>SHARE or a finding, such as 'dead>5%' or not-learned: exit code 3 when "
                   "it is met; may be given several times")
        ->type_name("CONDITION")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    add_integer(app, "--threads", threads, "worker threads; 0: one per core", 0, 1024);
    add_memory(app, memory);
    app.add_flag("--explain", explain, "print the passes over the data that were made, too");
    add_file(app, "--json", json, "write the diagnosis as JSON to this file");
    app.add_flag("--quiet", quiet, "no progress, only the result");
  }

  DiagnoseSettings settings() const {
    DiagnoseSettings chosen{.dormant_tau = tau,
                            .saturation_eps = eps,
                            .threads = static_cast<int>(threads),
                            .memory = memory};
    if (!loss.empty()) chosen.loss = parse_loss(loss);
    return chosen;
  }

  DataFlags source;
  NetworkFlags network;
  std::string model, labels, part = "train", loss, init_scheme = "kaiming-normal", json;
  double tau = HealthSettings{}.dormant_tau;
  double eps = HealthSettings{}.saturation_eps;
  bool forecast = false;
  bool quiet = false;
  bool explain = false;
  std::int64_t memory = DiagnoseSettings{}.memory;
  std::vector<std::string> fail_on;
  std::int64_t threads = 0;
};

// D, and what was read; nothing of the latter where D has no labels.
struct Opened {
  std::shared_ptr<const Dataset> data;
  std::shared_ptr<const Dataset> training;  // the part that a baseline learns from
  std::optional<DataSummary> summary;
};

Opened open(const DiagnoseOptions& options, const Network& network) {
  const std::optional<DataForm>& form = network.model.form;
  const std::string& source = options.source.data();
  const bool bare = source.starts_with("npy:") && source.find(',') == std::string::npos;
  if (!bare && !options.labels.empty())
    throw Error(ErrorCode::kInvalidArgument, "--labels",
                fmt::format("goes with --data npy:X.npy; {} brings its own", source));
  if (options.labels.empty())
    if (const auto inputs = options.source.open_inputs(form))
      return {inputs, nullptr, std::nullopt};
  if (const bool columns = form && !form->columns.empty(); !columns)
    if (std::optional<data::CsvTable> read = options.source.open_columns(form, network.interface))
      return {std::make_shared<Dataset>(std::move(read->data)), nullptr, std::nullopt};
  const Split split =
      options.source.open(form, bare ? source + "," + options.labels : source, network.interface);
  const DataSummary summary = summarise(split);
  if (options.part == "train") return {split.train, split.train, summary};
  if (options.part == "test") return {split.test, split.train, summary};
  if (options.part == "all")
    return {std::make_shared<Dataset>(data::joined(split)), split.train, summary};
  throw Error(ErrorCode::kInvalidArgument, "--part",
              fmt::format("\"{}\" is not known; expected train, test or all", options.part));
}

// Of a network that passes no gradient back, units and signal alone are judged.
void look_forward(Network& network, Opened& opened) {
  Dataset bare = *opened.data;
  bare.classes = bare.outputs = 0;
  bare.labels.clear();
  bare.targets.clear();
  bare.parts.clear();
  opened.data = std::make_shared<const Dataset>(std::move(bare));
  network.notes.push_back("looked at forward alone: " + network.model.forward_only);
}

int fail_on(const Host& host, const std::vector<Condition>& conditions,
            const Diagnosis& diagnosis) {
  int code = kOk;
  if (!conditions.empty() && !diagnosis.finite()) {
    host.print(
        "--fail-on: outputs are not finite on {} (n = {} examples): that meets every condition\n",
        diagnosis.data, diagnosis.examples);
    return kConditionMet;
  }
  for (const Condition& condition : conditions) {
    if (!met(condition, diagnosis)) continue;
    code = kConditionMet;
    host.print("--fail-on '{}' is met: {}, on {} (n = {} examples)\n", condition.text,
               found_text(condition, diagnosis), diagnosis.data, diagnosis.examples);
  }
  return code;
}

int run_forecast(const DiagnoseOptions& options, const Host& host) {
  Outputs outputs({{"--json", options.json}}, {{"MODEL", {options.model}}});
  Network network = options.network.load(options.model);
  const Forecast found = forecast(network.graph, parse_initializer(options.init_scheme));
  outputs.write(options.json,
                [&] { write_file(options.json, forecast_json(host.command, found)); });
  host.print("{}", forecast_text(found, host.columns));
  outputs.rethrow();
  return kOk;
}

int run_diagnose(const DiagnoseOptions& options, const Host& host) {
  std::vector<Condition> conditions;
  for (const std::string& text : options.fail_on)
    conditions.push_back(parse_condition("--fail-on", text));
  if (options.forecast && !conditions.empty())
    throw Error(ErrorCode::kInvalidArgument, "--fail-on",
                "judges units over data; --forecast looks at none");
  if (options.forecast) return run_forecast(options, host);
  const Interrupt interrupt(host);
  Outputs outputs({{"--json", options.json}}, {{"MODEL", {options.model}},
                                               {"--data", options.source.files()},
                                               {"--labels", {options.labels}}});
  Network network = options.network.load(options.model);
  DiagnoseSettings settings = options.settings();
  Opened opened = open_for(network, [&] { return open(options, network); });
  if (!network.model.forward_only.empty()) look_forward(network, opened);
  options.network.choose(network, *opened.data, settings.loss);
  settings.training = opened.training;
  settings.outputs = network.outputs;
  if (network.loss) settings.loss = network.loss;
  Diagnosis diagnosis = diagnose(network.graph, network.model.weights, *opened.data, settings);
  diagnosis.read = opened.summary;
  diagnosis.notes.insert(diagnosis.notes.begin(), network.model.notes.begin(),
                         network.model.notes.end());
  diagnosis.notes.insert(diagnosis.notes.begin(), network.notes.begin(), network.notes.end());
  outputs.write(options.json,
                [&] { write_file(options.json, diagnosis_json(host.command, diagnosis)); });
  if (opened.summary)
    host.print("{}\n", summary_text(*opened.summary, std::max(100, host.columns)));
  host.print("{}", diagnosis_text(diagnosis, std::max(100, host.columns)));
  if (options.explain) host.print("\n{}", passes_text(diagnosis.passes));
  outputs.rethrow();
  return fail_on(host, conditions, diagnosis);
}

}  // namespace

Command add_diagnose(CLI::App& program, const Host& host) {
  CLI::App* app = program.add_subcommand("diagnose", "say what is wrong with a given network");
  app->description(kDiagnoseDescription);
  app->footer(kDiagnoseFooter);
  const auto options = std::make_shared<DiagnoseOptions>(*app, host);
  return [options, &host] { return run_diagnose(*options, host); };
}

}  // namespace undying::cli

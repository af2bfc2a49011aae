// undying predict and undying evaluate: a network used.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "cli/commands/commands.h"
#include "cli/flags/data_flags.h"
#include "cli/flags/parse.h"
#include "cli/network.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "data/named.h"
#include "data/scaling.h"
#include "data/split.h"
#include "data/table/csv.h"
#include "ops/operator.h"
#include "undying/error.h"
#include "undying/evaluation.h"
#include "undying/onnx.h"
#include "undying/report.h"

namespace undying::cli {
namespace {

constexpr const char* kPredict =
    "Uses a network: reads data and writes what it answers, a row an example, in the order of the "
    "data. Classes go by\n"
    "name, with probabilities; values are in their own units.\n";

constexpr const char* kEvaluate =
    "Measures a network on data with labels or targets: metrics with 95% intervals, confusion "
    "matrix, calibration.\n";

constexpr const char* kPredictFooter =
    "Examples:\n"
    "  undying predict model.onnx --data csv:new.csv -o answers.csv\n"
    "  undying predict model.onnx --data npy:X.npy -o answers.csv\n"
    "\n"
    "Networks that train or revive wrote say how their data is read: columns by name, scaling, "
    "classes; no label is needed.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, or an output that cannot be written; 130 "
    "interrupted, nothing is written.";

constexpr const char* kEvaluateFooter =
    "Examples:\n"
    "  undying evaluate model.onnx --data csv:measurements.csv:label=class\n"
    "  undying evaluate model.onnx --data csv:new.csv:label=class --part all --report "
    "evaluation.html\n"
    "\n"
    "--part test is what was held out, by the same rule as in training; of a file that training "
    "never saw take --part all.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, or an output that cannot be written; 130 "
    "interrupted, nothing is written.";

struct UseOptions {
  UseOptions(CLI::App& app, const Host& host, const char* default_part)
      : source(app, host, DataFlags::Network::kUsed), network(app), part(default_part) {
    app.add_option("MODEL", model, "the network, an ONNX file")->required();
    app.add_option("--part", part, "of the data: train, test or all")
        ->type_name("PART")
        ->capture_default_str();
    add_integer(app, "--threads", threads, "worker threads; 0: one per core", 0, 1024);
  }

  DataFlags source;
  NetworkFlags network;
  std::string model;
  std::string part;
  std::string out;
  std::string json;
  std::string report;
  std::string metric;
  std::int64_t threads = 0;
};

std::shared_ptr<const Dataset> part_of(const Split& split, const std::string& part) {
  if (part == "train") return split.train;
  if (part == "test") return split.test;
  if (part == "all") return std::make_shared<Dataset>(data::joined(split));
  throw Error(ErrorCode::kInvalidArgument, "--part",
              fmt::format("\"{}\" is not known; expected train, test or all", part));
}

// What the network's classes are called: as it says, else as the data does. None: its outputs are
// values.
std::vector<std::string> class_names(const onnx::Model& model, const Dataset& data) {
  if (model.form) return model.form->class_names;
  if (!data.class_names.empty()) return data.class_names;
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < data.classes; ++i) names.push_back(std::to_string(i));
  return names;
}

// A table as the network's own was read, with or without the column to predict; else data as for
// diagnose.
struct Inputs {
  std::shared_ptr<const Dataset> data;
  std::int64_t rows = 0;  // of the source, where some may have been left out; else 0
};

void print_reading(const Reading& reading) {
  for (const std::string& remark : reading.remarks) fmt::print(stderr, "note: {}\n", remark);
  for (const std::string& warning : reading.warnings) fmt::print(stderr, "warning: {}\n", warning);
}

Inputs open_inputs(const UseOptions& options, const Network& network) {
  const std::optional<DataForm>& form = network.model.form;
  options.source.check(form);
  if (options.part == "all")
    if (std::optional<data::CsvTable> read = options.source.open_columns(form, network.interface)) {
      print_reading(read->reading);
      return {std::make_shared<Dataset>(std::move(read->data)), read->rows};
    }
  if (const auto inputs = options.source.open_inputs(form)) return {inputs};
  return {part_of(options.source.open(form, true, network.interface), options.part)};
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
  return field + "\"";
}

std::string header(const Predictions& predictions) {
  std::string line = "row,prediction";
  for (const std::string& name : predictions.classes)
    line += "," + quoted(fmt::format("p({})", name));
  for (std::int64_t i = 1; i < predictions.outputs && predictions.classes.empty(); ++i)
    line += fmt::format(",prediction_{}", i + 1);
  return line + "\n";
}

// `source`: how many rows it has, of which those that could not be read have an empty answer; 0:
// only what is here has a line.
std::string answers_csv(const Predictions& predictions, const std::vector<std::uint32_t>& rows,
                        std::int64_t source) {
  std::string text = header(predictions);
  std::int64_t next = 0;  // row of the source
  const std::string empty(
      static_cast<std::size_t>(predictions.width() + (predictions.classes.empty() ? 0 : 1)), ',');
  for (std::int64_t i = 0; i < predictions.size; ++i) {
    const std::int64_t row = rows.empty() ? i : rows[i];
    if (source == 0) next = row;
    for (; next < row; ++next) text += fmt::format("{}{}\n", next + 1, empty);
    text += fmt::format("{}", ++next);
    if (!predictions.classes.empty())
      text += "," + quoted(predictions.classes[predictions.chosen(i)]);
    for (std::int64_t c = 0; c < predictions.width(); ++c)
      text += fmt::format(",{}", predictions.values[i * predictions.width() + c]);
    text += "\n";
  }
  for (; next < source; ++next) text += fmt::format("{}{}\n", next + 1, empty);
  return text;
}

std::int64_t element_count(const Graph& graph, int node) {
  std::int64_t count = 1;
  for (const std::int64_t extent : graph.shapes()[node]) count *= extent;
  return count;
}

// Logits of classes become probabilities; where the network gives those already, they stay.
void make_probabilities(const Graph& graph, int node, Predictions& predictions) {
  const Node& last = graph.nodes()[node];
  if (ops::head_of(last) == ops::Head::kSoftmax) return;
  const std::int64_t width = predictions.width();
  for (std::int64_t row = 0; row < predictions.size; ++row) {
    float* values = predictions.values.data() + row * width;
    const float most = *std::max_element(values, values + width);
    double sum = 0.0;
    for (std::int64_t i = 0; i < width; ++i) sum += std::exp(static_cast<double>(values[i]) - most);
    for (std::int64_t i = 0; i < width; ++i)
      values[i] = static_cast<float>(std::exp(static_cast<double>(values[i]) - most) / sum);
  }
}

// An output of several, of which the answers stand side by side: its own.
Predictions alone(const Network& network, std::size_t output, const Dataset& data,
                  const std::vector<float>& values) {
  std::int64_t first = 0;
  std::int64_t width = 0;
  std::int64_t all = 0;
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const std::int64_t size = element_count(network.model.graph, network.nodes[i]);
    if (i == output) first = all;
    if (i == output) width = size;
    all += size;
  }
  Predictions own{.size = data.size, .outputs = width, .values = {}};
  for (std::int64_t row = 0; row < data.size; ++row)
    own.values.insert(own.values.end(), values.begin() + row * all + first,
                      values.begin() + row * all + first + width);
  if (network.outputs.empty() || !network.outputs[output].classes) return own;
  for (std::int64_t i = 0; i < width; ++i) own.classes.push_back(std::to_string(i));
  make_probabilities(network.model.graph, network.nodes[output], own);
  return own;
}

std::vector<Predictions> predict_all(const Network& network, const Dataset& data, int threads) {
  const std::vector<float> values = answers(network, data, threads);
  std::vector<Predictions> all;
  for (std::size_t i = 0; i < network.nodes.size(); ++i)
    all.push_back(alone(network, i, data, values));
  return all;
}

// A column an element, called after its output; of classes the class before them.
std::string outputs_csv(const Network& network, const std::vector<Predictions>& all,
                        const std::vector<std::uint32_t>& rows) {
  std::string text = "row";
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string& name = network.names[i];
    if (!all[i].classes.empty()) text += "," + quoted(name);
    for (std::int64_t c = 0; c < all[i].width(); ++c)
      text +=
          "," + quoted(!all[i].classes.empty() ? fmt::format("p({}={})", name, all[i].classes[c])
                       : all[i].width() == 1   ? name
                                               : fmt::format("{}_{}", name, c));
  }
  text += "\n";
  for (std::int64_t row = 0; row < all.front().size; ++row) {
    text += fmt::format("{}", (rows.empty() ? row : rows[row]) + 1);
    for (const Predictions& each : all) {
      if (!each.classes.empty()) text += "," + each.classes[each.chosen(row)];
      for (std::int64_t c = 0; c < each.width(); ++c)
        text += fmt::format(",{}", each.values[row * each.width() + c]);
    }
    text += "\n";
  }
  return text;
}

Predictions predict_one(const Network& network, const Dataset& data, int threads) {
  return predict(network.graph, fitting(network.graph, network.model.weights, "network"), data,
                 class_names(network.model, data), threads);
}

int run_predict(const UseOptions& options, const Host& host) {
  if (options.source.has_test() && options.part == "all")
    throw Error(ErrorCode::kInvalidArgument, "--test",
                "names a part of its own; expected that file as --data, or --part test");
  const Interrupt interrupt(host);
  const auto threads = static_cast<int>(options.threads);
  Outputs outputs({{"--out", options.out}},
                  {{"MODEL", {options.model}}, {"--data", options.source.files()}});
  Network network = options.network.load(options.model);
  const auto [data, rows] = open_for(network, [&] { return open_inputs(options, network); });
  options.network.choose(network, *data, {});
  const std::string text =
      network.names.size() > 1
          ? outputs_csv(network, predict_all(network, *data, threads), data->rows)
          : answers_csv(predict_one(network, *data, threads), data->rows, rows);
  if (options.out.empty()) {
    host.print("{}", text);
    return kOk;
  }
  outputs.write(options.out, [&] { write_file(options.out, text); });
  outputs.rethrow();
  host.print("{} answers: {}\n", data->size, options.out);
  return kOk;
}

// Of several outputs each by itself.
int evaluate_all(const Network& network, const Dataset& data, const DataSummary& summary,
                 const UseOptions& options, const Host& host, Outputs& outputs) {
  if (!options.report.empty() || !options.metric.empty())
    throw Error(ErrorCode::kInvalidArgument, options.report.empty() ? "--metric" : "--report",
                "goes with one output; choose it with --output NAME, whose targets are the array "
                "or the columns called NAME, or write "
                "--json, which has every output's metrics");
  const std::vector<Predictions> all =
      predict_all(network, data, static_cast<int>(options.threads));
  nlohmann::ordered_json json = {{"format", "undying-evaluations 1"},
                                 {"command", host.command},
                                 {"outputs", nlohmann::ordered_json::object()}};
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const OutputLoss& output = network.outputs[i];
    const Dataset targets = data::targets_alone(data, output.target, output.columns,
                                                output.classes ? all[i].width() : 0);
    const Evaluation evaluation = evaluate(all[i], targets);
    text += fmt::format("\nOutput {}. {}", output.output, evaluation_text(data.name, evaluation));
    json["outputs"][output.output] = nlohmann::ordered_json::parse(
        evaluation_json(host.command, summary, data.name, evaluation));
  }
  outputs.write(options.json, [&] { write_file(options.json, json.dump(1) + "\n"); });
  host.print("{}{}", summary_text(summary, host.columns), text);
  outputs.rethrow();
  return kOk;
}

// Of a network of several outputs, the data must say which of them it is about.
void check_targets(const Network& network, const Dataset& data) {
  if (data.classes > 0 || data.outputs > 0) return;
  std::vector<std::string> names;
  for (const TargetPart& output : network.interface.outputs) names.push_back(output.name);
  const bool named = names.size() > 1 || network.interface.chosen;
  throw Error(ErrorCode::kBadData, "data " + data.name,
              named ? fmt::format("has no targets; expected an array, or columns, called after an "
                                  "output to be measured ({}){}",
                                  fmt::join(names, ", "),
                                  network.interface.chosen ? "" : ", or y0, y1, ... in their order")
                    : "has no labels or values to predict; expected an array y, or a column");
}

int run_evaluate(const UseOptions& options, const Host& host) {
  const Interrupt interrupt(host);
  Outputs outputs({{"--json", options.json}, {"--report", options.report}},
                  {{"MODEL", {options.model}}, {"--data", options.source.files()}});
  std::optional<Metric> metric;
  if (!options.metric.empty()) metric = parse_metric(options.metric);
  Network network = options.network.load(options.model);
  const Split split = open_for(
      network, [&] { return options.source.open(network.model.form, true, network.interface); });
  DataSummary summary = summarise(split);
  if (options.part == "test" && !split.given && split.train != split.test)
    summary.remarks.emplace_back(
        "train holds these rows out by the same flags; the network's file does not say which rows "
        "it was trained on");
  const std::shared_ptr<const Dataset> data = part_of(split, options.part);
  check_targets(network, *data);
  options.network.choose(network, *data, {});
  if (!network.outputs.empty())
    return evaluate_all(network, *data, summary, options, host, outputs);
  if (metric) check_metric(*metric, *data);
  const Evaluation evaluation =
      evaluate(predict_one(network, *data, static_cast<int>(options.threads)), *data);
  outputs.write(options.json, [&] {
    write_file(options.json,
               evaluation_json(host.command, summary, data->name, evaluation, metric));
  });
  outputs.write(options.report, [&] {
    write_file(options.report,
               evaluation_html(host.command, summary, data->name, evaluation, metric));
  });
  host.print("{}\n{}", summary_text(summary, host.columns),
             evaluation_text(data->name, evaluation, metric));
  outputs.rethrow();
  return kOk;
}

}  // namespace

Command add_predict(CLI::App& program, const Host& host) {
  CLI::App* app = program.add_subcommand("predict", "use a network: data in, answers out");
  app->description(kPredict);
  app->footer(kPredictFooter);
  const auto options = std::make_shared<UseOptions>(*app, host, "all");
  add_file(*app, "-o,--out", options->out,
           "write the answers to this CSV file; default: print them");
  return [options, &host] { return run_predict(*options, host); };
}

Command add_evaluate(CLI::App& program, const Host& host) {
  CLI::App* app = program.add_subcommand("evaluate", "measure a network on data with labels");
  app->description(kEvaluate);
  app->footer(kEvaluateFooter);
  const auto options = std::make_shared<UseOptions>(*app, host, "test");
  add_file(*app, "--json", options->json, "write the evaluation as JSON to this file");
  add_file(*app, "--report", options->report, "write the evaluation as a page to this file");
  app->add_option("--metric", options->metric,
                  "the one that counts, said first: accuracy, balanced-accuracy, f1, auc or "
                  "log-loss of classes, rmse, mae or r2 of values")
      ->type_name("NAME");
  return [options, &host] { return run_evaluate(*options, host); };
}

}  // namespace undying::cli

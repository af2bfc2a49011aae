#include "undying/prune.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/atomic_file.h"
#include "cli/commands/commands.h"
#include "cli/flags/data_flags.h"
#include "cli/flags/opset.h"
#include "cli/flags/parse.h"
#include "cli/network.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "data/split.h"
#include "undying/error.h"
#include "undying/onnx.h"
#include "undying/report.h"

namespace undying::cli {
namespace {

constexpr const char* kPruneDescription =
    "Makes a network smaller by what a whole data set proves useless: dead units and channels go "
    "with all that feeds only\n"
    "them, constant ones become part of the biases behind. Outputs on the data are the same but "
    "for rounding, or nothing is\n"
    "written.\n";

constexpr const char* kPruneFooter =
    "Examples:\n"
    "  undying prune model.onnx --data fashion-mnist -o smaller.onnx\n"
    "  undying prune model.onnx --data npy:X.npy --merge-duplicates -o smaller.onnx --json "
    "pruning.json\n"
    "\n"
    "What is useless on this data may matter on other data: give all that the network will meet. "
    "No label is needed.\n"
    "A network in which nothing is useless is left as it is: this says so, and writes no network.\n"
    "Exit codes: 0 done, also when nothing was taken out; 1 internal failure; 2 bad input, outputs "
    "that differ by more than\n"
    "rounding, or an output that cannot be written; 130 interrupted, nothing is written.";

struct PruneOptions {
  PruneOptions(CLI::App& app, const Host& host)
      : source(app, host, DataFlags::Network::kUsed), network(app) {
    app.add_option("MODEL", model, "the network, an ONNX file")->required();
    add_file(app, "-o,--out", out,
             "write the smaller network to this ONNX file; default: only say what would go");
    add_opset(app, opset);
    app.add_option("--part", part, "of the data: train, test or all")
        ->type_name("PART")
        ->capture_default_str();
    app.add_flag(
        "--merge-duplicates", settings.merge_duplicates,
        "units with equal incoming weights and bias become one, their outgoing weights summed");
    add_real(app, "--tolerance", settings.tolerance,
             "largest difference of an output that is rounding, relative to the largest output",
             0.0, 1e-3);
    add_integer(app, "--threads", threads, "worker threads; 0: one per core", 0, 1024);
    add_memory(app, settings.memory);
    add_file(app, "--json", json, "write what was taken out as JSON to this file");
  }

  DataFlags source;
  NetworkFlags network;
  PruneSettings settings;
  std::string model, out, json, part = "all";
  std::int64_t opset = 0;
  std::int64_t threads = 0;
};

// Inputs alone are looked at: one NPY file will do, and of all rows of a table the columns that the
// network's file names.
std::shared_ptr<const Dataset> open(const PruneOptions& options, const Network& network) {
  const std::optional<DataForm>& form = network.model.form;
  const std::string& source = options.source.data();
  if (auto inputs = options.source.open_inputs(form)) return inputs;
  if (options.part == "all")
    if (std::optional<data::CsvTable> read = options.source.open_columns(form, network.interface))
      return std::make_shared<Dataset>(std::move(read->data));
  NetworkInterface interface = network.interface;
  interface.chosen = false;
  const Split split = options.source.open(form, source, interface);
  if (options.part == "train") return split.train;
  if (options.part == "test") return split.test;
  if (options.part == "all") return std::make_shared<Dataset>(data::joined(split));
  throw Error(ErrorCode::kInvalidArgument, "--part",
              fmt::format("\"{}\" is not known; expected train, test or all", options.part));
}

void save(const PruneOptions& options, const Network& network, const Pruning& pruning,
          const std::string& command) {
  onnx::SaveOptions save = onnx::like(network.model);
  save.inputs = network.judged_inputs();
  save.outputs.clear();
  for (const int position : network.model.chosen)
    save.outputs.push_back(network.model.outputs[position]);
  save.doc =
      fmt::format("Pruned: {} units that are useless on {} (n = {}) were taken out. Command: {}",
                  pruning.removed(), pruning.data, pruning.examples, command);
  if (options.opset != 0) save.opset = options.opset;
  onnx::save(options.out, pruning.graph, pruning.weights, save);
}

void check_sound(const Pruning& pruning) {
  if (pruning.sound()) return;
  throw Error(ErrorCode::kBadData, "prune",
              fmt::format("without those units outputs differ by {:.3g} where they reach {:.3g}, "
                          "more than rounding ({:.3g} of that): no "
                          "network was written; a looser --tolerance takes it",
                          pruning.output_difference, pruning.output_scale, pruning.tolerance));
}

int run_prune(const PruneOptions& options, const Host& host) {
  check_network_out(options.out);
  const Interrupt interrupt(host);
  Outputs outputs({{"--out", options.out}, {"--json", options.json}},
                  {{"MODEL", {options.model}}, {"--data", options.source.files()}});
  const Network network = options.network.load(options.model);
  const std::shared_ptr<const Dataset> data =
      open_for(network, [&] { return open(options, network); });
  PruneSettings settings = options.settings;
  settings.threads = static_cast<int>(options.threads);
  const Pruning pruning =
      prune(cut(network.model.graph, network.nodes), network.model.weights, *data, settings);
  check_sound(pruning);
  outputs.write(options.json,
                [&] { write_file(options.json, pruning_json(host.command, pruning)); });
  if (pruning.changed())
    outputs.write(options.out, [&] { save(options, network, pruning, host.command); });
  print_notes(host, network);
  host.print("{}", pruning_text(pruning, std::max(100, host.columns)));
  outputs.rethrow();
  if (!options.out.empty() && pruning.changed()) host.print("\nsmaller network: {}\n", options.out);
  if (!options.out.empty() && !pruning.changed()) host.print("\nno network was written\n");
  if (options.out.empty() && pruning.changed())
    host.print("\nno network was written; -o FILE.onnx writes the smaller one\n");
  outputs.tell_older(host);
  return kOk;
}

}  // namespace

Command add_prune(CLI::App& program, const Host& host) {
  CLI::App* app =
      program.add_subcommand("prune", "take out of a network what a whole data set proves useless");
  app->description(kPruneDescription);
  app->footer(kPruneFooter);
  const auto options = std::make_shared<PruneOptions>(*app, host);
  return [options, &host] { return run_prune(*options, host); };
}

}  // namespace undying::cli

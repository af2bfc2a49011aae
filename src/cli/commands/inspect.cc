#include <memory>

#include "base/atomic_file.h"
#include "cli/commands/commands.h"
#include "cli/commands/inspection.h"
#include "cli/flags/parse.h"
#include "cli/outputs.h"

namespace undying::cli {
namespace {

constexpr const char* kInspectDescription =
    "Says what a network (ONNX) holds and what can be done with it: inputs, outputs, layers, "
    "parameters, units and their\n"
    "activations, and what was changed or recognised as it was read. A network that cannot be read "
    "is refused with all that\n"
    "stands in the way.\n";

constexpr const char* kInspectFooter =
    "Examples:\n"
    "  undying inspect model.onnx\n"
    "  undying inspect policy.onnx --output value --shape obs=84,84\n"
    "  undying inspect model.onnx --json model.json\n"
    "\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, a model that cannot be read among it.";

struct InspectOptions {
  explicit InspectOptions(CLI::App& app) : network(app) {
    app.add_option("MODEL", file, "the network, an ONNX file")->required();
    add_file(app, "--json", json, "also write it as JSON to this file");
  }

  NetworkFlags network;
  std::string file, json;
};

int run_inspect(const InspectOptions& options, const Host& host) {
  Outputs outputs({{"--json", options.json}}, {{"MODEL", {options.file}}});
  const Inspection inspection = inspect(options.network.load(options.file), options.file);
  outputs.write(options.json,
                [&] { write_file(options.json, inspection_json(host.command, inspection)); });
  host.print("{}", inspection_text(inspection));
  outputs.rethrow();
  return kOk;
}

}  // namespace

Command add_inspect(CLI::App& program, const Host& host) {
  CLI::App& app = *program.add_subcommand("inspect", kInspectDescription);
  app.footer(kInspectFooter);
  const auto options = std::make_shared<InspectOptions>(app);
  return [options, &host] { return run_inspect(*options, host); };
}

}  // namespace undying::cli

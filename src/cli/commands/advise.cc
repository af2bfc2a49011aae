#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <utility>

#include "cli/commands/commands.h"
#include "cli/commands/study.h"
#include "cli/flags/parse.h"

namespace undying::cli {
namespace {

constexpr const char* kAdviseDescription =
    "Says whether to use Leaky ReLU instead of ReLU on your data and network, and at which slope.\n"
    "Searches the slopes on rows cut off the training part: 2 runs of each, twice as many of the "
    "better half, and so\n"
    "on. Then judges the best against relu as compare does, on the held-out examples, from other "
    "seeds. Says what it\n"
    "does not know.\n";

constexpr const char* kAdviseFooter =
    "Examples:\n"
    "  undying advise\n"
    "  undying advise --data csv:measurements.csv:label=class --model mlp:64-64 --report "
    "advice.html\n"
    "  undying advise --model network.onnx --data npz:data.npz --lr 0.003,0.01,0.03\n"
    "  undying advise --activations leaky_relu:0.1,leaky_relu:0.5,elu,gelu --store advice.sqlite\n"
    "\n"
    "With several rates in --lr, slope and rate are searched together, and relu gets the best of "
    "its own.\n"
    "With --store the same command resumes it.\n"
    "Exit codes: 0 done, whatever the advice; 1 internal failure; 2 bad input, or an output that "
    "cannot be written;\n"
    "130 interrupted.";

std::string slopes() {
  std::vector<std::string> names;
  for (const Activation& slope : advised_slopes()) names.push_back(slope.specification());
  return fmt::format("{}", fmt::join(names, ","));
}

}  // namespace

Command add_advise(CLI::App& program, const Host& host) {
  CLI::App* app = program.add_subcommand("advise", "whether to use Leaky ReLU, at which slope");
  app->description(kAdviseDescription);
  app->footer(kAdviseFooter);
  const auto options = std::make_shared<StudyOptions>(
      *app, host, "what is tried instead of relu, separated by commas", slopes());
  return [options, &host] { return judge(*options, study_settings(*options), host, advise); };
}

}  // namespace undying::cli

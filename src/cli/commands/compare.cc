#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <utility>

#include "cli/commands/commands.h"
#include "cli/commands/study.h"
#include "cli/flags/parse.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

constexpr const char* kCompareDescription =
    "Compares activations on your data and network in a controlled study.\n"
    "The same seeds, initial draws and data order in every arm; a control (relu) and a placebo "
    "(relu from other\n"
    "draws) are always among them. Says, with intervals, whether an activation helps, hurts, is "
    "the same within a\n"
    "margin or stays undecided, and whether dead neurons mattered. Adds seeds while an arm is "
    "undecided.\n";

constexpr const char* kCompareFooter =
    "Examples:\n"
    "  undying compare --report report.html\n"
    "  undying compare --model mlp:32x20 --activations relu,leaky_relu:0.01,prelu,elu --seeds 10 "
    "--lr 0.02 --momentum 0.9\n"
    "  undying compare --data csv:measurements.csv:label=class --model mlp:64-64 --store "
    "study.sqlite\n"
    "  undying compare --activations relu,leaky_relu:0.1,tanh --lr 0.003,0.03,0.3 --report "
    "report.html\n"
    "  undying compare --seeds 20 --part 3/16 --store part-3.sqlite   (then undying merge "
    "part-*.sqlite --store study.sqlite)\n"
    "\n"
    "Runs go one to a core. Ctrl-C ends the study: what was finished is analysed and written, and "
    "how many runs are\n"
    "missing is said. With several rates in --lr each arm is tuned before it is judged, and "
    "--budget counts that time.\n"
    "With --store the same command resumes it, and a larger --max-seeds or more --activations "
    "extend it.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, or an output that cannot be written; 130 "
    "interrupted.";

constexpr std::int64_t kMostParts = 100'000;

struct CompareOptions : StudyOptions {
  CompareOptions(CLI::App& app, const Host& host)
      : StudyOptions(app, host, "the arms, separated by commas; undying list names them all",
                     "relu,leaky_relu:0.01,leaky_relu:0.2,prelu,elu") {
    app.add_option("--keep-alive", keep_alive,
                   fmt::format("remedies inside training, separated by commas: {}, several joined "
                               "by +, and none; each is an arm with each activation",
                               fmt::join(keep_alive_forms(), ", ")))
        ->type_name("NAMES")
        ->capture_default_str();
    app.add_option("--part", part,
                   "K/N: train the K-th of N parts of the runs only, into --store; undying merge "
                   "brings parts together")
        ->type_name("K/N");
    add_real(app, "--target-accuracy", target_accuracy,
             "for steps to target, a share such as 0.8; 0: 95% of the control's best", 0.0, 1.0);
  }

  std::string keep_alive = "none";
  std::string part;
  double target_accuracy = 0.0;
};

// "3/16": the third of sixteen.
StudyPart parse_part(const CompareOptions& options) {
  if (options.part.empty()) return {};
  const std::size_t slash = options.part.find('/');
  if (slash == std::string::npos)
    throw Error(ErrorCode::kInvalidArgument, "--part",
                fmt::format("is \"{}\"; expected K/N, such as 3/16", options.part));
  const std::int64_t count = parse_integer("--part", options.part.substr(slash + 1), 1, kMostParts);
  const std::int64_t index = parse_integer("--part", options.part.substr(0, slash), 1, count);
  const auto refuse = [](const char* flag, const char* message) {
    throw Error(ErrorCode::kInvalidArgument, flag, message);
  };
  if (options.store.empty())
    refuse(
        "--part",
        "has nowhere to keep its runs; expected --store FILE too, a file of its own for each part");
  if (options.trial.seeds() == 0)
    refuse("--part", "does not go with seeds that are added as needed; expected --seeds N");
  if (options.training.learning_rates().size() > 1)
    refuse("--part",
           "does not go with several rates in --lr, which are chosen from the runs of all parts; "
           "expected one");
  if (!options.report.empty())
    refuse(
        "--report",
        "is of a whole study; expected it with the store that undying merge makes, without --part");
  if (!options.training.json().empty())
    refuse(
        "--json",
        "is of a whole study; expected it with the store that undying merge makes, without --part");
  return {static_cast<int>(index), static_cast<int>(count)};
}

int compare(const CompareOptions& options, const Host& host) {
  StudySettings settings = study_settings(options);
  settings.keep_alive = parse_keep_alives("--keep-alive", options.keep_alive);
  settings.target_accuracy = options.target_accuracy;
  settings.part = parse_part(options);
  return judge(options, std::move(settings), host, run_study);
}

}  // namespace

Command add_compare(CLI::App& program, const Host& host) {
  CLI::App* app =
      program.add_subcommand("compare", "try activations against ReLU in a controlled study");
  app->description(kCompareDescription);
  app->footer(kCompareFooter);
  const auto options = std::make_shared<CompareOptions>(*app, host);
  return [options, &host] { return compare(*options, host); };
}

}  // namespace undying::cli

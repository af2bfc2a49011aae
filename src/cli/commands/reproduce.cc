#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "base/atomic_file.h"
#include "cli/commands/commands.h"
#include "cli/flags/parse.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "report/reproduction.h"
#include "study/reproduce/reproduce.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

using study::PublishedResult;
using study::Reproduction;

constexpr const char* kReproduceDescription =
    "Runs a published result again, and sets its own figures beside the statement.\n"
    "Each with a 95% interval, and a verdict: agrees, differs, or undecided.\n";

constexpr const char* kReproduceFooter =
    "Examples:\n"
    "  undying reproduce plasticity --quick\n"
    "  undying reproduce plasticity --store runs --report plasticity.html\n"
    "\n"
    "With --store the same command goes on where it ended, and with more --seeds further. Fewer "
    "seeds or steps than the\n"
    "result's own decide nothing.\n"
    "Exit codes: 0 done, whatever the verdicts; 1 internal failure; 2 bad input, or an output that "
    "cannot be written;\n"
    "130 interrupted.";

std::string names() {
  std::string text;
  for (const PublishedResult& each : study::published_results())
    text += fmt::format("{}{}", text.empty() ? "" : ", ", each.name);
  return text;
}

std::string results() {
  std::string text = "Results:\n";
  for (const PublishedResult& each : study::published_results())
    text += fmt::format("  {:<15}{} ({}){}\n", each.name, each.title, each.source,
                        each.takes.empty() ? "" : fmt::format(": {}", each.takes));
  return text + "Times are of the whole on two cores.\n\n";
}

std::vector<std::string_view> storeless() {
  std::vector<std::string_view> names;
  for (const PublishedResult& each : study::published_results())
    if (!each.keeps) names.push_back(each.name);
  return names;
}

struct ReproduceOptions {
  explicit ReproduceOptions(CLI::App& app) {
    app.add_option("NAME", name, "which result: " + names())->required();
    app.add_flag("--quick", quick, "some seconds: shows that it runs, and decides little");
    add_integer(app, "--seeds", seeds, "runs of each arm; 0: the result's own number", 0, 1000);
    add_integer(app, "--steps", steps, "of each run; 0: as published", 0, std::int64_t{1} << 40);
    add_integer(app, "--threads", threads, "runs at a time; 0: one per core", 0, 1024);
    add_file(app, "--store", store,
             fmt::format("keep finished runs in this folder, and go on from it (not: {})",
                         fmt::join(storeless(), ", ")))
        ->type_name("FOLDER");
    add_file(app, "--report", report,
             "write its plots, figures and verdicts as a self-contained HTML page to this file");
    add_file(app, "--json", json, "write figures, curves and verdicts as JSON to this file");
    app.add_flag("--quiet", quiet, "no progress, only the result");
  }

  std::string name;
  bool quick = false;
  std::int64_t seeds = 0;
  std::int64_t steps = 0;
  std::int64_t threads = 0;
  std::string store;
  std::string report;
  std::string json;
  bool quiet = false;
};

const PublishedResult& result_named(const std::string& name) {
  for (const PublishedResult& each : study::published_results())
    if (each.name == name) return each;
  throw Error(ErrorCode::kInvalidArgument, "NAME",
              fmt::format("\"{}\" is not known; expected one of {}", name, names()));
}

// The folder of --store, made where it is not there.
void prepare_store(const PublishedResult& result, const std::string& folder) {
  if (folder.empty()) return;
  if (!result.keeps)
    throw Error(ErrorCode::kInvalidArgument, "--store",
                fmt::format("does not go with {}, which keeps no runs and takes {}; expected none",
                            result.name, result.takes));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  // Of a file with that name some say that there was nothing to make.
  if (!error && !std::filesystem::is_directory(folder, error))
    error = std::make_error_code(std::errc::not_a_directory);
  if (error)
    throw Error(ErrorCode::kIo, "--store",
                fmt::format("{} cannot be a folder: {}; expected the name of a folder, or of one "
                            "to make",
                            folder, error.message()));
  const std::filesystem::path probe = std::filesystem::path(folder) / ".undying";
  check_writable(probe);
}

int reproduce(const ReproduceOptions& options, const Host& host) {
  const PublishedResult& result = result_named(options.name);
  Outputs outputs{{"--json", options.json}, {"--report", options.report}};
  prepare_store(result, options.store);
  Screen screen(host, options.quiet);
  const Interrupt interrupt(
      host, [&] { screen.print("interrupted: the runs at hand end; once more ends at once"); },
      [&] { screen.abandon(); });
  const auto progress = [&](const std::string& what, double share) {
    if (screen.due())
      screen.show({fmt::format("[{}] {:.0f}% {}", bar(share, 20), 100.0 * share, what)});
  };
  const Reproduction found = result.run({.quick = options.quick,
                                         .seeds = static_cast<int>(options.seeds),
                                         .steps = options.steps,
                                         .folder = options.store,
                                         .threads = static_cast<int>(options.threads)},
                                        progress, interrupt.token());
  screen.close();
  host.print("{}", reproduction_text(result, found));
  outputs.write(options.json,
                [&] { write_file(options.json, reproduction_json(host.command, result, found)); });
  outputs.write(options.report, [&] {
    write_file(options.report, reproduction_html(host.command, result, found));
  });
  outputs.rethrow();
  return found.missing > 0 ? kInterrupted : kOk;
}

}  // namespace

Command add_reproduce(CLI::App& program, const Host& host) {
  CLI::App* app =
      program.add_subcommand("reproduce", "run a published result again, beside its figures");
  app->description(kReproduceDescription);
  app->footer(results() + kReproduceFooter);
  const auto options = std::make_shared<ReproduceOptions>(*app);
  return [options, &host] { return reproduce(*options, host); };
}

}  // namespace undying::cli

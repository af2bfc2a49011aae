#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "cli/commands/commands.h"
#include "cli/commands/training.h"
#include "cli/flags/parse.h"
#include "cli/next.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "data/read_file.h"
#include "report/replay.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

using doctor::UnitEvent;

constexpr const char* kReplayDescription =
    "Says why units died in a run of train, and came back, by training it again to that step.\n"
    "How much of the fall of a unit's largest pre-activation came from its bias, its weights and "
    "the layers below.\n";

constexpr const char* kReplayFooter =
    "Examples:\n"
    "  undying train --data fashion-mnist --model mlp:64-64 --lr 0.2 --json run.json\n"
    "  undying replay run.json\n"
    "  undying replay run.json --unit 1:17\n"
    "\n"
    "RUN is what train --json wrote; the run is repeated as its command line says, so start it in "
    "the folder of\n"
    "that. Its losses are compared with those on record: where one differs (another CPU "
    "instruction set, other\n"
    "data) it ends with an error. docs/replay.md says how the parts are computed.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, or another run than the one on record; "
    "130 interrupted, with\n"
    "what was found so far.";

struct ReplayOptions {
  explicit ReplayOptions(CLI::App& app) {
    app.add_option("RUN", run, "the file that train --json wrote")->required();
    app.add_option("--unit", unit,
                   "one unit, with its last living moments: its layer as the run names it, or its "
                   "number (2 for layer.2), and its number in it, from 0")
        ->type_name("LAYER:J");
    add_integer(app, "--first", first, "explain so many deaths and revivals, by step; 0: all", 0,
                std::int64_t{1} << 40);
    add_integer(app, "--last", settings.last,
                "steps before a death or revival over which it is explained", 1, 1'000'000);
    add_integer(app, "--rows", settings.rows,
                "examples, evenly spaced, that pre-activations are measured on, beside those of "
                "the batch; 0: all",
                0, std::int64_t{1} << 40);
    add_file(app, "--json", json, "write what is found as JSON to this file");
    add_file(app, "--report", report,
             "write a page with it to this file, each unit's largest pre-activation over the steps "
             "beside its cause");
    app.add_flag("--quiet", quiet, "no progress, only the result");
  }

  std::string run;
  std::string unit;
  std::int64_t first = 20;
  doctor::ReplaySettings settings;
  std::string json;
  std::string report;
  bool quiet = false;
};

[[noreturn]] void refuse(const std::string& subject, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, subject, what);
}

// At most so many of them, and how many there are.
std::string some_of(const std::vector<std::string>& items) {
  constexpr std::size_t kMost = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(kMost, items.size()); ++i)
    text += (i == 0 ? "" : ", ") + items[i];
  return text + (items.size() > kMost ? fmt::format(", ... ({} in all)", items.size()) : "");
}

std::size_t layer_named(const RecordedRun& run, const std::string& name) {
  for (const std::string& known : {name, "layer." + name}) {
    const auto found = std::ranges::find(run.layers, known);
    if (found != run.layers.end()) return static_cast<std::size_t>(found - run.layers.begin());
  }
  std::vector<std::string> layers;
  for (std::size_t l = 0; l < run.layers.size(); ++l)
    layers.push_back(fmt::format("{} ({} units)", run.layers[l], run.units[l]));
  refuse("--unit", fmt::format("\"{}\" is no layer of the run; it has {}", name, some_of(layers)));
}

// Those of the layer, if any; else all.
std::string those_that_died(const RecordedRun& run, std::size_t layer) {
  std::vector<std::string> here, all;
  for (const UnitEvent& event : run.events) {
    const std::string name = fmt::format("{}:{}", run.layers[event.layer], event.unit);
    for (std::vector<std::string>* list : {&here, &all})
      if ((list == &all || event.layer == layer) && std::ranges::find(*list, name) == list->end())
        list->push_back(name);
  }
  if (all.empty()) return "no unit did";
  return here.empty() ? "these did: " + some_of(all) : "of its layer these did: " + some_of(here);
}

std::vector<UnitEvent> events_of_unit(const RecordedRun& run, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos)
    refuse("--unit", fmt::format("\"{}\" is no unit; expected LAYER:J, such as {}:0", text,
                                 run.layers.empty() ? "layer.0" : run.layers.front()));
  const std::size_t layer = layer_named(run, text.substr(0, colon));
  const std::int64_t unit =
      parse_integer("--unit", text.substr(colon + 1), 0, run.units[layer] - 1);
  std::vector<UnitEvent> events;
  std::ranges::copy_if(run.events, std::back_inserter(events), [&](const UnitEvent& event) {
    return event.layer == layer && event.unit == unit;
  });
  if (!events.empty()) return events;
  refuse("--unit", fmt::format("{}:{} never died in this run; {}", run.layers[layer], unit,
                               those_that_died(run, layer)));
}

// Those to explain: of the unit, or the first ones that a step of the run made.
std::vector<UnitEvent> chosen(const ReplayOptions& options, const RecordedRun& run) {
  if (!options.unit.empty()) return events_of_unit(run, options.unit);
  std::vector<UnitEvent> events;
  for (const UnitEvent& event : run.events)
    if (event.step > 0 && (options.first == 0 || std::ssize(events) < options.first))
      events.push_back(event);
  return events;
}

// The flags of the training, from its command line.
std::vector<std::string> flags_of(const RecordedRun& run) {
  std::vector<std::string> words = arguments_of(run.command);
  const auto train = std::ranges::find(words, "train");
  if (train == words.end() || train - words.begin() != 1)
    refuse(
        run.course.name,
        fmt::format("was made by \"{}\"; expected a run of undying train on the command line, by "
                    "which its data is found again",
                    run.command));
  words.erase(words.begin(), train + 1);
  std::ranges::reverse(words);  // the last one first, as CLI11 wants them
  return words;
}

void parse_flags(CLI::App& app, const RecordedRun& run) {
  try {
    app.parse(flags_of(run));
  } catch (const CLI::ParseError& error) {
    refuse(run.course.name,
           fmt::format("names a command that this version does not take (version {} made it): {}",
                       run.version, error.what()));
  }
}

Prepared prepare_again(const TrainOptions& trained, const RecordedRun& run, Screen& screen,
                       const std::stop_token& stop) {
  try {
    return prepare(trained, screen, stop, [&](const TrainSettings& settings) {
      check_settings(run, settings);
      TrainSettings again = doctor::replay_settings(settings);
      again.shards = run.shards;
      return again;
    });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
    throw Error(error.code(), error.subject(),
                error.message() +
                    "; start replay in the folder in which the run was trained, for its "
                    "files are named from there");
  }
}

doctor::Replay replay_run(const ReplayOptions& options, const RecordedRun& run,
                          const std::vector<UnitEvent>& events, Prepared& prepared, Screen& screen,
                          const std::stop_token& stop) {
  const Dataset& data = prepared.train();
  if (prepared.data.stream != nullptr)
    throw Error(ErrorCode::kUnsupported, run.course.name,
                "went over a stream, of which there is no fixed sample; expected a run over a data "
                "set");
  if (data.size != run.examples)
    refuse(run.course.name, fmt::format("was trained on {} examples; {} has {} here", run.examples,
                                        data.name, data.size));
  doctor::ReplaySettings settings = options.settings;
  settings.life = !options.unit.empty() || !options.report.empty();
  settings.updates = settings.life || !options.json.empty();
  const auto progress = [&](std::int64_t step, std::int64_t of, std::size_t found) {
    if (!screen.due()) return;
    const double share = static_cast<double>(step) / static_cast<double>(std::max(step, of));
    screen.show({fmt::format("[{}] step {} of {}, {} of {} explained", bar(share, 20), step, of,
                             found, events.size())});
  };
  return doctor::replay(prepared.trainer, data, run.course, events, settings, progress, stop);
}

// What there is to say without training.
std::optional<std::string> nothing_to_do(const RecordedRun& run,
                                         const std::vector<UnitEvent>& events) {
  if (!events.empty()) return std::nullopt;
  return run.events.empty()
             ? "no unit died in this run\n"
             : fmt::format(
                   "no unit died at a step of this run; {} were born dead: dead as drawn, "
                   "before the first step\n",
                   run.events.size());
}

void write(const ReplayOptions& options, Outputs& outputs, const ReplayRecord& record) {
  outputs.write(options.json, [&] { write_file(options.json, replay_json(record)); });
  outputs.write(options.report, [&] { write_file(options.report, replay_html(record)); });
  outputs.rethrow();
}

int finish(const ReplayOptions& options, const Host& host, Outputs& outputs, const RecordedRun& run,
           const Dataset& data, const doctor::Replay& replay, std::size_t events) {
  if (replay.interrupted && replay.explanations.empty()) {
    host.print("interrupted before anything was found: nothing is written\n");
    return kInterrupted;
  }
  const ReplayRecord record{host.command, run, options.settings, replay, events};
  host.print("{}", options.unit.empty() ? replay_text(record, std::max(100, host.columns))
                                        : unit_text(run, data, replay));
  write(options, outputs, record);
  return replay.interrupted ? kInterrupted : kOk;
}

Outputs outputs_of(const ReplayOptions& options, const TrainOptions& trained) {
  const std::string model = trained.training.model();
  return Outputs({{"--json", options.json}, {"--report", options.report}},
                 {{"RUN", {options.run}},
                  {"the run's --data", trained.training.data_files()},
                  {"the run's --init", {trained.training.init()}},
                  {"the run's --model", {is_network_file(model) ? model : ""}}});
}

int replay(const ReplayOptions& options, const Host& host) {
  const RecordedRun run = parse_run(options.run, data::read_file(options.run));
  CLI::App app;
  const TrainOptions trained(app, host);
  parse_flags(app, run);
  Outputs outputs = outputs_of(options, trained);
  const std::vector<UnitEvent> events = chosen(options, run);
  const auto steps =
      std::ranges::count_if(run.events, [](const UnitEvent& event) { return event.step > 0; });
  if (const auto said = nothing_to_do(run, events)) {
    host.print("{}", *said);
    write(options, outputs, {host.command, run, options.settings, {}, 0});
    return kOk;
  }
  Screen screen(host, options.quiet);
  const Interrupt interrupt(
      host,
      [&] { screen.print("interrupted: what was found will be shown; once more ends at once"); },
      [&] { screen.abandon(); });
  Prepared prepared = prepare_again(trained, run, screen, interrupt.token());
  const doctor::Replay found =
      replay_run(options, run, events, prepared, screen, interrupt.token());
  screen.close();
  return finish(options, host, outputs, run, prepared.train(), found,
                static_cast<std::size_t>(steps));
}

}  // namespace

Command add_replay(CLI::App& program, const Host& host) {
  CLI::App* app = program.add_subcommand("replay", "why units of a run died, by training it again");
  app->description(kReplayDescription);
  app->footer(kReplayFooter);
  const auto options = std::make_shared<ReplayOptions>(*app);
  return [options, &host] { return replay(*options, host); };
}

}  // namespace undying::cli

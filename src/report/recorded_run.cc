#include "report/recorded_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/json.h"
#include "undying/error.h"

namespace undying {
namespace {

using doctor::UnitEvent;
using report::Json;

constexpr const char* kFormat = "undying-run 1";

[[noreturn]] void refuse(const std::string& name, const std::string& found) {
  throw Error(ErrorCode::kBadData, name,
              fmt::format("{}; expected the file of a run that undying train --json wrote", found));
}

void add_events(const Json& unit, std::size_t layer, std::vector<UnitEvent>& events) {
  const auto add = [&](const char* key, UnitEvent::Kind kind) {
    for (const Json& step : unit.at(key))
      events.push_back(
          {step.get<std::int64_t>(), layer, unit.at("unit").get<std::int64_t>(), kind});
  };
  add("died", UnitEvent::Kind::kDeath);
  add("revived", UnitEvent::Kind::kRevival);
}

void add_layers(const Json& ledger, RecordedRun& run) {
  for (const Json& layer : ledger.at("layers")) {
    for (const Json& unit : layer.at("events")) add_events(unit, run.layers.size(), run.events);
    run.layers.push_back(layer.at("name").get<std::string>());
    run.units.push_back(layer.at("units").get<std::int64_t>());
  }
  std::ranges::sort(run.events);
}

// Numbers alone: a loss that is not finite is null.
void add_loss(const Json& step, const Json& loss, std::vector<doctor::RecordedCourse::Loss>& to) {
  if (loss.is_number()) to.emplace_back(step.get<std::int64_t>(), loss.get<double>());
}

RecordedRun read(const std::string& name, const Json& json) {
  RecordedRun run{.command = json.at("command").get<std::string>(),
                  .version = json.at("version").get<std::string>(),
                  .settings = json.at("settings").dump(),
                  .shards = json.at("shards").get<int>(),
                  .examples = json.at("ledger").at("examples").get<std::int64_t>()};
  add_layers(json.at("ledger"), run);
  run.course.name = name;
  run.course.censuses = json.at("censuses").at("step").get<std::vector<std::int64_t>>();
  if (json.contains("losses")) {
    const Json& losses = json.at("losses");
    for (std::size_t i = 0; i < losses.at("step").size(); ++i)
      add_loss(losses.at("step").at(i), losses.at("loss").at(i), run.course.steps);
  }
  for (const Json& epoch : json.at("epochs"))
    add_loss(epoch.at("step"), epoch.at("train_loss"), run.course.epochs);
  return run;
}

}  // namespace

RecordedRun parse_run(const std::string& name, const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) refuse(name, "is not JSON");
  const std::string format = json.value("format", Json("")).is_string()
                                 ? json.value("format", Json("")).get<std::string>()
                                 : "";
  if (format != kFormat)
    refuse(name, format.empty() ? "names no format" : fmt::format("holds \"{}\"", format));
  try {
    return read(name, json);
  } catch (const Json::exception& error) {
    refuse(name, fmt::format("is damaged ({})", error.what()));
  }
}

void check_settings(const RecordedRun& run, const TrainSettings& settings) {
  const Json recorded = Json::parse(run.settings);
  const Json here = report::settings_json(settings);
  for (const auto& [key, value] : here.items())
    if (recorded.contains(key) && recorded.at(key) != value)
      throw Error(ErrorCode::kInvalidArgument, run.course.name,
                  fmt::format("has {} {}, but its command gives {} here (version {} made it); "
                              "repeat the training here and replay that",
                              key, recorded.at(key).dump(), value.dump(), run.version));
}

}  // namespace undying

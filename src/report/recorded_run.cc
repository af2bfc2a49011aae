#include "report/recorded_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

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

// A whole number in least..most.
std::int64_t whole(const std::string& name, const Json& value, const char* what, std::int64_t least,
                   std::int64_t most = std::numeric_limits<std::int64_t>::max()) {
  const bool is_whole = value.is_number_unsigned()
                            ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(most)
                            : value.is_number_integer();
  if (!is_whole || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
    refuse(name, fmt::format("is damaged: {} is {}", what, report::text(value)));
  return value.get<std::int64_t>();
}

const Json& object(const std::string& name, const Json& value, const char* what) {
  if (!value.is_object() || value.empty())
    refuse(name, fmt::format("is damaged: {} is no object that holds something", what));
  return value;
}

const Json& array(const std::string& name, const Json& value, const char* what) {
  if (!value.is_array()) refuse(name, fmt::format("is damaged: {} is no list", what));
  return value;
}

// Steps of the run, each above the one before.
std::vector<std::int64_t> steps(const std::string& name, const Json& value, const char* what) {
  std::vector<std::int64_t> found;
  for (const Json& step : array(name, value, what)) {
    found.push_back(whole(name, step, what, 0));
    if (found.size() > 1 && found.back() <= found[found.size() - 2])
      refuse(name, fmt::format("is damaged: {} has {} after {}", what, found.back(),
                               found[found.size() - 2]));
  }
  return found;
}

// Deaths and revivals of one unit: in turn, a death first.
void add_events(const std::string& name, const Json& unit, const RecordedRun& run,
                std::vector<UnitEvent>& events) {
  const std::size_t layer = run.layers.size() - 1;
  const std::int64_t index = whole(name, unit.at("unit"), "a unit", 0, run.units.back() - 1);
  const std::vector<std::int64_t> died = steps(name, unit.at("died"), "died");
  const std::vector<std::int64_t> revived = steps(name, unit.at("revived"), "revived");
  const auto refuse_order = [&] {
    refuse(name, fmt::format("is damaged: deaths and revivals of unit {} of {} do not take turns",
                             index, run.layers.back()));
  };
  if (died.size() != revived.size() && died.size() != revived.size() + 1) refuse_order();
  for (std::size_t i = 0; i < died.size(); ++i) {
    if (i > 0 && died[i] < revived[i - 1]) refuse_order();
    events.push_back({died[i], layer, index, UnitEvent::Kind::kDeath});
    if (i == revived.size()) continue;
    if (revived[i] < died[i]) refuse_order();
    events.push_back({revived[i], layer, index, UnitEvent::Kind::kRevival});
  }
}

void add_layers(const std::string& name, const Json& ledger, RecordedRun& run) {
  for (const Json& layer : array(name, ledger.at("layers"), "layers")) {
    run.layers.push_back(layer.at("name").get<std::string>());
    run.units.push_back(whole(name, layer.at("units"), "units", 1));
    run.course.layers.emplace_back(run.layers.back(), run.units.back());
    for (const Json& unit : array(name, layer.at("events"), "events"))
      add_events(name, unit, run, run.events);
  }
  std::ranges::sort(run.events);
}

using Losses = std::vector<doctor::RecordedCourse::Loss>;

// Numbers alone: a loss that is not finite is null.
void add_loss(std::int64_t step, const Json& loss, Losses& to) {
  if (loss.is_number()) to.emplace_back(step, loss.get<double>());
}

Losses step_losses(const std::string& name, const Json& losses) {
  Losses found;
  const std::vector<std::int64_t> at = steps(name, losses.at("step"), "the steps of losses");
  const Json& loss = array(name, losses.at("loss"), "losses");
  if (loss.size() != at.size()) refuse(name, "is damaged: losses and their steps are not as many");
  for (std::size_t i = 0; i < at.size(); ++i) add_loss(at[i], loss[i], found);
  return found;
}

Losses epoch_losses(const std::string& name, const Json& epochs) {
  Losses found;
  Json at = Json::array();
  for (const Json& epoch : array(name, epochs, "epochs")) at.push_back(epoch.at("step"));
  const std::vector<std::int64_t> ends = steps(name, at, "the steps of epochs");
  for (std::size_t i = 0; i < ends.size(); ++i)
    add_loss(ends[i], epochs[i].at("train_loss"), found);
  return found;
}

RecordedRun read(const std::string& name, const Json& json) {
  constexpr std::int64_t kMostShards = 65536;
  const Json& ledger = object(name, json.at("ledger"), "ledger");
  RecordedRun run{
      .command = json.at("command").get<std::string>(),
      .version = json.at("version").get<std::string>(),
      .settings = object(name, json.at("settings"), "settings").dump(),
      .shards = static_cast<int>(whole(name, json.at("shards"), "shards", 1, kMostShards)),
      .examples = whole(name, ledger.at("examples"), "examples", 0)};
  add_layers(name, ledger, run);
  run.course.name = name;
  run.course.censuses = steps(name, json.at("censuses").at("step"), "the steps of censuses");
  if (json.contains("losses")) run.course.steps = step_losses(name, json.at("losses"));
  run.course.epochs = epoch_losses(name, json.at("epochs"));
  return run;
}

// What a run's file holds is not nested deeper than this; of what is, comparisons and copies would
// run out of stack.
constexpr int kDepth = 32;

Json parse(const std::string& name, const std::string& text) {
  bool deep = false;
  Json json = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, Json&) {
        deep |= depth > kDepth;
        return depth <= kDepth;
      },
      false);
  if (deep) refuse(name, fmt::format("is nested deeper than {}", kDepth));
  if (json.is_discarded()) refuse(name, "is not JSON");
  if (!json.is_object()) refuse(name, fmt::format("holds {}", json.type_name()));
  return json;
}

}  // namespace

RecordedRun parse_run(const std::string& name, const std::string& text) {
  const Json json = parse(name, text);
  const std::string format = json.value("format", Json("")).is_string()
                                 ? json.value("format", Json("")).get<std::string>()
                                 : "";
  if (format != kFormat)
    refuse(name, format.empty() ? "names no format" : fmt::format("holds \"{}\"", format));
  try {
    return read(name, json);
  } catch (const Json::exception& error) {
    const std::string said = error.what();  // "[json.exception.type_error.302] type must be ..."
    refuse(name, fmt::format("is damaged ({})", said.substr(said.find(']') + 2)));
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

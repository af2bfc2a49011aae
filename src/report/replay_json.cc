#include "base/version.h"
#include "report/json.h"
#include "report/replay.h"

namespace undying {
namespace {

using doctor::Change;
using doctor::Explanation;
using doctor::Range;
using doctor::UnitEvent;
using doctor::UnitUpdate;
using report::Json;
using report::number;

Json optional(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

Json change_json(const Change& change) {
  Json json = {{"from", change.from},
               {"to", change.to},
               {"before", number(change.before)},
               {"after", number(change.after)}};
  for (std::size_t part = 0; part < doctor::kParts; ++part)
    json[std::string(doctor::kPartNames[part])] = optional(change.shares[part]);
  json["cause"] = name(change.cause);
  return json;
}

Json range_json(const Range& z) {
  return {{"largest", number(z.largest)},
          {"least", number(z.least)},
          {"mean", number(z.mean())},
          {"fired", z.fired},
          {"n", z.n},
          {"row", z.row}};
}

Json update_json(const UnitUpdate& update) {
  return {{"step", update.record.step},
          {"epoch", update.epoch},
          {"decisive", update.decisive},
          {"rows", update.rows},
          {"loss", number(update.record.loss)},
          {"usual_loss", number(update.usual_loss)},
          {"learning_rate", number(update.record.learning_rate)},
          {"gradient_norm", number(update.record.gradient_norm)},
          {"usual_gradient_norm", number(update.usual_gradient)},
          {"bias_moved", optional(update.bias)},
          {"weights_moved", optional(update.weights)},
          {"batch", range_json(update.z)},
          {"change", change_json(update.change)}};
}

Json explanation_json(const RecordedRun& run, const Explanation& found) {
  const UnitEvent& event = found.event;
  Json life = Json::array();
  for (const doctor::Moment& moment : found.life) {
    life.push_back({{"step", moment.step}});
    life.back().update(range_json(moment.z));
  }
  return {{"event", event.kind == UnitEvent::Kind::kDeath ? "death" : "revival"},
          {"layer", run.layers[event.layer]},
          {"unit", event.unit},
          {"step", event.step},
          {"dated", found.dated},
          {"rows", found.rows},
          {"threshold", number(found.threshold)},
          {"cause", found.change ? Json(name(found.change->cause)) : Json(nullptr)},
          {"missing", found.missing},
          {"change", found.change ? change_json(*found.change) : Json(nullptr)},
          {"update", found.update ? update_json(*found.update) : Json(nullptr)},
          {"life", std::move(life)}};
}

}  // namespace

std::string replay_json(const ReplayRecord& record) {
  const doctor::Replay& replay = record.replay;
  Json events = Json::array();
  for (const Explanation& found : replay.explanations)
    events.push_back(explanation_json(record.run, found));
  return report::text({{"format", "undying-replay 1"},
                       {"command", record.command},
                       {"version", kVersion},
                       {"run", record.run.course.name},
                       {"run_command", record.run.command},
                       {"last", record.settings.last},
                       {"rows", record.settings.rows},
                       {"steps", replay.steps},
                       {"losses_checked", replay.checked},
                       {"interrupted", replay.interrupted},
                       {"events_in_all", record.events},
                       {"events", std::move(events)}},
                      1);
}

}  // namespace undying

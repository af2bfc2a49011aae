// What was taken out of a network: for a terminal, and as JSON.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/json.h"
#include "report/wrap.h"
#include "undying/report.h"

namespace undying {
namespace {

using report::Json;
using report::number;
using report::wrap;

constexpr std::size_t kTitleIndent = 14;

Json cost_json(const NetworkCost& cost) {
  return {{"parameters", cost.parameters},
          {"multiply_adds", number(cost.multiply_adds)},
          {"seconds", number(cost.seconds)}};
}

std::string table(const Pruning& pruning) {
  std::size_t width = 5;
  for (const PrunedLayer& layer : pruning.layers) width = std::max(width, layer.name.size());
  std::string text = fmt::format("{:<{}} {:>7} {:>7} {:>9} {:>9} {:>7}  {}\n", "layer", width,
                                 "units", "dead", "constant", "taken out", "left", "activation");
  for (const PrunedLayer& layer : pruning.layers)
    text += fmt::format("{:<{}} {:>7} {:>7} {:>9} {:>9} {:>7}  {}\n", layer.name, width,
                        layer.units, layer.dead, layer.constant, layer.removed,
                        layer.units - layer.removed, layer.activation);
  return text;
}

std::string less(double before, double after) {
  return before > 0.0 ? fmt::format(" ({:+.1f}%)", 100.0 * (after - before) / before)
                      : std::string();
}

std::string removed_text(const Pruning& pruning) {
  std::string text;
  const auto add = [&](std::int64_t units, const char* what) {
    if (units > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", units, what);
  };
  add(pruning.dead, "dead");
  add(pruning.constant, "constant, folded into biases");
  add(pruning.duplicate, "equal to others, merged");
  add(pruning.unread, "read by nothing");
  return text.empty() ? "no unit" : text;
}

std::string time_text(const Pruning& pruning) {
  const double before = 1e6 * pruning.before.seconds;
  const double after = 1e6 * pruning.after.seconds;
  constexpr double kLeast = 1.0;  // microseconds: what is less is the calls, not the network
  if (before < kLeast) return fmt::format("less than {} us an example before and after", kLeast);
  return fmt::format("{:.4g} -> {:.4g} us an example{}, one thread, median of interleaved runs",
                     before, after, less(before, after));
}

}  // namespace

std::string pruning_text(const Pruning& pruning, int columns) {
  const auto limit = static_cast<std::size_t>(std::max(columns, 40));
  std::string text =
      wrap(fmt::format(
               "Units on the whole of {} (n = {} examples), evaluation mode, weights frozen.",
               pruning.data, pruning.examples),
           limit) +
      "\n" + table(pruning) + "\n";
  const auto line = [&](const char* title, const std::string& what) {
    text += wrap(fmt::format("{:<13} {}", title, what), limit, kTitleIndent) + "\n";
  };
  line("taken out", removed_text(pruning));
  if (pruning.branches > 0)
    line("cut off", fmt::format("{} branch{} of sums, which {} the same numbers on every example",
                                pruning.branches, pruning.branches == 1 ? "" : "es",
                                pruning.branches == 1 ? "gives" : "give"));
  for (const PruneObstacle& obstacle : pruning.obstacles)
    line("left in", fmt::format("{} dead or constant: {}", obstacle.units, obstacle.why));
  if (!pruning.changed()) {
    line("unchanged", "nothing can be taken out of this network that the data proves useless");
    return text;
  }
  const NetworkCost& before = pruning.before;
  const NetworkCost& after = pruning.after;
  line("parameters", fmt::format("{} -> {}{}", before.parameters, after.parameters,
                                 less(static_cast<double>(before.parameters),
                                      static_cast<double>(after.parameters))));
  line("multiply-adds",
       fmt::format("{:.0f} -> {:.0f}{}, of one example", before.multiply_adds, after.multiply_adds,
                   less(before.multiply_adds, after.multiply_adds)));
  if (std::isfinite(before.seconds)) line("time", time_text(pruning));
  line("outputs", fmt::format("differ by {:.3g} at most, on all examples; they reach {:.3g}",
                              pruning.output_difference, pruning.output_scale));
  return text;
}

std::string pruning_json(const std::string& command, const Pruning& pruning) {
  Json layers = Json::array();
  for (const PrunedLayer& layer : pruning.layers)
    layers.push_back({{"name", layer.name},
                      {"activation", layer.activation},
                      {"units", layer.units},
                      {"dead", layer.dead},
                      {"constant", layer.constant},
                      {"removed", layer.removed}});
  Json obstacles = Json::array();
  for (const PruneObstacle& obstacle : pruning.obstacles)
    obstacles.push_back({{"why", obstacle.why}, {"units", obstacle.units}});
  return report::text({{"format", "undying-pruning 1"},
                       {"command", command},
                       {"data", pruning.data},
                       {"examples", pruning.examples},
                       {"changed", pruning.changed()},
                       {"sound", pruning.sound()},
                       {"removed",
                        {{"dead", pruning.dead},
                         {"constant", pruning.constant},
                         {"duplicate", pruning.duplicate},
                         {"unread", pruning.unread}}},
                       {"branches", pruning.branches},
                       {"obstacles", std::move(obstacles)},
                       {"before", cost_json(pruning.before)},
                       {"after", cost_json(pruning.after)},
                       {"output_difference", number(pruning.output_difference)},
                       {"output_scale", number(pruning.output_scale)},
                       {"tolerance", number(pruning.tolerance)},
                       {"layers", std::move(layers)}});
}

}  // namespace undying

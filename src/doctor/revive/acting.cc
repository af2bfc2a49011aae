#include "doctor/revive/acting.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "doctor/revive/remedy.h"
#include "ops/operator.h"
#include "train/keep_alive/rule.h"

namespace undying::doctor {
namespace {

// Empty: there is an activation that it takes the place of.
std::string why_no_swap(const Graph& graph, const Activation& swap, bool anneal) {
  std::int64_t count = 0;
  swapped(graph, swap, &count, anneal ? 1 : 0);
  if (count > 0) return "";
  const int width = swap.info().width;
  const bool fits = std::ranges::any_of(graph.nodes(), [&](const Node& node) {
    const Activation* own = ops::activation_of(node);
    return own != nullptr && own->can_be_dead() && own->info().width == width;
  });
  if (!fits && width != 1)
    return fmt::format("it makes {} values of one, so that it takes the place of none here", width);
  return anneal ? "no activation is a relu"
                : "each activation is that already, or one whose units cannot be dead";
}

// Empty: it acts within a run.
std::string why_idle(const KeepAlive::Rule& rule, const std::string& name, const Place& place) {
  const double first = train::first_step(rule, place.largest_layer);
  if (std::isinf(first)) return name + " changes nothing";
  if (first <= static_cast<double>(place.steps)) return "";
  return fmt::format("{} first acts after step {:.0f}, and a run takes {}", name, first,
                     place.steps);
}

}  // namespace

Acting acting(const Remedy& remedy, const Place& place) {
  Acting found{.parts = remedy.placebo ? "placebo" : "", .idle = {}};
  const auto add = [&](std::string why, const std::string& part) {
    if (why.empty())
      found.parts += "; " + part;
    else
      found.idle.push_back(std::move(why));
  };
  if (remedy.reinitialise) add(place.has_dead ? "" : "no unit is dead", "re-initialise");
  if (remedy.swap)
    add(why_no_swap(place.graph, *remedy.swap, remedy.anneal),
        remedy.swap->specification() + (remedy.anneal ? " annealed" : ""));
  if (remedy.learning_rate_factor != 1.0)
    add("", fmt::format("learning rate x {}", remedy.learning_rate_factor));
  for (const KeepAlive::Rule& rule : remedy.keep_alive.rules) {
    const std::string name = KeepAlive{{rule}}.specification();
    add(why_idle(rule, name, place), name);
  }
  return found;
}

}  // namespace undying::doctor

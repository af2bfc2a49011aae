#include "doctor/gradient_paths.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "ops/operator.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

// The nodes that a gradient of the outputs reaches.
std::vector<bool> reached_nodes(const Graph& graph) {
  std::vector<bool> reached(graph.nodes().size(), false);
  for (const int output : graph.outputs()) reached[static_cast<std::size_t>(output)] = true;
  for (std::size_t at = reached.size(); at-- > 0;) {
    const Node& node = graph.nodes()[at];
    for (std::size_t i = 0; i < node.inputs.size() && reached[at]; ++i)
      if (ops::passes_gradient(node, i)) reached[static_cast<std::size_t>(node.inputs[i])] = true;
  }
  return reached;
}

std::vector<bool> needed_nodes(const Graph& graph) {
  std::vector<bool> needed(graph.nodes().size(), false);
  for (const int output : graph.outputs()) needed[static_cast<std::size_t>(output)] = true;
  for (std::size_t at = needed.size(); at-- > 0;)
    for (const int input : graph.nodes()[at].inputs)
      if (needed[at]) needed[static_cast<std::size_t>(input)] = true;
  return needed;
}

// The trained tensors of each node that the outputs need: their names and sizes.
using Tensors = std::map<std::string, std::int64_t>;

std::vector<Tensors> trained_tensors(const Graph& graph) {
  const std::vector<bool> needed = needed_nodes(graph);
  const std::vector<ops::Value> values = ops::values(graph.nodes());
  std::vector<Tensors> all(needed.size());
  for (std::size_t at = 0; at < all.size(); ++at) {
    const Node& node = graph.nodes()[at];
    if (ops::is_input(node) || !needed[at]) continue;
    const auto specs = ops::operator_named(node).parameters(node, ops::sources(node, values));
    for (std::size_t i = 0; i < specs.size(); ++i) {
      const bool named = i < node.parameters.size() && !node.parameters[i].empty();
      if (specs[i].trained())
        all[at][named ? node.parameters[i] : specs[i].name] = ops::element_count(specs[i].shape);
    }
  }
  return all;
}

// The nodes that own one of these, or stand behind one that does.
std::vector<bool> behind(const Graph& graph, const std::vector<Tensors>& owned,
                         const Tensors& tensors) {
  std::vector<bool> found;
  for (std::size_t at = 0; at < owned.size(); ++at) {
    const bool owns = std::ranges::any_of(
        owned[at], [&](const auto& tensor) { return tensors.contains(tensor.first); });
    found.push_back(owns || std::ranges::any_of(graph.nodes()[at].inputs, [&](int input) {
                      return found[static_cast<std::size_t>(input)];
                    }));
  }
  return found;
}

}  // namespace

GradientPaths gradient_paths(const Graph& graph) {
  const std::vector<bool> reached = reached_nodes(graph);
  const std::vector<Tensors> owned = trained_tensors(graph);
  GradientPaths paths;
  Tensors lost;
  for (const Tensors& tensors : owned) lost.insert(tensors.begin(), tensors.end());
  for (const auto& [name, size] : lost) paths.trained += size;
  for (std::size_t at = 0; at < owned.size(); ++at)  // reached once is reached, where it is shared
    for (const auto& [name, size] : owned[at])
      if (reached[at]) lost.erase(name);
  for (const auto& [name, size] : lost) paths.unreached += size;
  const std::vector<bool> before = behind(graph, owned, lost);
  for (std::size_t at = reached.size(); at-- > 0;) {
    const Node& node = graph.nodes()[at];
    const bool cuts = reached[at] && std::ranges::any_of(node.inputs, [&](int input) {
                        const auto from = static_cast<std::size_t>(input);
                        return before[from] && !reached[from];
                      });
    if (cuts) paths.cuts.push_back(at);
  }
  return paths;
}

std::string no_gradient_text(const Graph& graph, const GradientPaths& paths) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> named;
  for (std::size_t i = 0; i < std::min(kMost, paths.cuts.size()); ++i) {
    const Node& node = graph.nodes()[paths.cuts[i]];
    named.push_back(node.name == node.op ? node.op : fmt::format("{} {}", node.op, node.name));
  }
  if (paths.cuts.size() > kMost) named.push_back(fmt::format("{} more", paths.cuts.size() - kMost));
  return fmt::format(
      "no gradient reaches {} of {} numbers that could be trained: none goes back "
      "through {}",
      paths.none() ? "any" : fmt::format("{}", paths.unreached), paths.trained,
      fmt::join(named, ", "));
}

void check_gradient(const Graph& graph) {
  const GradientPaths paths = gradient_paths(graph);
  if (paths.none())
    throw Error(
        ErrorCode::kUnsupported, "network",
        no_gradient_text(graph, paths) + "; train by another of its values (--output NAME)");
}

}  // namespace undying::doctor

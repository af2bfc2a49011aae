#include "onnx/lower/refuse.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "onnx/lower/emit.h"
#include "onnx/lower/lower.h"
#include "onnx/names.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

// Outputs count examples first: what reads them, and what is written of them, does too. Where an
// input has them elsewhere, outputs may. "" where this one does.
std::string misplaced(const Net& net, int id) {
  const Value& value = net.value(id);
  if (value.constant != nullptr || net.batch_axes == 0 || !value.shaped || value.batch == Batch{})
    return {};
  const bool moved =
      std::ranges::any_of(net.inputs, [&](int input) { return net.value(input).batch.axis > 0; });
  if (moved && !value.batch.folded()) return {};
  return "is " + describe(net, id) + ", which mixes the examples of a batch; expected (N, ...)";
}

}  // namespace

void check_outputs(const Net& net) {
  for (std::size_t i = 0; i < net.outputs.size(); ++i)
    if (const std::string why = misplaced(net, net.outputs[i]); !why.empty())
      throw Error(ErrorCode::kUnsupported, "output " + net.output_names[i], why);
}

// "a, b, c and 4 more".
namespace {

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > kMost ? text + " and " + std::to_string(names.size() - kMost) + " more"
                              : text;
}

// Why a value cannot be had; "" where it can.
std::string reason_against(const Net& net, int id) {
  if (std::string why = misplaced(net, id); !why.empty()) return why;
  const std::vector<bool> needed = net.needed({id});
  for (const Obstacle& obstacle : net.obstacles)
    if (needed[obstacle.value]) return obstacle.text;
  for (const Operation& operation : net.operations) {
    const bool used = std::ranges::any_of(
        operation.outputs, [&](int output) { return output >= 0 && needed[output]; });
    if (used && !operation.problem.empty())
      return operation.name + " (" + operation.op + ") " + operation.problem;
  }
  return {};
}

}  // namespace

// Outputs that were not asked for, and cannot be had, are left out; and what stands in the way of
// none that is left is no obstacle.
void leave_out(Net& net) {
  const bool all_asked = net.chosen.size() == net.outputs.size();
  std::vector<int> outputs, place(net.outputs.size(), -1);
  std::vector<std::string> names;
  const std::size_t own = net.own;
  for (std::size_t i = 0; i < net.outputs.size(); ++i) {
    const bool asked =
        all_asked || std::ranges::find(net.chosen, static_cast<int>(i)) != net.chosen.end();
    const std::string why = asked ? "" : reason_against(net, net.outputs[i]);
    if (!why.empty()) {
      net.left_out.push_back(net.output_names[i] + ": " + why);
      net.own -= i < own ? 1 : 0;
      continue;
    }
    place[i] = static_cast<int>(outputs.size());
    outputs.push_back(net.outputs[i]);
    names.push_back(net.output_names[i]);
  }
  for (int& output : net.chosen) output = place[output];
  net.outputs = std::move(outputs);
  net.output_names = std::move(names);
  net.drop_unread();
  const std::vector<bool> needed = net.needed(net.outputs);
  std::erase_if(net.obstacles, [&](const Obstacle& obstacle) { return !needed[obstacle.value]; });
}

namespace {

// Whether weights take part in a value: a tensor of numbers of two dimensions or more.
bool has_weights(const Net& net, int id) {
  const std::vector<bool> needed = net.needed({id});
  for (int each = 0; each < static_cast<int>(needed.size()); ++each)
    if (const Constant* constant = net.value(each).constant.get();
        needed[each] && constant != nullptr && !constant->integer && constant->dims.size() > 1)
      return true;
  return false;
}

// The value, or else the first behind it, that can be had and is computed of inputs with weights;
// -1: none.
int last_readable(const Net& net, int id, std::set<int>& seen) {
  if (id < 0 || net.value(id).constant != nullptr || net.value(id).producer < 0 ||
      !seen.insert(id).second)
    return -1;
  if (net.value(id).shaped && reason_against(net, id).empty())
    return has_weights(net, id) ? id : -1;
  for (const int before : net.operations[net.value(id).producer].inputs)
    if (const int found = last_readable(net, before, seen); found >= 0) return found;
  return -1;
}

// Outputs that can be had, or else values inside the graph: what the first operations that cannot
// become operators read.
std::string other_outputs(const Net& net) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < net.outputs.size(); ++i)
    if (net.value(net.outputs[i]).constant == nullptr &&
        reason_against(net, net.outputs[i]).empty())
      names.push_back(net.output_names[i]);
  if (!names.empty()) return "the outputs that it is not needed for: --output " + some_of(names);
  std::set<int> seen;
  for (const Operation& operation : net.operations)
    for (const int id : operation.inputs)
      if (!operation.problem.empty())
        if (const int before = last_readable(net, id, seen); before >= 0)
          return "what is computed before it: --output " + net.value(before).name;
  return {};
}

// Where operations work along the batch, or want it elsewhere, a batch may have been meant as one
// example: shapes that say so; none: it was not that. Where the file leaves its extent open, it may
// count positions.
std::vector<InputExtents> whole_shapes(const Net& net) {
  constexpr std::int64_t kPositions = 128;
  const bool mixes = std::ranges::any_of(net.operations, [](const Operation& operation) {
    return operation.problem.find("the examples of a batch") != std::string::npos ||
           operation.problem.starts_with(kExamplesFirst);
  });
  std::vector<InputExtents> all;
  if (!mixes || net.batch_axes == 0) return all;
  for (const std::int64_t extent : {std::max<std::int64_t>(1, net.batch), kPositions}) {
    InputExtents& shapes = all.emplace_back();
    for (const int id : net.inputs) {
      Shape& dims = shapes[net.value(id).name] = net.value(id).dims();
      dims.insert(dims.begin() + net.value(id).batch.axis, extent);
    }
    if (net.batch > 0) break;
  }
  return all;
}

// The k-th of the shapes that may get around what stands open, for each input.
std::vector<InputExtents> likely_shapes(const Net& net) {
  std::vector<InputExtents> all;
  for (const Obstacle& obstacle : net.obstacles)
    if (obstacle.shapes.size() > all.size()) all.resize(obstacle.shapes.size());
  for (std::size_t k = 0; k < all.size(); ++k)
    for (const Obstacle& obstacle : net.obstacles)
      if (!obstacle.shapes.empty())
        all[k][net.value(obstacle.value).name] =
            obstacle.shapes[std::min(k, obstacle.shapes.size() - 1)];
  return all;
}

}  // namespace

// All that stands in the way, one a line; nodes of one operator with the same reason together, in
// the order in which they come; then what gets around it.
void check_supported(const Net& net) {
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;  // "(OP): why", nodes
  std::size_t count = net.obstacles.size();
  for (const Operation& operation : net.operations) {
    if (operation.problem.empty()) continue;
    const std::string why = " (" + operation.op + "): " + operation.problem;
    auto group =
        std::ranges::find(groups, why, &std::pair<std::string, std::vector<std::string>>::first);
    if (group == groups.end()) group = groups.insert(groups.end(), {why, {}});
    group->second.push_back(operation.name);
    ++count;
  }
  if (count == 0) return;
  const auto fail = [&](const std::string& subject, const std::string& message) {
    Unread error(ErrorCode::kUnsupported, subject, message);
    error.others = groups.empty() ? "" : other_outputs(net);
    error.likely = likely_shapes(net);
    error.whole = whole_shapes(net);
    throw error;
  };
  if (count == 1 && groups.empty()) {
    const std::size_t colon = net.obstacles[0].text.find(": ");
    fail(net.obstacles[0].text.substr(0, colon), net.obstacles[0].text.substr(colon + 2));
  }
  std::string list;
  for (const Obstacle& obstacle : net.obstacles) list += "\n  " + obstacle.text;
  for (const auto& [why, nodes] : groups) list += "\n  " + some_of(nodes) + why;
  const bool nodes_alone = net.obstacles.empty();
  fail("graph", nodes_alone ? std::to_string(count) + (count == 1 ? " node is" : " nodes are") +
                                  " not supported:" + list
                            : std::to_string(count) + " obstacles:" + list);
}

}  // namespace undying::onnx

// How each operator of the engine that moves elements or reduces dimensions is written.

#include <array>

#include "onnx/write/export_settings.h"
#include "onnx/write/exporter.h"

namespace undying::onnx {
namespace {

std::string take(Exporter& to) {
  return to.add("Gather", {to.input(), to.list(list_of(to, "indices"))},
                {{"axis", to.axis(integer_of(to, "axis", 0), to.shape().size())}});
}

std::string concat(Exporter& to) {
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < to.node().inputs.size(); ++i) {
    inputs.push_back(to.is_same_for_all(i) ? to.repeated(to.input(i), to.shape(i)) : to.input(i));
  }
  return to.add("Concat", inputs,
                {{"axis", to.axis(integer_of(to, "axis", 0), to.shape().size())}});
}

std::string slice(Exporter& to) {
  const List axes = axes_of(to, list_of(to, "axes"), to.shape().size());
  const List steps = list_of(to, "steps", List(axes.size(), 1));
  return to.add("Slice", {to.input(), to.list(list_of(to, "starts")), to.list(list_of(to, "ends")),
                          to.list(axes), to.list(steps)});
}

std::string pad(Exporter& to) {
  List pads = list_of(to, "pads");
  pads.insert(pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2), 0);
  pads.insert(pads.begin(), 0);
  const std::string mode = to.node().attributes.get_or<std::string>("mode", "constant");
  std::vector<std::string> inputs = {to.input(), to.list(pads)};
  if (mode == "constant") inputs.push_back(to.number(number_of(to, "value", 0.0)));
  return to.add("Pad", inputs, {{"mode", mode}});
}

std::string transpose(Exporter& to) {
  List perm = axes_of(to, list_of(to, "perm"), to.shape().size());
  perm.insert(perm.begin(), 0);
  return to.add("Transpose", {to.input()}, {{"perm", perm}});
}

std::string reshape(Exporter& to) { return to.reshape(to.input(), to.result()); }
std::string flatten(Exporter& to) {
  return to.add("Flatten", {to.input()}, {{"axis", std::int64_t{1}}});
}

std::string squeeze(Exporter& to) {
  if (to.result() == to.shape()) return to.input();
  List axes = list_of(to, "axes");
  for (std::size_t i = 0; i < to.shape().size() && list_of(to, "axes").empty(); ++i)
    if (to.shape()[i] == 1) axes.push_back(static_cast<std::int64_t>(i));
  if (axes.size() == to.shape().size())
    return to.reshape(to.input(), to.result());  // (1), where Squeeze would leave the batch alone
  return to.add("Squeeze", {to.input(), to.list(axes_of(to, axes, to.shape().size()))});
}

std::string unsqueeze(Exporter& to) {
  return to.add("Unsqueeze",
                {to.input(), to.list(axes_of(to, list_of(to, "axes"), to.result().size()))});
}

List reduced(const Exporter& to) {
  const std::size_t rank = to.shape().size();
  return to.node().attributes.has("axes") ? axes_of(to, list_of(to, "axes"), rank) : all_axes(rank);
}

// Where every dimension is reduced they are kept, and become the one that is left here. In ONNX
// none would be, and what comes behind would take the examples for the last dimension of what they
// meet.
std::int64_t keepdims(const Exporter& to) {
  return reduced(to).size() == to.shape().size() ? 1 : integer_of(to, "keepdims", 1);
}
std::string one_left(Exporter& to, const std::string& kept) {
  const bool joined =
      reduced(to).size() == to.shape().size() && to.result().size() != to.shape().size();
  return joined ? to.reshape(kept, to.result()) : kept;
}

// The axes are an input from opset `since` on.
std::string reduction(Exporter& to, const char* op, std::int64_t since) {
  if (reduced(to).empty()) return to.input();  // in ONNX, no axes are all of them
  if (to.opset() < since)
    return one_left(to,
                    to.add(op, {to.input()}, {{"axes", reduced(to)}, {"keepdims", keepdims(to)}}));
  return one_left(to, to.add(op, {to.input(), to.list(reduced(to))}, {{"keepdims", keepdims(to)}}));
}

std::string reduce_mean(Exporter& to) { return reduction(to, "ReduceMean", 18); }
std::string reduce_sum(Exporter& to) { return reduction(to, "ReduceSum", 13); }
std::string reduce_max(Exporter& to) { return reduction(to, "ReduceMax", 18); }
std::string reduce_min(Exporter& to) { return reduction(to, "ReduceMin", 18); }

constexpr std::array kArranging = {
    Export{"concat", concat},
    Export{"flatten", flatten},
    Export{"pad", pad},
    Export{"reduce_max", reduce_max},
    Export{"reduce_mean", reduce_mean},
    Export{"reduce_min", reduce_min},
    Export{"reduce_sum", reduce_sum},
    Export{"reshape", reshape},
    Export{"slice", slice},
    Export{"squeeze", squeeze},
    Export{"take", take},
    Export{"transpose", transpose},
    Export{"unsqueeze", unsqueeze},
};

}  // namespace

std::span<const Export> arranging_exports() { return kArranging; }

}  // namespace undying::onnx

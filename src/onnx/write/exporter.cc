#include "onnx/write/exporter.h"

#include <algorithm>

#include "undying/error.h"

namespace undying::onnx {

std::vector<ops::ParameterSpec> owned_tensors(const Node& node,
                                              std::span<const ops::Value> values) {
  if (ops::is_input(node)) return {};
  std::vector<ops::ParameterSpec> specs =
      ops::operator_named(node).parameters(node, ops::sources(node, values));
  for (std::size_t i = 0; i < specs.size() && i < node.parameters.size(); ++i)
    if (!node.parameters[i].empty()) specs[i].name = node.parameters[i];
  return specs;
}

bool Exporter::channels_first() const {
  return ops::sources(node(), values_)[0].layout == ops::Layout::kChannelsLast;
}

const Tensor& Exporter::tensor(std::size_t index) const {
  const ops::ParameterSpec spec = owned_tensors(node(), values_).at(index);
  const auto found = tensors_.find(spec.name);
  if (found == tensors_.end()) ops::reject(node(), "its tensor " + spec.name + " is missing");
  const Tensor& tensor = *found->second;
  const std::string subject = "its tensor " + spec.name;
  if (tensor.shape != spec.shape)
    ops::reject(node(), subject + " has the shape " + ops::to_string(tensor.shape) + "; expected " +
                            ops::to_string(spec.shape));
  const std::int64_t count = ops::element_count(spec.shape);
  if (static_cast<std::int64_t>(tensor.values.size()) != count)
    ops::reject(node(), subject + " has " + std::to_string(tensor.values.size()) +
                            " values; expected " + std::to_string(count));
  return tensor;
}

std::int64_t Exporter::axis(std::int64_t example_axis, std::size_t rank) const {
  return (example_axis < 0 ? example_axis + static_cast<std::int64_t>(rank) : example_axis) + 1;
}

std::string Exporter::reshape(const std::string& value, const Shape& shape) {
  Shape dims = {0};  // the batch stays
  dims.insert(dims.end(), shape.begin(), shape.end());
  return add("Reshape", {value, list(dims)});
}

std::string Exporter::along_channels(const std::string& value, std::size_t rank) {
  if (rank < 2) return value;
  std::vector<std::int64_t> axes;
  for (std::size_t i = 1; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  return add("Unsqueeze", {value, list(axes)});
}

bool Exporter::is_written_whole(const Graph& graph, int input) {
  const Node& source = graph.nodes()[input];
  if (!ops::is_input(source) || source.attributes.get_or<std::int64_t>("integer", 0) == 0)
    return false;
  return std::ranges::all_of(graph.nodes(), [&](const Node& node) {
    return ops::traits_of(node).kind == ops::Kind::kTable ||
           std::ranges::find(node.inputs, input) == node.inputs.end();
  });
}

std::string Exporter::input(std::size_t index) {
  const std::string& name = name_of(node().inputs[index]);
  return is_tensor(source(index)) && is_alone(at_) ? add("Unsqueeze", {name, list({0})}) : name;
}

std::string Exporter::repeated(const std::string& tensor, const Shape& example) {
  const std::string batch = add("Shape", {name_of(graph_.inputs().front())},
                                {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
  return add("Expand",
             {tensor, add("Concat", {batch, list(example)}, {{"axis", std::int64_t{0}}})});
}

void Exporter::write(int index, const std::string& name) {
  at_ = index;
  for (const auto exports : {computing_exports(), arranging_exports()})
    if (const auto found = std::ranges::find(exports, node().op, &Export::op);
        found != exports.end()) {
      writer_.begin(node().name);
      return set_name(index, writer_.end(found->write(*this), name));
    }
  throw Error(ErrorCode::kUnsupported, node().op + " " + node().name, "has no counterpart in ONNX");
}

}  // namespace undying::onnx

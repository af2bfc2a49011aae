#include "onnx/write/writer.h"

namespace undying::onnx {
namespace {

void fill(pb::TensorProto& made, const Tensor& tensor) {
  made.set_data_type(pb::TensorProto::FLOAT);
  for (const std::int64_t extent : tensor.shape) made.add_dims(extent);
  made.set_raw_data(tensor.values.data(), tensor.values.size() * sizeof(float));
}

}  // namespace

void Writer::begin(const std::string& name) {
  scope_ = name;
  first_ = graph_.node_size();
}

std::string Writer::end(const std::string& result, const std::string& name) {
  if (graph_.node_size() == first_)
    return result;  // nothing was written: the value is an earlier one
  pb::NodeProto& last = *graph_.mutable_node(graph_.node_size() - 1);
  last.set_output(0, name);
  if (graph_.node_size() == first_ + 1) last.set_name(node_names_.take(scope_));
  return name;
}

std::string Writer::part_name(const std::string& what) { return scope_ + "/" + what; }

std::string Writer::add(const std::string& op, const std::vector<std::string>& inputs,
                        const Settings& settings) {
  return add_several(op, inputs, 1, settings)[0];
}

std::vector<std::string> Writer::add_several(const std::string& op,
                                             const std::vector<std::string>& inputs,
                                             std::size_t outputs, const Settings& settings) {
  pb::NodeProto& node = *graph_.add_node();
  node.set_op_type(op);
  node.set_name(node_names_.take(part_name(op)));
  for (const std::string& input : inputs) node.add_input(input);
  for (const auto& [name, setting] : settings) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    if (const auto* i = std::get_if<std::int64_t>(&setting)) {
      attribute.set_type(pb::AttributeProto::INT);
      attribute.set_i(*i);
    } else if (const auto* f = std::get_if<float>(&setting)) {
      attribute.set_type(pb::AttributeProto::FLOAT);
      attribute.set_f(*f);
    } else if (const auto* s = std::get_if<std::string>(&setting)) {
      attribute.set_type(pb::AttributeProto::STRING);
      attribute.set_s(*s);
    } else if (const auto* strings = std::get_if<std::vector<std::string>>(&setting)) {
      attribute.set_type(pb::AttributeProto::STRINGS);
      for (const std::string& each : *strings) attribute.add_strings(each);
    } else {
      attribute.set_type(pb::AttributeProto::INTS);
      for (const std::int64_t value : std::get<std::vector<std::int64_t>>(setting))
        attribute.add_ints(value);
    }
  }
  for (std::size_t i = 0; i < outputs; ++i) node.add_output(names_.take(node.name() + "_output"));
  return {node.output().begin(), node.output().end()};
}

std::string Writer::tensor(const Tensor& tensor) {
  if (!written_.is_free(tensor.name)) return tensor.name;
  written_.take(tensor.name);
  pb::TensorProto& made = *graph_.add_initializer();
  made.set_name(tensor.name);
  fill(made, tensor);
  return tensor.name;
}

std::string Writer::floats(const std::vector<float>& values,
                           const std::vector<std::int64_t>& dims) {
  if (constants_are_nodes_) return constant({"", dims, values});
  return tensor({names_.take(part_name("value")), dims, values});
}

std::string Writer::constant(const Tensor& tensor) {
  std::string name = add("Constant", {});
  auto& attribute = *graph_.mutable_node(graph_.node_size() - 1)->add_attribute();
  attribute.set_name("value");
  attribute.set_type(pb::AttributeProto::TENSOR);
  fill(*attribute.mutable_t(), tensor);
  return name;
}

std::string Writer::list(const std::vector<std::int64_t>& values) {
  pb::TensorProto& made = *graph_.add_initializer();
  made.set_name(names_.take(part_name("list")));
  made.set_data_type(pb::TensorProto::INT64);
  made.add_dims(static_cast<std::int64_t>(values.size()));
  for (const std::int64_t value : values) made.add_int64_data(value);
  return made.name();
}

}  // namespace undying::onnx

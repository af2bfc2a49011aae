#include "onnx/test_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

std::string to_text(const Attributes::Value& value) {
  return std::visit(
      Overloaded{[](const Activation& activation) { return activation.specification(); },
                 [](const std::string& text) { return text; },
                 [](const auto& other) { return fmt::format("{}", other); }},
      value);
}

std::string attributes_of(const Node& node) {
  std::string text;
  for (const auto& [name, value] : node.attributes.all())
    if (name != "sequence") text += " " + name + "=" + to_text(value);
  return text;
}

}  // namespace

TestModel::TestModel(std::int64_t opset) {
  proto.set_ir_version(8);
  proto.add_opset_import()->set_version(opset);
  proto.mutable_graph()->set_name("test");
}

TestModel& TestModel::input(const std::string& name, const std::vector<std::int64_t>& dims) {
  auto* info = proto.mutable_graph()->add_input();
  info->set_name(name);
  auto* type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(pb::TensorProto::FLOAT);
  for (const std::int64_t extent : dims) {
    auto* dim = type->mutable_shape()->add_dim();
    extent == 0 ? dim->set_dim_param("N") : dim->set_dim_value(extent);
  }
  return *this;
}

TestModel& TestModel::floats(const std::string& name, const std::vector<std::int64_t>& dims,
                             std::vector<float> values) {
  auto* tensor = proto.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(pb::TensorProto::FLOAT);
  for (const std::int64_t extent : dims) tensor->add_dims(extent);
  const auto count = static_cast<std::size_t>(ops::element_count(dims));
  for (std::size_t i = values.size(); i < count; ++i)
    values.push_back(0.1f * static_cast<float>(i + 1) * (i % 2 == 0 ? 1.0f : -1.0f));
  for (const float value : values) tensor->add_float_data(value);
  return *this;
}

TestModel& TestModel::integers(const std::string& name, const std::vector<std::int64_t>& dims,
                               const std::vector<std::int64_t>& values) {
  auto* tensor = proto.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(pb::TensorProto::INT64);
  for (const std::int64_t extent : dims) tensor->add_dims(extent);
  for (const std::int64_t value : values) tensor->add_int64_data(value);
  return *this;
}

TestModel& TestModel::list(const std::string& name, const std::vector<std::int64_t>& values) {
  return integers(name, {static_cast<std::int64_t>(values.size())}, values);
}

TestModel& TestModel::node(const std::string& op, const std::vector<std::string>& inputs,
                           const std::vector<std::string>& outputs,
                           const std::vector<Attribute>& attributes, const std::string& name) {
  auto* node = proto.mutable_graph()->add_node();
  node->set_op_type(op);
  node->set_name(name);
  for (const std::string& each : inputs) node->add_input(each);
  for (const std::string& each : outputs) node->add_output(each);
  for (const Attribute& attribute : attributes) {
    auto* made = node->add_attribute();
    made->set_name(attribute.name);
    std::visit(Overloaded{[&](std::int64_t value) {
                            made->set_type(pb::AttributeProto::INT), made->set_i(value);
                          },
                          [&](float value) {
                            made->set_type(pb::AttributeProto::FLOAT), made->set_f(value);
                          },
                          [&](const std::string& value) {
                            made->set_type(pb::AttributeProto::STRING), made->set_s(value);
                          },
                          [&](const std::vector<std::int64_t>& values) {
                            made->set_type(pb::AttributeProto::INTS);
                            for (const std::int64_t value : values) made->add_ints(value);
                          },
                          [&](const std::vector<float>& values) {
                            made->set_type(pb::AttributeProto::FLOATS);
                            for (const float value : values) made->add_floats(value);
                          }},
               attribute.value);
  }
  return *this;
}

TestModel& TestModel::output(const std::string& name) {
  proto.mutable_graph()->add_output()->set_name(name);
  return *this;
}

Model TestModel::load(const LoadOptions& options) const { return onnx::load(proto, options); }

std::string TestModel::error(const LoadOptions& options) const {
  try {
    load(options);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::filesystem::path test_path(const std::string& name) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("undying_onnx_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  return folder / name;
}

Model load(const pb::ModelProto& proto, const LoadOptions& options) {
  const std::filesystem::path file = test_path("model.onnx");
  std::ofstream(file, std::ios::binary) << proto.SerializeAsString();
  return onnx::load(file, options);
}

std::string describe(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes()) {
    std::vector<std::string> inputs;
    for (const int input : node.inputs) inputs.push_back(graph.nodes()[input].name);
    text += fmt::format("{} = {}({}){}", node.name, node.op, fmt::join(inputs, ", "),
                        attributes_of(node));
    if (!node.parameters.empty()) text += fmt::format(" [{}]", fmt::join(node.parameters, " "));
    text += "\n";
  }
  return text;
}

std::string structure(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes()) {
    if (node.op == "input") continue;
    Node unnamed = node;
    if (unnamed.attributes.has("layer")) unnamed.attributes.set("layer", std::string("-"));
    text +=
        fmt::format("{}({}){}\n", node.op, fmt::join(node.inputs, ", "), attributes_of(unnamed));
  }
  return text;
}

std::optional<ErrorCode> code_of(const std::string& bytes) {
  const auto file = test_path("bytes.onnx");
  std::ofstream(file, std::ios::binary) << bytes;
  try {
    load(file);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("bytes.onnx"));
    return error.code();
  }
  return std::nullopt;
}

}  // namespace undying::onnx

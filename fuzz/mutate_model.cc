#include "mutate_model.h"

#include "onnx/defs/schema.h"

#include <limits>
#include <random>
#include <vector>

#include "onnx/read/read.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

class Mutation {
 public:
  Mutation(pb::ModelProto& model, unsigned int seed)
      : graph_(*model.mutable_graph()), model_(model), random_(seed) {}

  void make() {
    for (int left = below(4); left >= 0; --left) change();
  }

 private:
  int below(int count) {
    return count <= 0 ? 0 : static_cast<int>(random_() % static_cast<unsigned>(count));
  }

  std::int64_t number() {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t kNumbers[] = {0,
                                         1,
                                         -1,
                                         2,
                                         3,
                                         4,
                                         7,
                                         8,
                                         16,
                                         -2,
                                         -3,
                                         64,
                                         1 << 16,
                                         std::int64_t{1} << 31,
                                         std::int64_t{1} << 40,
                                         kMost,
                                         -kMost - 1};
    return below(3) > 0 ? below(6) - 1 : kNumbers[below(std::size(kNumbers))];
  }

  // Any name that the graph knows.
  std::string value() {
    const int nodes = graph_.node_size();
    switch (below(4)) {
      case 0:
        if (graph_.input_size() > 0) return graph_.input(below(graph_.input_size())).name();
        [[fallthrough]];
      case 1:
        if (graph_.initializer_size() > 0)
          return graph_.initializer(below(graph_.initializer_size())).name();
        [[fallthrough]];
      default: {
        if (nodes == 0) return {};
        const auto& node = graph_.node(below(nodes));
        return node.output_size() == 0 ? std::string() : node.output(below(node.output_size()));
      }
    }
  }

  static const std::vector<std::string>& operators() {
    static const std::vector<std::string> kNames = [] {
      std::vector<std::string> names;
      for (const auto& schema : pb::OpSchemaRegistry::get_all_schemas())
        if (schema.domain().empty()) names.push_back(schema.Name());
      return names;
    }();
    return kNames;
  }
  const std::string& any_operator() {
    return operators()[below(static_cast<int>(operators().size()))];
  }

  void change() {
    const int nodes = graph_.node_size();
    pb::NodeProto* node = nodes == 0 ? nullptr : graph_.mutable_node(below(nodes));
    switch (below(14)) {
      case 0:
        return insert_node();
      case 1:
        if (node != nullptr) node->set_op_type(any_operator());
        return;
      case 2:
        if (nodes > 1) graph_.mutable_node()->DeleteSubrange(below(nodes), 1);
        return;
      case 3:
      case 4:
        if (node != nullptr && node->input_size() > 0)
          node->set_input(below(node->input_size()), below(8) == 0 ? "" : value());
        return;
      case 5:
        if (node != nullptr) node->add_input(value());
        return;
      case 6:
      case 7:
        if (node != nullptr) change_attributes(*node);
        return;
      case 8:
        return change_tensor();
      case 9:
        return change_input();
      case 10:
        if (graph_.output_size() > 0)
          graph_.mutable_output(below(graph_.output_size()))->set_name(value());
        return;
      case 11:
        if (model_.opset_import_size() > 0) model_.mutable_opset_import(0)->set_version(below(30));
        return;
      case 12:
        return add_numbers();
      default:
        return branch();
    }
  }

  void insert_node() {
    auto& node = *graph_.add_node();
    node.set_op_type(any_operator());
    for (int i = below(3); i >= 0; --i) node.add_input(value());
    node.add_output("new" + std::to_string(random_() % 1000));
    if (below(2) == 0) graph_.add_output()->set_name(node.output(0));
  }

  void change_attributes(pb::NodeProto& node) {
    const auto* schema = pb::OpSchemaRegistry::Schema(node.op_type());
    if (below(4) == 0 && node.attribute_size() > 0)
      return node.mutable_attribute()->DeleteSubrange(below(node.attribute_size()), 1);
    if (below(2) == 0 && schema != nullptr && !schema->attributes().empty()) {
      auto named = schema->attributes().begin();
      std::advance(named, below(static_cast<int>(schema->attributes().size())));
      auto& added = *node.add_attribute();
      added.set_name(named->first);
      added.set_type(named->second.type);
      return set(added);
    }
    if (node.attribute_size() > 0) set(*node.mutable_attribute(below(node.attribute_size())));
  }

  void set(pb::AttributeProto& attribute) {
    constexpr float kFloats[] = {
        0.0f, 1.0f, -1.0f, 0.5f, 1e30f, -1e-30f, std::numeric_limits<float>::quiet_NaN()};
    attribute.set_i(number());
    attribute.set_f(kFloats[below(std::size(kFloats))]);
    if (attribute.ints_size() > 0 && below(2) == 0) {
      attribute.set_ints(below(attribute.ints_size()), number());
    } else if (below(3) == 0) {
      attribute.add_ints(number());
    }
    if (below(4) == 0) attribute.add_floats(kFloats[below(std::size(kFloats))]);
    constexpr const char* kTexts[] = {"SAME_UPPER", "reverse", "bidirectional", "linear",
                                      "nearest",    "reflect", "bij,bjk->bik",  "ii->i",
                                      "Tanh",       "max"};
    if (attribute.type() == pb::AttributeProto::STRING)
      attribute.set_s(kTexts[below(std::size(kTexts))]);
    if (attribute.type() == pb::AttributeProto::STRINGS)
      attribute.add_strings(kTexts[below(std::size(kTexts))]);
  }

  void change_tensor() {
    if (graph_.initializer_size() == 0) return add_numbers();
    auto& tensor = *graph_.mutable_initializer(below(graph_.initializer_size()));
    switch (below(5)) {
      case 0:
        if (tensor.dims_size() > 0) tensor.set_dims(below(tensor.dims_size()), number());
        return;
      case 1:
        if (tensor.dims_size() > 1)
          std::swap((*tensor.mutable_dims())[0], (*tensor.mutable_dims())[tensor.dims_size() - 1]);
        return;
      case 2:
        if (tensor.int64_data_size() > 0)
          tensor.set_int64_data(below(tensor.int64_data_size()), number());
        return;
      case 3:
        tensor.set_data_type(below(24));
        return;
      default:
        return store_outside(tensor);
    }
  }

  void store_outside(pb::TensorProto& tensor) {
    const std::size_t bytes = tensor.raw_data().size();
    tensor.set_data_location(pb::TensorProto::EXTERNAL);
    tensor.clear_raw_data();
    tensor.clear_float_data();
    tensor.clear_external_data();
    const std::string offset = std::to_string(below(2) == 0 ? below(64) * 4 : number());
    const std::string length =
        std::to_string(below(4) > 0 ? static_cast<std::int64_t>(bytes) : number());
    for (const auto& [key, value] :
         {std::pair<std::string, std::string>{"location", below(8) == 0 ? "../w" : "w"},
          {"offset", offset},
          {"length", length}}) {
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
  }

  void change_input() {
    if (graph_.input_size() == 0 || below(3) == 0) {
      auto& added = *graph_.add_input();
      if (graph_.input_size() > 1) added = graph_.input(0);
      added.set_name("in" + std::to_string(random_() % 100));
      return;
    }
    auto& type =
        *graph_.mutable_input(below(graph_.input_size()))->mutable_type()->mutable_tensor_type();
    auto& shape = *type.mutable_shape();
    switch (below(4)) {
      case 0:
        type.set_elem_type(below(24));
        return;
      case 1:
        shape.add_dim()->set_dim_value(below(5));
        return;
      default:
        if (shape.dim_size() > 0)
          shape.mutable_dim(below(shape.dim_size()))->set_dim_value(number());
        return;
    }
  }

  // A list of whole numbers, as shapes, axes and indices are.
  void add_numbers() {
    auto& tensor = *graph_.add_initializer();
    tensor.set_name("list" + std::to_string(random_() % 1000));
    tensor.set_data_type(pb::TensorProto::INT64);
    const int count = below(5);
    if (below(3) > 0 || count != 1) tensor.add_dims(count);
    for (int i = 0; i < count; ++i) tensor.add_int64_data(number());
  }

  // Nodes from the end of the graph become a branch of an If, or the body of a function.
  void branch() {
    const int nodes = graph_.node_size();
    if (nodes < 2) return;
    const pb::NodeProto moved = graph_.node(below(nodes));
    if (below(3) == 0) {
      auto& function = *model_.add_functions();
      function.set_name(moved.op_type());
      function.set_domain("own");
      for (const auto& name : moved.input()) function.add_input(name);
      for (const auto& name : moved.output()) function.add_output(name);
      *function.add_node() = moved;
      for (auto& node : *graph_.mutable_node())
        if (node.op_type() == moved.op_type()) node.set_domain("own");
      return;
    }
    auto& node = *graph_.add_node();
    node.set_op_type(below(4) == 0 ? "Loop" : "If");
    node.add_input(value());
    for (const char* name : {"then_branch", "else_branch"}) {
      auto& attribute = *node.add_attribute();
      attribute.set_name(name);
      attribute.set_type(pb::AttributeProto::GRAPH);
      *attribute.mutable_g()->add_node() = moved;
      for (const auto& output : moved.output())
        attribute.mutable_g()->add_output()->set_name(output);
    }
    for (int i = 0; i < moved.output_size(); ++i)
      node.add_output("branch" + std::to_string(random_() % 1000));
    if (node.output_size() > 0) graph_.add_output()->set_name(node.output(0));
  }

  pb::GraphProto& graph_;
  pb::ModelProto& model_;
  std::mt19937 random_;
};

}  // namespace

std::string mutate_model(std::string_view bytes, unsigned int seed) {
  try {
    pb::ModelProto model = parse_model(bytes);
    Mutation(model, seed).make();
    return model.SerializeAsString();
  } catch (const Error&) {
    return {};
  }
}

}  // namespace undying::onnx

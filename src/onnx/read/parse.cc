#include "onnx/read/parse.h"

#include "onnx/defs/schema.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <unordered_map>

#include "base/nearest.h"
#include "onnx/names.h"
#include "onnx/read/attribute.h"
#include "onnx/read/branches.h"
#include "onnx/read/input_shapes.h"
#include "onnx/read/tensor.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

[[noreturn]] void bad(const std::string& subject, const std::string& message) {
  throw Error(ErrorCode::kBadData, subject, message);
}
[[noreturn]] void unsupported(const std::string& subject, const std::string& message) {
  throw Error(ErrorCode::kUnsupported, subject, message);
}

bool is_standard(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

std::int64_t opset_of(const pb::ModelProto& model) {
  std::int64_t opset = 0;
  for (const auto& import : model.opset_import())
    if (is_standard(import.domain())) opset = import.version();
  const std::int64_t last = last_opset();
  if (opset >= kFirstOpset && opset <= last) return opset;
  const std::string old =
      last < kNewestOpset
          ? "; the ONNX library of this build is an old one: scripts/install builds that of today"
          : "";
  unsupported("opset", "the model is of opset " + std::to_string(opset) + "; expected " +
                           std::to_string(kFirstOpset) + " to " + std::to_string(last) +
                           ", such as torch.onnx.export(..., opset_version=" +
                           std::to_string(last) + ") writes" + old);
}

constexpr const char* kOpen = " open";

class Parser {
 public:
  Parser(const std::filesystem::path& folder, const LoadOptions& options)
      : tensors_(folder), options_(options) {
    net_.batch_axes = options.batched ? 1 : 0;
    net_.fresh = options.fresh;
  }

  Net parse(pb::ModelProto& model) {
    net_.opset = opset_of(model);
    pb::GraphProto& graph = *model.mutable_graph();
    inline_branches(graph);
    if (graph.sparse_initializer_size() > 0)
      unsupported("graph", "has sparse initializers; expected dense ones");
    for (auto& tensor : *graph.mutable_initializer()) add_initializer(tensor);
    const InputShapes shapes(graph, options_, initializers_);
    net_.notes = shapes.notes();
    net_.batch_axes = shapes.counts_examples() ? 1 : 0;
    net_.batch = shapes.is_one_example() ? 1 : 0;
    for (const auto& input : graph.input())
      if (!ids_.contains(checked(input.name()))) try_input(input, shapes);
    if (net_.inputs.empty() && net_.obstacles.empty())
      bad("graph", "has no input that is not an initializer");
    if (net_.batch > 1 && net_.batch_axes > 0)
      net_.notes.push_back("the export fixed batches of " + std::to_string(net_.batch) +
                           " examples; any number goes in here");
    sort(graph);
    std::vector<NodeOrigin*> origins;
    for (Operation& operation : net_.operations) origins.push_back(&operation.origin);
    complete_names(origins);
    for (const auto& output : graph.output()) {
      net_.outputs.push_back(id_of(output.name(), "the model's outputs"));
      net_.output_names.push_back(output.name());
    }
    if (net_.outputs.empty()) bad("graph", "has no output");
    choose_outputs();
    for (const auto& [type, count] : tensors_.converted())
      net_.notes.push_back(std::to_string(count) + " tensors of type " + type + " became float32");
    return std::move(net_);
  }

 private:
  int define(Value value) {
    const std::string name = checked(value.name);
    const int id = net_.add_value(std::move(value));
    if (name.empty()) bad("graph", "has an input or initializer without a name");
    if (!ids_.emplace(name, id).second)
      bad(name, "is defined twice; expected one definition of every value");
    return id;
  }

  int id_of(const std::string& name, const std::string& reader) const {
    const auto found = ids_.find(name);
    if (found == ids_.end())
      bad(printable(name), "is read by " + reader + ", but nothing defines it");
    return found->second;
  }

  void add_initializer(pb::TensorProto& tensor) {
    define({.name = checked(tensor.name()), .constant = tensors_.read(tensor, tensor.name())});
    initializers_.push_back(tensor.name());
    tensor.Clear();
  }

  // What the caller asks for by name: outputs of the file, or values inside the graph, which become
  // outputs behind them.
  void choose_outputs() {
    net_.own = net_.outputs.size();
    for (const std::string& name : options_.outputs) {
      const auto own = std::ranges::find(net_.output_names, name);
      net_.chosen.push_back(static_cast<int>(own - net_.output_names.begin()));
      if (own != net_.output_names.end()) continue;
      if (!ids_.contains(name) || !is_computed(ids_.at(name)))
        throw Error(ErrorCode::kInvalidArgument, "--output",
                    "\"" + name + "\" is no value of the graph; its outputs are " +
                        listed(net_.output_names) + near_to(name));
      net_.outputs.push_back(ids_.at(name));
      net_.output_names.push_back(name);
    }
    for (std::size_t i = 0; options_.outputs.empty() && i < net_.outputs.size(); ++i)
      net_.chosen.push_back(static_cast<int>(i));
  }

  std::string near_to(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& [known, id] : ids_)
      if (is_computed(id)) names.push_back(known);
    std::ranges::sort(names);
    const std::string found = nearest(name, names);
    return found.empty() ? "" : "; did you mean " + found + "?";
  }

  void note_type(const std::string& subject, int type) {
    if (type == pb::TensorProto::FLOAT || TensorReader::is_integer(type)) return;
    if (!TensorReader::is_float(type))
      unsupported(subject, "is of type " + TensorReader::type_name(type) +
                               "; expected floats, whole numbers or truth values");
    net_.notes.push_back(subject + " of type " + TensorReader::type_name(type) +
                         " is read as float32");
  }

  // One that is not supported is an obstacle beside others: what reads it stays without a shape.
  void try_input(const pb::ValueInfoProto& info, const InputShapes& shapes) {
    try {
      add_input(info, shapes);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnsupported) throw;
      const std::string text = error.subject() + ": " + error.message();
      const bool open = text.find(kOpen) != std::string::npos;
      net_.obstacles.push_back(
          {define({.name = info.name()}), text, open ? shapes.likely(info) : std::vector<Shape>{}});
    }
  }

  void add_input(const pb::ValueInfoProto& info, const InputShapes& shapes) {
    const std::string subject = "input " + info.name();
    const auto& type = info.type().tensor_type();
    if (!info.type().has_tensor_type()) unsupported(subject, "is not a tensor");
    note_type(subject, type.elem_type());
    if (!type.has_shape())
      unsupported(subject, "has no shape; expected one, the batch dimension first");
    Value value{
        .name = info.name(), .shaped = true, .batch = {.axis = shapes.batch_axis(info.name())}};
    value.integer = TensorReader::is_integer(type.elem_type());
    for (int i = 0; i < type.shape().dim_size(); ++i) {
      const auto& dim = type.shape().dim(i);
      const std::int64_t extent = dim.has_dim_value() && dim.dim_value() > 0 ? dim.dim_value() : 0;
      if (net_.batch_axes > 0 && i == shapes.batch_axis(info.name())) {
        set_batch(subject, extent);
        continue;
      }
      value.shape.push_back(shapes.extent_of(info, i));
      if (value.shape.back() == 0)
        unsupported(subject, "leaves dimension " + std::to_string(i) + kOpen +
                                 "; expected a fixed extent in all but the batch dimension");
    }
    std::int64_t count = 0;
    if (type.shape().dim_size() == 0)
      unsupported(subject, "has no dimension; expected at least that of the batch");
    value.scalar = value.shape.empty();  // one number an example
    if (value.scalar) value.shape = {1};
    if (!multiply_extents(value.shape, kMostElements, count))
      bad(subject, "its shape " + ops::to_string(value.shape) + " is absurdly large");
    net_.inputs.push_back(define(std::move(value)));
  }

  void set_batch(const std::string& subject, std::int64_t extent) {
    if (extent != 0 && net_.batch != 0 && net_.batch != extent)
      unsupported(subject, "counts " + std::to_string(extent) + " examples and another input " +
                               std::to_string(net_.batch));
    if (extent != 0) net_.batch = extent;
  }

  // Kahn's algorithm; of the nodes that are ready, the first in the file.
  void sort(pb::GraphProto& graph) {
    std::unordered_map<std::string, std::vector<int>> waiting;
    std::vector<int> missing(static_cast<std::size_t>(graph.node_size()), 0);
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    define_outputs(graph);
    for (int i = 0; i < graph.node_size(); ++i) {
      for (const auto& name : graph.node(i).input()) {
        if (name.empty() || !is_computed(id_of(name, name_of(graph.node(i), i)))) continue;
        waiting[name].push_back(i);
        ++missing[i];
      }
      if (missing[i] == 0) ready.push(i);
    }
    while (!ready.empty()) {
      const int next = ready.top();
      ready.pop();
      add_node(*graph.mutable_node(next), next);
      for (const auto& name : graph.node(next).output())
        for (const int reader : waiting[name])
          if (--missing[reader] == 0) ready.push(reader);
    }
    for (int i = 0; i < graph.node_size(); ++i)
      if (missing[i] > 0)
        bad("node " + name_of(graph.node(i), i), "is part of a cycle, or waits for one");
  }

  void define_outputs(const pb::GraphProto& graph) {
    computed_ = static_cast<int>(net_.values.size());
    for (const auto& node : graph.node())
      for (const auto& name : node.output())
        if (!name.empty()) define({.name = name});
  }

  bool is_computed(int id) const { return id >= computed_; }

  static std::string name_of(const pb::NodeProto& node, int index) {
    if (!node.name().empty()) return checked(node.name());
    if (node.output_size() > 0 && !node.output(0).empty()) return node.output(0);
    return "#" + std::to_string(index);
  }

  // A node without outputs does nothing. Names that start with a dot are ours.
  void add_node(pb::NodeProto& node, int index) {
    if (std::ranges::all_of(node.output(), &std::string::empty)) return;
    if (node.op_type().starts_with('.'))
      bad("node " + name_of(node, index),
          "is of an operator that is not ONNX's: " + checked(node.op_type()));
    Operation operation{.name = name_of(node, index), .op = checked(node.op_type())};
    if (!is_standard(node.domain())) {
      operation.op = checked(node.domain()) + "." + node.op_type();
      operation.problem = "is not an operator of ONNX itself";
    }
    operation.origin = origin_of(node, initializers_);
    for (const auto& name : node.input())
      operation.inputs.push_back(name.empty() ? -1 : id_of(name, operation.name));
    for (const auto& name : node.output()) {
      operation.outputs.push_back(name.empty() ? -1 : id_of(name, operation.name));
      if (!name.empty())
        net_.value(operation.outputs.back()).producer = static_cast<int>(net_.operations.size());
    }
    for (auto& attribute : *node.mutable_attribute()) add_attribute(operation, tensors_, attribute);
    if (operation.op == "ai.onnx.ml.Scaler" && operation.inputs.size() == 1 &&
        operation.outputs.size() == 1)
      return add_scaler(std::move(operation));
    net_.operations.push_back(std::move(operation));
  }

  // What scikit-learn's scalers become: (x - offset) * scale.
  void add_scaler(Operation operation) {
    const auto numbers = [&](const char* name, float otherwise) {
      std::vector<float> values = setting<std::vector<float>>(operation, name, {otherwise});
      const auto count = static_cast<std::int64_t>(values.size());
      return net_.add_constant(make_floats({count}, std::move(values)));
    };
    Operation centre{.name = operation.name + ".offset",
                     .op = "Sub",
                     .inputs = {operation.inputs[0], numbers("offset", 0.0f)}};
    Operation scale{.name = operation.name + ".scale",
                    .op = "Mul",
                    .inputs = {-1, numbers("scale", 1.0f)},
                    .outputs = operation.outputs};
    centre.outputs = {net_.add_value({.name = operation.name + ".centred"})};
    scale.inputs[0] = centre.outputs[0];
    net_.value(centre.outputs[0]).producer = static_cast<int>(net_.operations.size());
    net_.operations.push_back(std::move(centre));
    net_.value(scale.outputs[0]).producer = static_cast<int>(net_.operations.size());
    net_.operations.push_back(std::move(scale));
  }

  Net net_;
  TensorReader tensors_;
  const LoadOptions& options_;
  std::unordered_map<std::string, int> ids_;
  std::vector<std::string> initializers_;
  int computed_ = 0;  // values from here on are outputs of nodes
};

}  // namespace

std::int64_t last_opset() {
  static const std::int64_t kKnown =
      pb::OpSchemaRegistry::DomainToVersionRange::Instance().Map().at("").second;
  return std::min(kNewestOpset, kKnown);
}

Net parse(pb::ModelProto& model, const std::filesystem::path& folder, const LoadOptions& options) {
  return Parser(folder, options).parse(model);
}

}  // namespace undying::onnx

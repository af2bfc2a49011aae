#include "onnx/read/parse.h"

#include "onnx/defs/schema.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <unordered_map>

#include "base/nearest.h"
#include "onnx/names.h"
#include "onnx/read/attribute.h"
#include "onnx/read/branches.h"
#include "onnx/read/tensor.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

[[noreturn]] void bad(const std::string& subject, const std::string& message) { throw Error(ErrorCode::kBadData, subject, message); }
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
  const std::string old = last < kNewestOpset ? "; the ONNX library of this build is an old one: scripts/install builds that of today" : "";
  unsupported("opset", "the model is of opset " + std::to_string(opset) + "; expected " + std::to_string(kFirstOpset) + " to " +
                           std::to_string(last) + ", such as torch.onnx.export(..., opset_version=" + std::to_string(last) + ") writes" +
                           old);
}

constexpr const char* kOpen = " open";

class Parser {
 public:
  Parser(const std::filesystem::path& folder, const LoadOptions& options) : tensors_(folder), options_(options) {
    net_.batch_axes = options.batched ? 1 : 0;
    net_.fresh = options.fresh;
  }

  Net parse(pb::ModelProto& model) {
    net_.opset = opset_of(model);
    pb::GraphProto& graph = *model.mutable_graph();
    inline_branches(graph);
    if (graph.sparse_initializer_size() > 0) unsupported("graph", "has sparse initializers; expected dense ones");
    for (auto& tensor : *graph.mutable_initializer()) add_initializer(tensor);
    check_shapes(graph);
    if (net_.batch_axes > 0 && (counts_no_examples(graph) || is_shaped_whole(graph))) {
      net_.batch_axes = 0;
      net_.notes.push_back("the inputs count no examples: each as a whole is one");
    }
    take_batch_axes(graph);
    for (const auto& input : graph.input())
      if (!ids_.contains(checked(input.name()))) try_input(input);
    if (net_.inputs.empty() && net_.obstacles.empty()) bad("graph", "has no input that is not an initializer");
    if (net_.batch > 1 && net_.batch_axes > 0)
      net_.notes.push_back("the export fixed batches of " + std::to_string(net_.batch) + " examples; any number goes in here");
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
    if (!ids_.emplace(name, id).second) bad(name, "is defined twice; expected one definition of every value");
    return id;
  }

  int id_of(const std::string& name, const std::string& reader) const {
    const auto found = ids_.find(name);
    if (found == ids_.end()) bad(printable(name), "is read by " + reader + ", but nothing defines it");
    return found->second;
  }

  void add_initializer(pb::TensorProto& tensor) {
    define({.name = checked(tensor.name()), .constant = tensors_.read(tensor, tensor.name())});
    initializers_.push_back(tensor.name());
    tensor.Clear();
  }

  // Whether all inputs are lists of fixed length: the model was exported with one example, and no batch.
  bool counts_no_examples(const pb::GraphProto& graph) const {
    return std::ranges::all_of(graph.input(), [&](const pb::ValueInfoProto& info) {
      if (ids_.contains(info.name())) return true;  // an initializer
      const auto& shape = info.type().tensor_type().shape();
      return shape.dim_size() == 1 && shape.dim(0).has_dim_value() && shape.dim(0).dim_value() > 1;
    });
  }

  static std::string known_names(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  }

  // What the caller asks for by name: outputs of the file, or values inside the graph, which become outputs behind them.
  void choose_outputs() {
    net_.own = net_.outputs.size();
    for (const std::string& name : options_.outputs) {
      const auto own = std::ranges::find(net_.output_names, name);
      net_.chosen.push_back(static_cast<int>(own - net_.output_names.begin()));
      if (own != net_.output_names.end()) continue;
      if (!ids_.contains(name) || !is_computed(ids_.at(name)))
        throw Error(ErrorCode::kInvalidArgument, "--output",
                    "\"" + name + "\" is no value of the graph; its outputs are " + known_names(net_.output_names) + near_to(name));
      net_.outputs.push_back(ids_.at(name));
      net_.output_names.push_back(name);
    }
    for (std::size_t i = 0; options_.outputs.empty() && i < net_.outputs.size(); ++i) net_.chosen.push_back(static_cast<int>(i));
  }

  std::string near_to(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& [known, id] : ids_)
      if (is_computed(id)) names.push_back(known);
    std::ranges::sort(names);
    const std::string found = nearest(name, names);
    return found.empty() ? "" : "; did you mean " + found + "?";
  }

  void check_shapes(const pb::GraphProto& graph) const {
    for (const auto& [name, shape] : options_.shapes) {
      const auto found = std::ranges::find(graph.input(), name, [](const pb::ValueInfoProto& info) { return info.name(); });
      std::vector<std::string> names;
      for (const auto& info : graph.input())
        if (!ids_.contains(info.name())) names.push_back(info.name());
      if (found == graph.input().end() || ids_.contains(name))
        throw Error(ErrorCode::kInvalidArgument, "--shape", "\"" + name + "\" is no input of the model; they are " + known_names(names));
      const int rank = found->type().tensor_type().shape().dim_size();
      const auto given = static_cast<int>(shape.size());
      if (found->type().tensor_type().has_shape() && given != rank && given != rank - 1)
        throw Error(ErrorCode::kInvalidArgument, "--shape",
                    "gives " + name + " " + std::to_string(given) + " extents; it has " + std::to_string(rank) + " dimensions: expected " +
                        std::to_string(rank - 1) + " extents, or " + std::to_string(rank) + " where the first counts no examples");
      const auto open = std::ranges::count(shape, 0);
      if (open > 1 || (open == 1 && (given != rank || net_.batch_axes == 0)))
        throw Error(ErrorCode::kInvalidArgument, "--shape",
                    "marks a dimension of " + name + " as N, where examples are counted; expected one of all its " + std::to_string(rank) +
                        " dimensions");
    }
  }

  // The dimension of an input that counts examples: as the caller says by an extent of 0, else the first; or the second, where that has the
  // name of another input's first one, as "batch".
  int batch_axis_of(const pb::GraphProto& graph, const pb::ValueInfoProto& info) const {
    if (const auto given = options_.shapes.find(info.name()); given != options_.shapes.end())
      if (const auto open = std::ranges::find(given->second, 0); open != given->second.end())
        return static_cast<int>(open - given->second.begin());
    const auto& shape = info.type().tensor_type().shape();
    if (shape.dim_size() < 2 || shape.dim(0).dim_value() < 1 || shape.dim(1).dim_param().empty()) return 0;
    const bool shared = std::ranges::any_of(graph.input(), [&](const pb::ValueInfoProto& other) {
      const auto& dims = other.type().tensor_type().shape();
      return dims.dim_size() > 0 && dims.dim(0).dim_param() == shape.dim(1).dim_param();
    });
    return shared ? 1 : 0;
  }

  void take_batch_axes(const pb::GraphProto& graph) {
    for (const auto& info : graph.input()) {
      if (const int axis = net_.batch_axes > 0 ? batch_axis_of(graph, info) : 0; axis > 0) batch_axis_[info.name()] = axis;
      if (whole_shape(info) != nullptr && net_.batch_axes > 0) net_.batch = 1;
    }
    for (const auto& [name, axis] : batch_axis_)
      net_.notes.push_back("input " + name + " counts examples along dimension " + std::to_string(axis) +
                           "; here, and in what is written, they come first");
  }

  // What the caller gives an input, if that is an extent for each of its dimensions.
  const Shape* whole_shape(const pb::ValueInfoProto& info) const {
    const auto given = options_.shapes.find(info.name());
    const bool all = given != options_.shapes.end() && std::ranges::find(given->second, 0) == given->second.end() &&
                     static_cast<int>(given->second.size()) == info.type().tensor_type().shape().dim_size();
    return all ? &given->second : nullptr;
  }

  // Whether the caller gives an input all its dimensions: then none counts examples. A batch of one example stays one.
  bool is_shaped_whole(const pb::GraphProto& graph) const {
    return std::ranges::any_of(graph.input(), [&](const pb::ValueInfoProto& info) {
      const Shape* whole = whole_shape(info);
      return whole != nullptr && (whole->empty() || (*whole)[static_cast<std::size_t>(batch_axis_of(graph, info))] != 1);
    });
  }

  int batch_axis(const std::string& name) const { return batch_axis_.contains(name) ? batch_axis_.at(name) : 0; }

  // The extent that the caller gives a dimension, or the file does; 0: neither.
  std::int64_t extent_of(const pb::ValueInfoProto& info, int axis, std::int64_t extent) const {
    const std::string& name = info.name();
    const auto given = options_.shapes.find(name);
    if (given == options_.shapes.end()) return extent;
    const bool all = static_cast<int>(given->second.size()) == info.type().tensor_type().shape().dim_size();
    const int skipped = all || net_.batch_axes == 0 || axis < batch_axis(name) ? 0 : 1;
    const std::int64_t wanted = given->second[static_cast<std::size_t>(axis - skipped)];
    if (extent != 0 && extent != wanted)
      throw Error(ErrorCode::kInvalidArgument, "--shape",
                  "makes dimension " + std::to_string(axis) + " of " + name + " " + std::to_string(wanted) + "; the model fixes it at " +
                      std::to_string(extent));
    return wanted;
  }

  // An option that fixes what is open, with extents of the kind that networks have.
  Shape likely_shape(const pb::ValueInfoProto& info) const {
    const auto& shape = info.type().tensor_type().shape();
    Shape likely;
    for (int i = 0; i < shape.dim_size(); ++i) {
      if (net_.batch_axes > 0 && i == batch_axis(info.name())) continue;
      const std::int64_t extent = shape.dim(i).has_dim_value() && shape.dim(i).dim_value() > 0 ? shape.dim(i).dim_value()
                                  : shape.dim_size() == 4                                      ? (i == 1 ? 3 : 224)
                                                                                               : (shape.dim_size() == 2 ? 16000 : 128);
      likely.push_back(extent);
    }
    return likely;
  }

  void note_type(const std::string& subject, int type) {
    if (type == pb::TensorProto::FLOAT || TensorReader::is_integer(type)) return;
    if (!TensorReader::is_float(type))
      unsupported(subject, "is of type " + TensorReader::type_name(type) + "; expected floats, whole numbers or truth values");
    net_.notes.push_back(subject + " of type " + TensorReader::type_name(type) + " is read as float32");
  }

  // One that is not supported is an obstacle beside others: what reads it stays without a shape.
  void try_input(const pb::ValueInfoProto& info) {
    try {
      add_input(info);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnsupported) throw;
      const std::string text = error.subject() + ": " + error.message();
      const bool open = text.find(kOpen) != std::string::npos;
      net_.obstacles.push_back({define({.name = info.name()}), text, open ? likely_shape(info) : Shape{}});
    }
  }

  void add_input(const pb::ValueInfoProto& info) {
    const std::string subject = "input " + info.name();
    const auto& type = info.type().tensor_type();
    if (!info.type().has_tensor_type()) unsupported(subject, "is not a tensor");
    note_type(subject, type.elem_type());
    if (!type.has_shape()) unsupported(subject, "has no shape; expected one, the batch dimension first");
    Value value{.name = info.name(), .shaped = true, .batch = {.axis = batch_axis(info.name())}};
    value.integer = TensorReader::is_integer(type.elem_type());
    for (int i = 0; i < type.shape().dim_size(); ++i) {
      const auto& dim = type.shape().dim(i);
      const std::int64_t extent = dim.has_dim_value() && dim.dim_value() > 0 ? dim.dim_value() : 0;
      if (net_.batch_axes > 0 && i == batch_axis(info.name())) {
        set_batch(subject, extent);
        continue;
      }
      value.shape.push_back(extent_of(info, i, extent));
      if (value.shape.back() == 0)
        unsupported(subject, "leaves dimension " + std::to_string(i) + kOpen + "; expected a fixed extent in all but the batch dimension");
    }
    std::int64_t count = 0;
    if (type.shape().dim_size() == 0) unsupported(subject, "has no dimension; expected at least that of the batch");
    value.scalar = value.shape.empty();  // one number an example
    if (value.scalar) value.shape = {1};
    if (!multiply_extents(value.shape, kMostElements, count))
      bad(subject, "its shape " + ops::to_string(value.shape) + " is absurdly large");
    net_.inputs.push_back(define(std::move(value)));
  }

  void set_batch(const std::string& subject, std::int64_t extent) {
    if (extent != 0 && net_.batch != 0 && net_.batch != extent)
      unsupported(subject, "counts " + std::to_string(extent) + " examples and another input " + std::to_string(net_.batch));
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
        ++missing[static_cast<std::size_t>(i)];
      }
      if (missing[static_cast<std::size_t>(i)] == 0) ready.push(i);
    }
    while (!ready.empty()) {
      const int next = ready.top();
      ready.pop();
      add_node(*graph.mutable_node(next), next);
      for (const auto& name : graph.node(next).output())
        for (const int reader : waiting[name])
          if (--missing[static_cast<std::size_t>(reader)] == 0) ready.push(reader);
    }
    for (int i = 0; i < graph.node_size(); ++i)
      if (missing[static_cast<std::size_t>(i)] > 0) bad("node " + name_of(graph.node(i), i), "is part of a cycle, or waits for one");
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
      bad("node " + name_of(node, index), "is of an operator that is not ONNX's: " + checked(node.op_type()));
    Operation operation{.name = name_of(node, index), .op = checked(node.op_type())};
    if (!is_standard(node.domain())) {
      operation.op = checked(node.domain()) + "." + node.op_type();
      operation.problem = "is not an operator of ONNX itself";
    }
    operation.origin = origin_of(node, initializers_);
    for (const auto& name : node.input()) operation.inputs.push_back(name.empty() ? -1 : id_of(name, operation.name));
    for (const auto& name : node.output()) {
      operation.outputs.push_back(name.empty() ? -1 : id_of(name, operation.name));
      if (!name.empty()) net_.value(operation.outputs.back()).producer = static_cast<int>(net_.operations.size());
    }
    for (auto& attribute : *node.mutable_attribute()) add_attribute(operation, tensors_, attribute);
    if (operation.op == "ai.onnx.ml.Scaler" && operation.inputs.size() == 1 && operation.outputs.size() == 1)
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
    Operation centre{.name = operation.name + ".offset", .op = "Sub", .inputs = {operation.inputs[0], numbers("offset", 0.0f)}};
    Operation scale{.name = operation.name + ".scale", .op = "Mul", .inputs = {-1, numbers("scale", 1.0f)}, .outputs = operation.outputs};
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
  std::map<std::string, int> batch_axis_;  // of inputs that do not count examples first
  int computed_ = 0;                       // values from here on are outputs of nodes
};

}  // namespace

std::int64_t last_opset() {
  static const std::int64_t kKnown = pb::OpSchemaRegistry::DomainToVersionRange::Instance().Map().at("").second;
  return std::min(kNewestOpset, kKnown);
}

Net parse(pb::ModelProto& model, const std::filesystem::path& folder, const LoadOptions& options) {
  return Parser(folder, options).parse(model);
}

}  // namespace undying::onnx

#include "onnx/checker.h"

#include <algorithm>
#include <array>
#include <memory>

#include "base/atomic_file.h"
#include "base/version.h"
#include "onnx/form.h"
#include "onnx/read/parse.h"
#include "onnx/write/exporter.h"
#include "onnx/write/fold_batch_norm.h"
#include "undying/error.h"
#include "undying/onnx.h"

namespace undying::onnx {
namespace {

// The oldest IR version that may hold an opset, as ONNX's own table of releases has it: readers
// refuse one that is newer than theirs.
std::int64_t ir_version_of(std::int64_t opset) {
  constexpr std::array<std::array<std::int64_t, 2>, 7> kTable = {
      {{18, 8}, {20, 9}, {22, 10}, {23, 11}, {24, 12}, {27, 13}, {28, 14}}};
  for (const auto& [last, ir] : kTable)
    if (opset <= last) return ir;
  return kTable.back()[1];
}

std::int64_t opset_of(const SaveOptions& options) {
  const std::int64_t last = last_opset();
  if (options.opset == 0) return std::min(kWrittenOpset, last);
  if (options.opset < kFirstWrittenOpset || options.opset > last)
    throw Error(ErrorCode::kInvalidArgument, "opset",
                "is " + std::to_string(options.opset) + "; expected " +
                    std::to_string(kFirstWrittenOpset) + " to " + std::to_string(last));
  return options.opset;
}

void describe_value(pb::ValueInfoProto& info, const std::string& name, const Shape& shape,
                    bool whole = false) {
  info.set_name(name);
  auto* type = info.mutable_type()->mutable_tensor_type();
  type->set_elem_type(whole ? pb::TensorProto::INT64 : pb::TensorProto::FLOAT);
  type->mutable_shape()->add_dim()->set_dim_param("N");
  for (const std::int64_t extent : shape) type->mutable_shape()->add_dim()->set_dim_value(extent);
}

// The name of input or output number `index`; `which` says whose names these are.
std::string chosen(const char* which, const std::vector<std::string>& names, std::size_t count,
                   std::size_t index, const std::string& otherwise) {
  if (names.empty()) return otherwise;
  if (names.size() != count)
    throw Error(ErrorCode::kInvalidArgument, which,
                std::to_string(names.size()) + " names; expected " + std::to_string(count));
  return names[index];
}

class Saver {
 public:
  Saver(const Graph& graph, std::span<const Tensor> weights, const SaveOptions& options)
      : graph_(graph),
        options_(options),
        opset_(opset_of(options)),
        writer_(*proto_.mutable_graph()) {
    for (const Tensor& tensor : weights) tensors_[tensor.name] = &tensor;
    exporter_ = std::make_unique<Exporter>(writer_, graph_, tensors_, opset_);
  }

  pb::ModelProto write() {
    proto_.set_ir_version(ir_version_of(opset_));
    proto_.add_opset_import()->set_version(opset_);
    proto_.set_producer_name("undying");
    proto_.set_producer_version(kVersion);
    proto_.mutable_graph()->set_name("undying");
    reserve_names();
    write_inputs();
    write_nodes();
    write_outputs();
    return std::move(proto_);
  }

  const std::map<std::string, int>& notes() const { return exporter_->notes(); }

 private:
  const Node& node(int index) const { return graph_.nodes()[index]; }
  const Shape& shape(int index) const { return graph_.shapes()[index]; }
  bool is_scalar(int index, const std::string& name) const {
    return shape(index) == Shape{1} &&
           std::ranges::find(options_.scalars, name) != options_.scalars.end();
  }
  Shape written_shape(int index, const std::string& name) const {
    return is_scalar(index, name) ? Shape{} : shape(index);
  }

  // Tensors keep their names, then inputs and outputs theirs.
  void reserve_names() {
    for (const auto& [name, tensor] : tensors_) writer_.reserve(name);
    const auto& outputs = graph_.outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      output_names_.push_back(writer_.reserve(
          chosen("outputs", options_.outputs, outputs.size(), i, node(outputs[i]).name)));
  }

  void write_inputs() {
    const auto& inputs = graph_.inputs();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::string name = writer_.reserve(
          chosen("inputs", options_.inputs, inputs.size(), i, node(inputs[i]).name));
      describe_value(*proto_.mutable_graph()->add_input(), name, written_shape(inputs[i], name),
                     Exporter::is_written_whole(graph_, inputs[i]));
      exporter_->set_name(inputs[i], name);
      if (!is_scalar(inputs[i], name)) continue;
      writer_.begin(name);
      exporter_->set_name(inputs[i], writer_.add("Unsqueeze", {name, writer_.list({1})}));
    }
  }

  // What computes a tensor comes first, each value as of one example, which is taken off at the
  // end.
  void write_derived(const Derived& derived) {
    const Graph graph(derived.nodes);
    Exporter exporter(writer_, graph, tensors_, opset_);
    for (int i = 1; i < static_cast<int>(graph.nodes().size()); ++i)
      exporter.write(i, writer_.reserve(graph.nodes()[i].name));
    const int last = graph.outputs().front();
    writer_.begin(derived.parameter);
    const std::string given = writer_.add("Squeeze", {exporter.name_of(last), writer_.list({0})});
    exporter_->set_derived(derived.parameter, writer_.end(given, derived.parameter));
  }

  void write_nodes() {
    writer_.keep_initializers_for_parameters(true);
    for (const Derived& each : graph_.derived()) write_derived(each);
    writer_.keep_initializers_for_parameters(false);
    for (int i = 0; i < static_cast<int>(graph_.nodes().size()); ++i)
      if (!ops::is_input(node(i))) exporter_->write(i, value_name(i));
  }

  // The first output that a node gives names its value.
  std::string value_name(int index) {
    const auto& outputs = graph_.outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i] == index && !is_scalar(index, output_names_[i])) return output_names_[i];
    return writer_.reserve(node(index).name);
  }

  // An output whose value goes by another name (an input, an output given twice, one behind a
  // dropout) is a copy of it.
  void write_outputs() {
    const auto& outputs = graph_.outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (exporter_->is_alone(outputs[i]))
        throw Error(ErrorCode::kUnsupported, node(outputs[i]).name,
                    "is an output and a constant, which has no batch in ONNX");
      const std::string& name = output_names_[i];
      const std::string& value = exporter_->name_of(outputs[i]);
      describe_value(*proto_.mutable_graph()->add_output(), name, written_shape(outputs[i], name));
      if (value == name) continue;
      writer_.begin(name);
      const bool scalar = is_scalar(outputs[i], name);
      writer_.end(scalar ? writer_.add("Squeeze", {value, writer_.list({1})})
                         : writer_.add("Identity", {value}),
                  name);
    }
  }

  const Graph& graph_;
  const SaveOptions& options_;
  std::int64_t opset_;
  std::map<std::string, const Tensor*> tensors_;
  pb::ModelProto proto_;
  Writer writer_;
  std::unique_ptr<Exporter> exporter_;
  std::vector<std::string> output_names_;
};

// What was written is ours, so that only a mistake of ours can fail here.
void check(const pb::ModelProto& proto) {
  try {
    pb::checker::check_model(proto);
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kInternal, "ONNX checker", error.what());
  }
}

std::string doc_string(const SaveOptions& options, const std::map<std::string, int>& notes) {
  std::string text = options.doc;
  for (const auto& [what, count] : notes)
    text += (text.empty() ? "" : "\n") + std::to_string(count) + " " + what;
  return text;
}

// Tensors that are stored outside as PyTorch has it: from 1,024 bytes on, one behind the other.
std::string take_out(pb::ModelProto& proto, const std::string& location) {
  constexpr std::size_t kLeast = 1024;
  std::string outside;
  for (auto& tensor : *proto.mutable_graph()->mutable_initializer()) {
    if (tensor.raw_data().size() < kLeast) continue;
    const auto add = [&](const char* key, const std::string& value) {
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    };
    add("location", location);
    add("offset", std::to_string(outside.size()));
    add("length", std::to_string(tensor.raw_data().size()));
    outside += tensor.raw_data();
    tensor.clear_raw_data();
    tensor.set_data_location(pb::TensorProto::EXTERNAL);
  }
  return outside;
}

void write(const std::filesystem::path& file, const Graph& graph, std::span<const Tensor> weights,
           const SaveOptions& options, int folded) {
  Saver saver(graph, weights, options);
  pb::ModelProto proto = saver.write();
  if (options.form) add_form(proto, *options.form, graph.input_shape(), graph.output_shape());
  std::map<std::string, int> notes = saver.notes();
  if (folded > 0) notes["batch_norm folded into the layers before them"] = folded;
  proto.set_doc_string(doc_string(options, notes));
  for (const auto& [key, value] : options.metadata) {
    auto& entry = *proto.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  if (proto.ByteSizeLong() > static_cast<std::size_t>(kMostFileBytes))
    throw Error(ErrorCode::kUnsupported, file.string(),
                "would have " + std::to_string(proto.ByteSizeLong()) +
                    " bytes; an ONNX file holds at most " + std::to_string(kMostFileBytes));
  check(proto);
  if (options.external) {
    const std::filesystem::path data = file.string() + ".data";
    if (const std::string outside = take_out(proto, data.filename().string()); !outside.empty())
      write_file(data, outside);
  }
  write_file(file, proto.SerializeAsString());
}

}  // namespace

SaveOptions like(const Model& model) {
  SaveOptions options{.inputs = model.inputs,
                      .outputs = model.outputs,
                      .scalars = model.scalars,
                      .form = model.form,
                      .metadata = model.metadata,
                      .external = model.external};
  if (model.opset >= kFirstWrittenOpset && model.opset <= last_opset()) options.opset = model.opset;
  return options;
}

void save(const std::filesystem::path& file, const Graph& graph, std::span<const Tensor> weights,
          const SaveOptions& options) {
  if (!options.fold) return write(file, graph, weights, options, 0);
  const Folded folded = fold_batch_norms(graph, weights);
  write(file, folded.graph, folded.weights, options, folded.count);
}

}  // namespace undying::onnx

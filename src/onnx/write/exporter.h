#ifndef UNDYING_ONNX_WRITE_EXPORTER_H_
#define UNDYING_ONNX_WRITE_EXPORTER_H_

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/write/writer.h"
#include "ops/operator.h"
#include "undying/graph.h"

namespace undying::onnx {

// The tensors a node owns, by the names the node gives them. `values`: of the graph's nodes.
std::vector<ops::ParameterSpec> owned_tensors(const Node& node, std::span<const ops::Value> values);

// What an operator needs to write one node.
class Exporter {
 public:
  Exporter(Writer& writer, const Graph& graph, const std::map<std::string, const Tensor*>& tensors,
           std::int64_t opset)
      : writer_(writer),
        graph_(graph),
        values_(ops::values(graph.nodes())),
        tensors_(tensors),
        opset_(opset),
        names_(graph.nodes().size()) {
    for (const Node& each : graph.nodes())
      alone_.push_back(
          !ops::is_input(each) &&
                  std::ranges::all_of(each.inputs, [&](int input) { return is_alone(input); })
              ? 1
              : 0);
  }

  std::int64_t opset() const { return opset_; }

  // Writes node number `index`; its output is called `name`.
  void write(int index, const std::string& name);
  void set_name(int index, const std::string& name) { names_[index] = name; }
  const std::string& name_of(int index) const { return names_[index]; }

  // Of the node at hand.
  const Node& node() const { return graph_.nodes()[at_]; }
  // A tensor has no batch; where all inputs are made of tensors alone, it is written as a batch of
  // one, as their results are.
  std::string input(std::size_t index = 0);
  const Shape& shape(std::size_t index = 0) const {
    return shape_of(node().inputs[index]);
  }  // of an input
  const Shape& result() const { return shape_of(at_); }
  bool is_constant(std::size_t index) const { return is_tensor(source(index)) && !is_alone(at_); }
  // Whether a node is made of tensors alone, and the same for every example.
  bool is_alone(int index) const { return alone_[index] != 0; }
  bool is_same_for_all(std::size_t index) const {
    return is_alone(node().inputs[index]) && !is_alone(at_);
  }
  static bool is_tensor(const Node& node) {
    return ops::traits_of(node).kind == ops::Kind::kTensor;
  }
  const Node& source(std::size_t index) const { return graph_.nodes()[node().inputs[index]]; }
  // Whether an input of the graph is written as whole numbers: where nothing but tables reads it.
  static bool is_written_whole(const Graph& graph, int input);
  bool is_whole(std::size_t index) const { return is_written_whole(graph_, node().inputs[index]); }
  // A tensor with dimensions of one example, repeated for each of the batch.
  std::string repeated(const std::string& tensor, const Shape& example);
  bool channels_first() const;  // units stand along the first dimension of an example, not the last
  const Tensor& tensor(std::size_t index) const;
  std::string parameter(std::size_t index) {
    const Tensor& own = tensor(index);
    const auto found = derived_.find(own.name);
    return found == derived_.end() ? writer_.tensor(own) : found->second;
  }
  // A tensor that is computed goes by the name of the value that is.
  void set_derived(const std::string& parameter, const std::string& value) {
    derived_[parameter] = value;
  }
  std::int64_t axis(std::int64_t example_axis, std::size_t rank) const;  // with the batch in front

  std::string add(const std::string& op, const std::vector<std::string>& inputs,
                  const Writer::Settings& settings = {}) {
    return writer_.add(op, inputs, settings);
  }
  std::vector<std::string> add_several(const std::string& op,
                                       const std::vector<std::string>& inputs, std::size_t outputs,
                                       const Writer::Settings& settings) {
    return writer_.add_several(op, inputs, outputs, settings);
  }
  std::string number(float value) { return writer_.floats({value}, {}); }
  std::string filled(float value, std::int64_t count) {
    return writer_.floats(std::vector<float>(static_cast<std::size_t>(count), value), {count});
  }
  std::string floats(const std::vector<float>& values) {
    return writer_.floats(values, {static_cast<std::int64_t>(values.size())});
  }
  std::string list(const std::vector<std::int64_t>& values) { return writer_.list(values); }
  std::string constant(const std::vector<float>& values) {
    return writer_.floats(values, result());
  }
  std::string reshape(const std::string& value, const Shape& shape);  // of an example
  // A tensor with one element a channel, as it meets an example of `rank` dimensions.
  std::string along_channels(const std::string& value, std::size_t rank);

  void note(const std::string& text) { ++notes_[text]; }
  const std::map<std::string, int>& notes() const { return notes_; }

 private:
  const Shape& shape_of(int index) const { return graph_.shapes()[index]; }

  Writer& writer_;
  const Graph& graph_;
  std::vector<ops::Value> values_;
  const std::map<std::string, const Tensor*>& tensors_;
  std::int64_t opset_;
  std::vector<std::string> names_;  // of the values of nodes that were written
  std::vector<char> alone_;
  std::map<std::string, std::string> derived_;
  std::map<std::string, int> notes_;
  int at_ = 0;
};

// How one operator of the engine is written: the name of the value it gives.
struct Export {
  std::string_view op;
  std::string (*write)(Exporter& exporter);
};
std::span<const Export> computing_exports();
std::span<const Export> arranging_exports();
std::string export_activation(Exporter& exporter);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_WRITE_EXPORTER_H_

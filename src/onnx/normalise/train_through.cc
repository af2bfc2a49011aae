#include "onnx/normalise/train_through.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "onnx/normalise/fold.h"

namespace undying::onnx {
namespace {

bool takes_values(std::string_view op) {
  constexpr std::array<std::string_view, 7> kOps = {"Add", "Sub", "Mul",  "Div",
                                                    "Max", "Min", "Where"};
  return std::ranges::find(kOps, op) != kOps.end();
}

class Through {
 public:
  explicit Through(Net& net) : net_(net) {
    for (std::size_t i = 0; i < net.operations.size(); ++i)
      for (const int id : net.operations[i].outputs)
        if (id >= 0) producers_[id] = i;
  }

  void run() {
    std::vector<Operation> sources;
    const std::size_t count = net_.operations.size();
    for (std::size_t i = 0; i < count; ++i) {
      const Operation& operation = net_.operations[i];
      const bool meets = takes_values(operation.op) && operation.problem.empty() &&
                         operation.outputs.size() == 1 &&
                         net_.value(operation.outputs[0]).constant == nullptr;
      for (std::size_t k = 0; meets && k < operation.inputs.size(); ++k)
        if (is_made_of_parameters(operation.inputs[k]))
          try_through(i, operation.inputs[k], sources);
    }
    net_.operations.insert(net_.operations.begin(), sources.begin(), sources.end());
    note_done();
  }

 private:
  // The operation whose result is known that gives a value; null: an initializer, or a value of
  // examples.
  const Operation* maker(int id) const {
    const auto found = producers_.find(id);
    if (id < 0 || net_.value(id).constant == nullptr || found == producers_.end()) return nullptr;
    const Operation& operation = net_.operations[found->second];
    return operation.op == "Constant" || operation.op == ".constant" ? nullptr : &operation;
  }

  // Computed from parameters; one that is moved alone is the parameter still.
  bool is_made_of_parameters(int id) const {
    const Operation* operation = maker(id);
    return operation != nullptr && net_.value(id).constant->origin.empty() &&
           !net_.value(id).constant->integer && depends(id);
  }

  bool depends(int id) const {
    const Operation* operation = maker(id);
    if (operation == nullptr) return false;
    const auto [found, fresh] = depends_.try_emplace(id, false);
    if (!fresh) return found->second;
    const bool any =
        !operation->origin.parameters.empty() ||
        std::ranges::any_of(operation->inputs, [&](int input) { return depends(input); });
    return depends_[id] = any;
  }

  // The operations from parameters to a value, as the file orders them.
  void collect(int id, std::set<std::size_t>& chain) const {
    if (!depends(id) || !chain.insert(producers_.at(id)).second) return;
    for (const int input : net_.operations[producers_.at(id)].inputs) collect(input, chain);
  }

  void try_through(std::size_t reader, int id, std::vector<Operation>& sources) {
    std::set<std::size_t> chain;
    collect(id, chain);
    const std::deque<Value> values = net_.values;
    std::map<std::size_t, Operation> operations;
    std::vector<Operation> added;
    for (const std::size_t i : chain) operations[i] = net_.operations[i];
    operations[reader] = net_.operations[reader];
    bool works = true;
    depends_.clear();  // of values that may be known no more
    for (const std::size_t i : chain) works = works && revive(net_.operations[i], added);
    if (works) shape_outputs(net_, net_.operations[reader]);
    if (works && net_.operations[reader].problem.empty()) {
      sources.insert(sources.end(), added.begin(), added.end());
      ++done_;
      return;
    }
    for (auto& [i, operation] : operations) net_.operations[i] = std::move(operation);
    net_.values = values;
  }

  // Its results are computed at run time again; where all it reads is known, the first that is no
  // parameter becomes a value.
  bool revive(Operation& operation, std::vector<Operation>& added) {
    for (const int id : operation.outputs)
      if (id >= 0) net_.value(id).constant = nullptr;
    const bool known = std::ranges::all_of(
        operation.inputs, [&](int id) { return id < 0 || net_.value(id).constant != nullptr; });
    if (known && !operation.inputs.empty() && operation.inputs[0] >= 0)
      operation.inputs[0] = value_of(operation, operation.inputs[0], added);
    shape_outputs(net_, operation);
    return operation.problem.empty();
  }

  int value_of(const Operation& reader, int constant, std::vector<Operation>& added) {
    const ConstantPtr known = net_.value(constant).constant;
    Operation source{
        .name = reader.name + ".value", .op = ".constant", .settings = {{".value", known}}};
    source.origin = reader.origin;
    source.outputs = {net_.add_value({.name = source.name})};
    shape_outputs(net_, source);
    added.push_back(source);
    return source.outputs[0];
  }

  void note_done() {
    if (done_ > 0)
      net_.notes.push_back(
          std::to_string(done_) +
          " values computed from parameters alone train through what computes them");
  }

  Net& net_;
  std::map<int, std::size_t> producers_;
  mutable std::map<int, bool> depends_;  // by value, until one of them changes
  int done_ = 0;
};

}  // namespace

void train_through(Net& net) {
  if (net.batch_axes > 0) Through(net).run();
}

}  // namespace undying::onnx

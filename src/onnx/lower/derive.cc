#include "onnx/lower/derive.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "onnx/normalise/fold.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

bool has_weights(std::string_view op) {
  constexpr std::array<std::string_view, 4> kOps = {"Conv", "ConvTranspose", "Gemm", "MatMul"};
  return std::ranges::find(kOps, op) != kOps.end();
}

class Weights {
 public:
  explicit Weights(Net& net) : net_(net) {
    find_parameters();
    made_.resize(net.values.size());
    for (std::size_t i = 0; i < net.operations.size(); ++i) follow(i);
  }

  void run() {
    const std::size_t count = net_.operations.size();
    for (std::size_t i = 0; i < count; ++i) {
      const Operation& operation = net_.operations[i];
      const bool reads = has_weights(operation.op) && operation.problem.empty() &&
                         operation.outputs.size() == 1 && operation.outputs[0] >= 0 &&
                         net_.value(operation.outputs[0]).constant == nullptr;
      for (std::size_t k = 0; reads && k < operation.inputs.size(); ++k)
        try_derive(operation.inputs[k]);
    }
    if (!reason_.empty())
      net_.notes.push_back(std::to_string(refused_) +
                           (refused_ == 1
                                ? " weight that is computed from parameters trains itself: "
                                : " weights that are computed from parameters train themselves: ") +
                           reason_);
  }

 private:
  // How a value came to be known.
  struct Made {
    int operation = -1;    // its producer
    bool derived = false;  // a parameter, or computed from one
  };

  const ConstantPtr& constant(int id) const { return net_.value(id).constant; }
  bool is_float(int id) const {
    return id >= 0 && constant(id) != nullptr && !constant(id)->integer;
  }
  bool is_derived(int id) const { return is_float(id) && made_[index(id)].derived; }
  bool is_leaf(int id) const { return is_derived(id) && made_[index(id)].operation < 0; }
  static std::size_t index(int id) { return static_cast<std::size_t>(id); }

  void find_parameters() {
    for (const Operation& operation : net_.operations)
      for (const std::string& name : operation.origin.parameters)
        if (std::ranges::find(operation.origin.buffers, name) == operation.origin.buffers.end())
          parameters_.insert(name);
  }

  // Initializers are parameters where the file says so.
  bool is_parameter(int id) const {
    return is_float(id) && constant(id)->count() > 0 && !constant(id)->origin.empty() &&
           (net_.ours || parameters_.contains(constant(id)->origin));
  }

  // In the order of the file, so that every input is known before its readers.
  void follow(std::size_t i) {
    const Operation& operation = net_.operations[i];
    const bool given = operation.op == "Constant" || operation.op == ".constant";
    bool derived = false;
    for (const int id : operation.inputs) {
      if (id >= 0 && made_[index(id)].operation < 0 && is_parameter(id))
        made_[index(id)].derived = true;
      derived = derived || is_derived(id);
    }
    for (const int id : operation.outputs)
      if (id >= 0) made_[index(id)] = {static_cast<int>(i), derived && !given && is_float(id)};
  }

  // One that is moved alone is the parameter still.
  void try_derive(int id) {
    if (!is_derived(id) || is_leaf(id) || !constant(id)->origin.empty() ||
        !tried_.insert(constant(id)).second)
      return;
    std::string reason = obstacle(id);
    if (reason.empty()) {
      Derivation derivation{.result = constant(id)};
      reason = copy(id, derivation);
      if (reason.empty()) return net_.derived.push_back(std::move(derivation));
    }
    if (reason_.empty()) reason_ = net_.value(id).name + ": " + reason;
    ++refused_;
  }

  // The operations from parameters to a value, as the file orders them.
  std::vector<int> chain_of(int id) const {
    std::set<int> chain;
    std::vector<int> open = {id};
    while (!open.empty()) {
      const int value = open.back();
      open.pop_back();
      if (!is_derived(value) || is_leaf(value)) continue;
      const int at = made_[index(value)].operation;
      if (!chain.insert(at).second) continue;
      for (const int input : net_.operations[index(at)].inputs) open.push_back(input);
    }
    return {chain.begin(), chain.end()};
  }

  // New weights fit no buffer that was made for the old ones, such as singular vectors. Each
  // derivation has its constants in its nodes.
  std::string obstacle(int id) {
    constexpr std::size_t kMost = 256;
    const std::vector<int> chain = chain_of(id);
    if (chain.size() > kMost) return "by more than " + std::to_string(kMost) + " operations";
    for (const int at : chain)
      for (const int input : net_.operations[index(at)].inputs) {
        if (!is_float(input) || is_derived(input)) continue;
        if (net_.fresh && constant(input)->count() > 1)
          return "it is drawn anew, and " + net_.value(input).name + " belongs to the old one";
        constants_ -= constant(input)->count();
      }
    return constants_ < 0 ? "with more constants than are kept beside weights" : "";
  }

  // Copies what computes a value. Returns why it cannot be said by our operators.
  std::string copy(int id, Derivation& derivation) {
    copies_.clear();
    for (const int at : chain_of(id)) {
      Operation operation = net_.operations[index(at)];
      if (unwrapped(operation, derivation)) continue;
      for (int& input : operation.inputs)
        if (is_derived(input)) input = copy_of(input, false, derivation);
      for (int& output : operation.outputs) {
        if (output < 0) continue;
        const int fresh = net_.add_value({.name = net_.value(output).name});
        copies_[output] = fresh;
        output = fresh;
      }
      shape_outputs(net_, operation);
      if (operation.problem.empty()) operation.problem = trains_others(operation);
      if (!operation.problem.empty()) return operation.op + " " + operation.problem;
      derivation.operations.push_back(std::move(operation));
    }
    derivation.value = copies_.at(id);
    const Shape& shape = net_.value(derivation.value).shape;
    return ops::element_count(shape) == derivation.result->count() ? "" : "in another shape";
  }

  int copy_of(int id, bool counts, Derivation& derivation) {
    if (!is_leaf(id)) return copies_.at(id);
    const auto [found, fresh] = copies_.emplace(id, -1);
    if (!fresh) return found->second;
    Operation source{
        .name = net_.value(id).name, .op = ".constant", .settings = {{".value", constant(id)}}};
    source.origin = {.parameters = {constant(id)->origin}, .known = true};
    source.outputs = {net_.add_value({.name = net_.value(id).name})};
    shape_outputs(net_, source);
    if (counts) net_.value(source.outputs[0]).examples = Examples::kCounted;
    derivation.operations.push_back(source);
    return found->second = source.outputs[0];
  }

  // What this program writes has a dimension of one example in front, put on behind each parameter
  // and taken off at the end.
  bool unwrapped(const Operation& operation, Derivation& derivation) {
    if (!net_.ours || net_.batch_axes == 0 || operation.inputs.size() != 2) return false;
    const int from = operation.inputs[0];
    const int axes = operation.inputs[1];
    if (axes < 0 || constant(axes) == nullptr || constant(axes)->integers != kFirst) return false;
    const int to = operation.outputs[0];
    if (operation.op == "Unsqueeze" && is_leaf(from)) {
      copies_[to] = copy_of(from, true, derivation);
      return true;
    }
    const auto found = copies_.find(from);
    if (operation.op != "Squeeze" || found == copies_.end() ||
        net_.value(found->second).examples != Examples::kCounted)
      return false;
    Operation same{.name = operation.name, .op = "Identity", .inputs = {found->second}};
    same.outputs = {net_.add_value({.name = net_.value(to).name})};
    shape_outputs(net_, same);
    net_.value(same.outputs[0]).examples = Examples::kNone;
    copies_[to] = same.outputs[0];
    derivation.operations.push_back(std::move(same));
    return true;
  }

  // Weights of its own would train beside the parameters.
  std::string trains_others(const Operation& operation) const {
    for (const Step& step : lower(net_, operation).steps) {
      if (step.op != "constant" && !step.owned.empty()) return "has weights of its own";
      if (ops::training_differs({"?", step.op, {}, step.attributes}, Precision::kFloat32))
        return "gives something else in training";
    }
    return "";
  }

  inline static const std::vector<Integer> kFirst = {{0, false}};

  Net& net_;
  std::set<std::string> parameters_;
  std::vector<Made> made_;
  std::set<ConstantPtr> tried_;
  std::map<int, int> copies_;                       // of values
  std::int64_t constants_ = std::int64_t{1} << 22;  // elements that may be kept, of all weights
  std::string reason_;                              // of the first that was refused
  int refused_ = 0;
};

}  // namespace

void derive_weights(Net& net) { Weights(net).run(); }

std::string leaf_of(const Derivation* derivation) {
  if (derivation == nullptr) return {};
  const std::string name = derivation->operations.front().origin.parameters.front();
  const std::string module =
      name.substr(0, std::min(name.find(".parametrizations."), name.rfind('.')));
  return module.empty() || module == name ? name : module + ".weight";
}

const Derivation* derivation_of(const Net& net, const ConstantPtr& constant) {
  const auto found = std::ranges::find(net.derived, constant, &Derivation::result);
  return found == net.derived.end() ? nullptr : &*found;
}

}  // namespace undying::onnx

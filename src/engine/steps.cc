#include "engine/steps.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "base/workers.h"
#include "onednn/gemm.h"
#include "ops/arrange/reorder.h"

namespace undying::engine {
namespace {

// Parameters from which a step is updated early: 1 MiB a gradient, where memory traffic begins to
// cost more than a meeting of the shards.
constexpr std::int64_t kLarge = 1 << 18;
// Of a pass that only adds gradients up: the fewer it holds the better.
constexpr std::int64_t kLargeFrozen = 1 << 14;

class Compiler {
 public:
  Compiler(Model& model, const CompileOptions& options, int shards)
      : model_(model), options_(options), shards_(shards), nodes_(model.graph().nodes()) {
    users_.resize(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      for (const int input : nodes_[i].inputs) users_[input].push_back(static_cast<int>(i));
    for (const int output : model.graph().outputs()) users_[output].push_back(-1);
    for (std::size_t i = 0; i < model.layers().size(); ++i)
      layer_of_[model.layers()[i].node] = static_cast<int>(i);
    value_of_.assign(nodes_.size(), -1);
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      for (const int index : model.parameters_of(static_cast<int>(i))) ++readers_[index];
  }

  Compiled run() {
    for (int i = 0; i < static_cast<int>(nodes_.size()); ++i) {
      if (ops::is_input(nodes_[i])) {
        value_of_[i] = add_value(model_.node_values()[i], -1);
        compiled_.inputs.push_back(value_of_[i]);
      } else if (!fused_.contains(i)) {
        add_step(i);
      }
    }
    for (const int output : model_.graph().outputs())
      compiled_.outputs.push_back(laid(value_of_[output], ops::Layout::kPlain));
    build_kernels();
    if (options_.training) mark_backward();
    return std::move(compiled_);
  }

 private:
  // A kernel that is still to be built.
  struct Wanted {
    std::size_t step;
    std::vector<ops::Value> src;
  };

  int add_value(const ops::Value& value, int producer) {
    compiled_.values.push_back({.value = value,
                                .size = ops::element_count(value.shape),
                                .producer = producer,
                                .consumers = {}});
    return static_cast<int>(compiled_.values.size()) - 1;
  }

  int add(Step step, const ops::Value& dst) {
    const int index = static_cast<int>(compiled_.steps.size());
    for (const int input : step.inputs) {
      auto& consumers = compiled_.values[input].consumers;
      if (consumers.empty() || consumers.back() != index) consumers.push_back(index);
    }
    step.output = add_value(dst, index);
    compiled_.steps.push_back(std::move(step));
    return compiled_.steps.back().output;
  }

  // The same value in that layout: itself, or the output of a reorder, which all who want it share.
  int laid(int index, ops::Layout layout) {
    const ops::Value from = compiled_.values[index].value;
    if (from.layout == layout || from.shape.size() < 2) return index;
    const auto [found, fresh] = reordered_.try_emplace(index, -1);
    if (fresh) {
      Step step{.kernel = ops::reorder_kernel(from, layout), .op = "reorder"};
      const int producer = compiled_.values[index].producer;
      step.name = producer < 0 ? "input" : compiled_.steps[producer].name;
      step.inputs = {index};
      found->second = add(std::move(step), {from.shape, layout});
    }
    return found->second;
  }

  // The node behind another, where it is of this kind and nothing else reads between the two.
  template <class Is>
  std::optional<int> alone_behind(int at, const Is& is) const {
    const auto& users = users_[at];
    if (options_.apart.contains(at) || users.size() != 1 || users[0] < 0 || !is(nodes_[users[0]]))
      return std::nullopt;
    return users[0];
  }

  void own(Step& step, int node) {
    for (const int index : model_.parameters_of(node)) {
      step.owned.push_back(index);
      step.parameters.push_back(model_.values(model_.parameters()[index]));
    }
  }

  void add_step(int at) {
    const Node& node = nodes_[at];
    const ops::Operator& row = ops::operator_named(node);
    const std::vector<ops::Value> src = ops::sources(node, model_.node_values());
    Step step{.name = node.name, .op = node.op, .node = at};
    for (std::size_t i = 0; i < src.size(); ++i)
      step.inputs.push_back(laid(value_of_[node.inputs[i]], src[i].layout));
    int last = at;
    own(step, at);
    if (const auto norm = alone_behind(at, ops::is_batch_norm);
        norm && row.folds_batch_norm && keeps_statistics() && same_layout(at, *norm)) {
      last = step.norm = *norm;
      fused_.insert(last);
      own(step, last);
      step.op += " + " + nodes_[last].op;
    }
    if (const auto follower = alone_behind(last, ops::activation_of);
        follower && row.fuses_activation) {
      last = step.follower = *follower;
      fused_.insert(last);
      own(step, last);
      step.op += " + " + ops::activation_of(nodes_[last])->specification();
    }
    if (const auto layer = layer_of_.find(last); layer != layer_of_.end())
      step.layer = layer->second;
    wanted_.push_back({.step = compiled_.steps.size(), .src = src});
    value_of_[last] = add(std::move(step), model_.node_values()[last]);
  }

  // A kernel may take milliseconds, in which code is made for its shape: they are shared out among
  // threads.
  void build_kernels() {
    std::atomic<std::size_t> next = 0;
    std::vector<std::exception_ptr> failures(wanted_.size());
    const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    Workers workers(std::min({shards_, cores, std::max(1, static_cast<int>(wanted_.size()))}));
    workers.run([&](int) {
      onednn::use_one_thread();
      for (std::size_t i = next++; i < wanted_.size(); i = next++) try {
          build_kernel(wanted_[i]);
        } catch (...) {
          failures[i] = std::current_exception();
        }
    });
    for (const std::exception_ptr& failure : failures)
      if (failure != nullptr) std::rethrow_exception(failure);
  }

  void build_kernel(const Wanted& wanted) {
    Step& step = compiled_.steps[wanted.step];
    step.kernel = ops::operator_named(nodes_[step.node])
                      .plan({.node = nodes_[step.node],
                             .src = wanted.src,
                             .dst = model_.node_values()[step.node],
                             .norm = step.norm < 0 ? nullptr : &nodes_[step.norm],
                             .follower = step.follower < 0 ? nullptr : &nodes_[step.follower],
                             .training = options_.training,
                             .frozen = options_.frozen,
                             .exact = options_.exact.contains(step.node),
                             .precision = options_.precision,
                             .rows = options_.capacity,
                             .shards = shards_,
                             .shares = shares(step)});
  }

  bool shares(const Step& step) const {
    return std::ranges::any_of(step.owned, [&](int index) {
      const Parameter& parameter = model_.parameters()[index];
      return readers_.at(index) > 1 || parameter.derived >= 0 || parameter.leaf;
    });
  }

  // Where a batch norm is an affine map: it may be part of the product before it.
  bool keeps_statistics() const { return !options_.training || options_.frozen; }

  // Behind a linear layer over rows they differ: the channels that a batch norm sees there are its
  // positions.
  bool same_layout(int a, int b) const {
    return model_.node_values()[a].layout == model_.node_values()[b].layout;
  }

  bool has_trained(const Step& step) const {
    return std::ranges::any_of(step.owned,
                               [&](int index) { return model_.parameters()[index].trained; });
  }

  // A step has a part in the backward pass where a gradient reaches it from the first output and
  // somebody at or before it learns.
  void mark_backward() {
    for (Step& step : compiled_.steps) {
      bool wanted = has_trained(step);
      for (const int input : step.inputs) wanted = wanted || compiled_.values[input].wanted;
      compiled_.values[step.output].wanted = wanted;
    }
    std::vector<bool> reached(compiled_.values.size(), false);
    reached[compiled_.outputs[0]] = true;
    std::map<int, int> users;  // of parameters
    for (auto step = compiled_.steps.rbegin(); step != compiled_.steps.rend(); ++step) {
      const auto output = static_cast<std::size_t>(step->output);
      step->backward = reached[output] && compiled_.values[output].wanted;
      step->trains = step->backward && has_trained(*step);
      for (const int index : step->owned) ++users[index];
      if (!step->backward) continue;
      for (const int input : step->inputs) reached[input] = true;
    }
    for (Step& step : compiled_.steps) {
      std::int64_t size = 0;
      bool alone = true;
      for (const int index : step.owned) {
        const Parameter& parameter = model_.parameters()[index];
        if (parameter.trained) size += parameter.size;
        // What it is derived from, or what is derived from it, comes after all of its gradient.
        alone = alone && users[index] <= 1 &&
                (options_.frozen || (parameter.derived < 0 && !parameter.leaf));
      }
      step.early_update = options_.early_updates && step.trains && alone &&
                          size >= (options_.frozen ? kLargeFrozen : kLarge);
    }
  }

  Model& model_;
  const CompileOptions& options_;
  int shards_;
  const std::vector<Node>& nodes_;
  std::vector<std::vector<int>> users_;  // nodes; -1: an output of the graph
  std::map<int, int> layer_of_;
  std::vector<int> value_of_;   // by node
  std::map<int, int> readers_;  // nodes, by parameter
  std::set<int> fused_;
  std::map<int, int> reordered_;
  std::vector<Wanted> wanted_;
  Compiled compiled_;
};

}  // namespace

Compiled compile(Model& model, const CompileOptions& options, int shards) {
  return Compiler(model, options, shards).run();
}

}  // namespace undying::engine

#ifndef UNDYING_ENGINE_DERIVATIONS_H_
#define UNDYING_ENGINE_DERIVATIONS_H_

// Parameters that are computed from others (Graph::derived): a weight from its direction and its
// length. What computes one is a small graph of our operators, which runs as a plan of one row.
// Whatever reads the parameter finds it in its place in the model, always as its leaves give it;
// its gradient, summed over the shards in their order, goes back through that plan to the leaves,
// which the optimizer moves. Invariant: nothing here depends on threads.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/model.h"
#include "engine/plan.h"

namespace undying::engine {

// Of one step, of a derived parameter: sums of squares of its gradient, of what the step added to
// it, and of itself before.
struct DerivedNorms {
  int parameter = 0;
  double gradient = 0.0;
  double update = 0.0;
  double weight = 0.0;
};

// One of them.
class Derivation {
 public:
  Derivation(const Model& model, int parameter);

  int parameter() const { return norms_.parameter; }
  const DerivedNorms& norms() const { return norms_; }

  // Computes the parameter from its leaves.
  void derive(Model& model);
  // Takes the parameter's gradient to the leaves. `gradients`: of each shard, which are summed in
  // this order.
  void pull_back(const Model& model, std::span<const float* const> gradients);
  // Of a parameter of the model, what the last call left; null: it is no leaf of this one.
  const float* gradient(int parameter) const;

  // Sets the leaves so that they give the values that the parameter has, as far as they can: the
  // one of its own shape becomes these values, the others are scaled.
  void settle(Model& model);

 private:
  struct Leaf {
    int outer, inner;  // parameters
  };
  void load(const Model& model);
  void forward();
  void scale_leaves(Model& model, const std::vector<float>& wanted);

  Model inner_;
  Plan plan_;
  std::vector<Leaf> leaves_;
  std::int64_t size_ = 0;
  DerivedNorms norms_;
};

// All of a model, in the order of its parameters.
std::vector<std::unique_ptr<Derivation>> derivations_of(const Model& model);

// After values were set from outside: computes all that is computed.
void derive(Model& model);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_DERIVATIONS_H_

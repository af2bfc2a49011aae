#ifndef UNDYING_DOCTOR_DIAGNOSE_RECURRENT_H_
#define UNDYING_DOCTOR_DIAGNOSE_RECURRENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/runner.h"
#include "undying/doctor.h"

namespace undying::doctor {

// A recurrent layer, and how its tensors are arranged.
struct RecurrentLayer {
  int node = 0;
  std::int64_t inputs = 0, hidden = 0, directions = 1, positions = 0;
  std::int64_t rows = 0;   // of the output, which may hold the last cells, too
  std::int64_t width = 0;  // numbers of a direction that stand before its activations
  bool reverse = false;
  std::vector<std::string> gates;  // of a sigmoid, as the weights have them from the front

  std::int64_t units() const { return directions * hidden; }
  // Where step number `step` of a direction stands.
  std::int64_t at(std::int64_t d, std::int64_t step) const { return reverse || d == 1 ? positions - 1 - step : step; }
};

// The hidden units and gates of every rnn, lstm and gru, in forward order, seen while a pass runs: a unit is a hidden unit over all steps
// of all examples, and gates are computed again from what goes into the layer and what comes out.
class RecurrentObserver final : public engine::Observer {
 public:
  RecurrentObserver(const engine::Model& model, double eps);

  bool is_there() const { return !layers_.empty(); }
  void begin(const engine::Plan& plan) override;
  void after(const engine::Chunk& chunk, int step) override;

  std::vector<RecurrentDiagnosis> judge() const;

 private:
  struct Tally {
    std::vector<double> closed, open, sum;  // steps at 0, at 1, and of the gate's values
  };
  struct Census {
    std::int64_t n = 0;
    std::vector<double> largest, sum, flat;  // of |h|, and steps on which tanh has no slope
    std::vector<Tally> tallies;              // by gate
    std::vector<float> before, z;
  };

  Census empty(const RecurrentLayer& layer) const;
  void see(const RecurrentLayer& layer, const ops::Pass& pass, std::int64_t row, Census& census) const;
  void see_states(const RecurrentLayer& layer, const float* out, std::int64_t d, Census& census) const;
  void see_gates(const RecurrentLayer& layer, const ops::Pass& pass, std::int64_t row, std::int64_t d, Census& census) const;
  void count(float z, std::size_t unit, Tally& tally) const;
  Census total(std::size_t layer) const;

  const engine::Model& model_;
  double eps_;
  std::vector<RecurrentLayer> layers_;
  const engine::Plan* plan_ = nullptr;
  std::vector<std::vector<Census>> lanes_;  // by lane and layer
};

// Adds what is wrong with them.
void find_in_recurrent(const engine::Model& model, const Diagnosis& diagnosis, std::vector<Finding>& findings);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_RECURRENT_H_

#ifndef UNDYING_DOCTOR_REPLAY_PREACTIVATION_H_
#define UNDYING_DOCTOR_REPLAY_PREACTIVATION_H_

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "doctor/replay/shares.h"
#include "engine/passes/runner.h"
#include "undying/dataset.h"

// What the units of a layer read, z, over rows of a data set, by a network whose tensors may be
// those of different steps of a run.
namespace undying::doctor {

// The numbers of a network after a step of its training.
struct Snapshot {
  std::int64_t step = 0;
  std::vector<float> trained;
  std::vector<float> statistics;
};
Snapshot snapshot(engine::Model& model, std::int64_t step);

// Of z of one unit, over rows and positions, in evaluation mode.
struct Range {
  double largest = -std::numeric_limits<double>::infinity();
  double least = std::numeric_limits<double>::infinity();
  double sum = 0.0;
  std::int64_t fired = 0;  // with z above the firing threshold
  std::int64_t n = 0;
  std::int64_t row = -1;  // in the data set, where it is the largest

  double mean() const { return sum / static_cast<double>(n); }
  bool silent() const { return fired == 0; }
  void add(const Range& other);  // that of other rows
};

// Of each part, whose numbers it has.
using Mix = std::array<const Snapshot*, kParts>;
inline Mix all_of(const Snapshot& snapshot) { return {&snapshot, &snapshot, &snapshot, &snapshot}; }

// The network up to the pre-activations of one layer. Its tensors are of parts: those that z reads
// without another activation, or other weights, in between are its weights and bias (scale and
// shift of a norm among them), and the running statistics of such a norm; all others lie below.
class Preactivation {
 public:
  // `network`: of which the snapshots are; it must outlive this. What is found depends on the
  // lanes, never on the threads.
  Preactivation(const engine::Model& network, std::size_t layer, int lanes, int threads);

  // Why z is not taken apart; empty: it is.
  const std::string& obstacle() const { return obstacle_; }
  // The parts that it has, in order.
  const std::vector<Part>& parts() const { return parts_; }

  // A unit each, over these rows of the data.
  std::vector<Range> measure(const Mix& mix, const Dataset& data,
                             std::span<const std::uint32_t> rows);

 private:
  struct Tensor {
    int here = 0;   // its index in the part of the network
    int there = 0;  // in the whole
    Part part = Part::kBelow;
  };
  void sort_tensors();

  const engine::Model& network_;
  const engine::Layer& layer_;
  std::string obstacle_;
  std::unique_ptr<engine::Model> model_;  // as far as z; its output is z
  std::vector<Tensor> tensors_;
  std::vector<Part> parts_;
  std::unique_ptr<engine::Runner> runner_;
};

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REPLAY_PREACTIVATION_H_

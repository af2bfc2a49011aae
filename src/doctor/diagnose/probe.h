#ifndef UNDYING_DOCTOR_DIAGNOSE_PROBE_H_
#define UNDYING_DOCTOR_DIAGNOSE_PROBE_H_

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/model.h"
#include "engine/plan.h"
#include "undying/dataset.h"

namespace undying::doctor {

// Values of some nodes of a network as it evaluates, plain whatever the layout they are computed in.
class Probe {
 public:
  // Takes a copy of the model's values. `nodes`: which are watched.
  Probe(const engine::Model& model, const std::vector<int>& nodes);

  // `values[i]` is (rows, elements of nodes[i]); `first` counts from the first of `examples`.
  using Visit = std::function<void(std::int64_t first, std::int64_t rows, std::span<const float* const> values)>;
  void run(const Dataset& data, std::span<const std::uint32_t> examples, const Visit& visit);

 private:
  engine::Model model_;
  std::unique_ptr<engine::Plan> plan_;
};

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_PROBE_H_

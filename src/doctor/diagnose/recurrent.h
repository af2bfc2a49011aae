#ifndef UNDYING_DOCTOR_DIAGNOSE_RECURRENT_H_
#define UNDYING_DOCTOR_DIAGNOSE_RECURRENT_H_

#include <cstdint>
#include <vector>

#include "engine/model.h"
#include "engine/passes/runner.h"
#include "undying/doctor.h"

namespace undying::doctor {

inline std::size_t place(std::int64_t i) { return static_cast<std::size_t>(i); }

class RecurrentCensus;

// Of every rnn, lstm and gru, in forward order: a unit is a hidden unit over all steps of all
// examples; its gates are computed again, from what goes into the layer and what comes out.
class RecurrentObserver final : public engine::PassObserver {
 public:
  RecurrentObserver(const engine::Model& model, double eps);
  ~RecurrentObserver() override;

  bool looks() const { return !nodes_.empty(); }
  void begin(const engine::Plan& plan) override;
  void after(const engine::Chunk& chunk, int step) override;

  std::vector<RecurrentDiagnosis> judge() const;

 private:
  const engine::Model& model_;
  double eps_;
  std::vector<int> nodes_;
  const engine::Plan* plan_ = nullptr;
  std::vector<std::vector<RecurrentCensus>> lanes_;  // by lane and node
};

// Adds what is wrong with them.
void find_in_recurrent(const engine::Model& model, const Diagnosis& diagnosis,
                       std::vector<Finding>& findings);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_RECURRENT_H_

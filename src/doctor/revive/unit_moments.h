#ifndef UNDYING_DOCTOR_REVIVE_UNIT_MOMENTS_H_
#define UNDYING_DOCTOR_REVIVE_UNIT_MOMENTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "doctor/pass_log.h"
#include "engine/model.h"
#include "undying/dataset.h"

namespace undying::doctor {

// An evenly spaced sample of a data set, and what it may be walked over with.
struct Sampled {
  const Dataset* data = nullptr;
  std::int64_t most = 2048;  // examples
  int threads = 1;
  std::int64_t memory = 0;    // bytes that the buffers of a walk may take; 0: no bound
  PassLog* passes = nullptr;  // where walks are counted

  std::int64_t examples() const;
};

// Of what each unit of a node gives over a sample and all positions.
class UnitMoments {
 public:
  explicit UnitMoments(std::int64_t units)
      : sums_(static_cast<std::size_t>(units)), squares_(sums_.size()) {}

  void add(const float* values, std::int64_t lines);  // (lines, units)
  void add(const UnitMoments& other);

  std::int64_t units() const { return std::ssize(sums_); }
  double mean(std::int64_t unit) const { return sums_[unit] / static_cast<double>(lines_); }
  double variance(std::int64_t unit) const;

 private:
  std::vector<double> sums_, squares_;
  std::int64_t lines_ = 0;
};

using NodeMeans = std::map<int, std::vector<double>>;  // by node and unit

// Goes with the sample from node to node, in one pass over it, made for `what`. At each, `settle`
// is told what its units give and may change parameters; it returns what that adds to what this
// node's units give, or nothing.
void walk(const char* what, engine::Model& model, const std::vector<int>& nodes,
          const Sampled& sampled,
          const std::function<std::vector<float>(int node, const UnitMoments& moments)>& settle);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REVIVE_UNIT_MOMENTS_H_

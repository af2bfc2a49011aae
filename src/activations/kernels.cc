// Chooses the kernels of an activation for the machine at hand.

#include "activations/kernels.h"

#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "activations/kernels.cc"
#include <hwy/foreach_target.h>  // keep before the other vector headers
#include <hwy/highway.h>

#include "activations/targets.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

ForwardFunction forward_of(int index);    // forward.cc
BackwardFunction backward_of(int index);  // backward.cc
CensusFunction census_of(int index);      // census.cc

inline std::vector<Kernels> all_kernels() {
  std::vector<Kernels> all;
  for (int i = 0; i < static_cast<int>(activation_family().size()); ++i)
    all.push_back({forward_of(i), backward_of(i), census_of(i)});
  return all;
}

const Kernels& kernels_of(int index) {
  static const std::vector<Kernels> kAll = all_kernels();
  return kAll[index];
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying::activations {

HWY_EXPORT(kernels_of);

const Kernels& kernels(const Activation& activation) {
  return HWY_DYNAMIC_DISPATCH(kernels_of)(activation.index());
}

}  // namespace undying::activations
#endif  // HWY_ONCE

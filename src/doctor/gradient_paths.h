#ifndef UNDYING_DOCTOR_GRADIENT_PATHS_H_
#define UNDYING_DOCTOR_GRADIENT_PATHS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "undying/graph.h"

namespace undying::doctor {

// How much of a network gets no gradient of its outputs, because on every way to it there is an
// operator that passes none.
struct GradientPaths {
  std::int64_t trained = 0;       // numbers that could be trained
  std::int64_t unreached = 0;     // of those
  std::vector<std::size_t> cuts;  // nodes where their ways end, the nearest to the end first

  bool none() const { return trained > 0 && unreached == trained; }
};
GradientPaths gradient_paths(const Graph& graph);

// "no gradient reaches any of 1234 numbers that could be trained: none goes back through arg_max
// answer"
std::string no_gradient_text(const Graph& graph, const GradientPaths& paths);

// Throws Error{kUnsupported} where a network has numbers to train and none gets a gradient.
void check_gradient(const Graph& graph);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_GRADIENT_PATHS_H_

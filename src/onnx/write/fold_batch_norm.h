#ifndef UNDYING_ONNX_WRITE_FOLD_BATCH_NORM_H_
#define UNDYING_ONNX_WRITE_FOLD_BATCH_NORM_H_

#include <span>
#include <vector>

#include "undying/dataset.h"
#include "undying/graph.h"

namespace undying::onnx {

struct Folded {
  Graph graph;
  std::vector<Tensor> weights;
  int count = 0;  // batch norms that are gone
};

// The same function in evaluation, with batch norms multiplied into the weights and biases of the
// linear or convolution before them. One stays where another node reads what is before it, where it
// is an output, where the weights are shared, or where a tensor is missing or does not fit, which
// is for the writer to say.
Folded fold_batch_norms(const Graph& graph, std::span<const Tensor> weights);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_WRITE_FOLD_BATCH_NORM_H_

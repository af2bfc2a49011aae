#ifndef UNDYING_ONNX_RUN_H_
#define UNDYING_ONNX_RUN_H_

#include <cstdint>
#include <vector>

#include "engine/model.h"
#include "undying/onnx.h"

namespace undying::onnx {

// Gives a network the tensors of a model.
void set_weights(engine::Model& to, const Model& from);

// Tensors that are computed from others become what those give: to the bit what training has.
void derive(Model& model);

// The outputs of a model in evaluation, each (rows, example), from its inputs, each (rows,
// example).
std::vector<std::vector<float>> evaluate(const Model& model,
                                         const std::vector<std::vector<float>>& inputs,
                                         std::int64_t rows);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_RUN_H_

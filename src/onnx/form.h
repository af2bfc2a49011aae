#ifndef UNDYING_ONNX_FORM_H_
#define UNDYING_ONNX_FORM_H_

#include <optional>
#include <string>

#include "onnx/read/read.h"
#include "undying/dataset.h"
#include "undying/graph.h"

namespace undying::onnx {

// How data becomes a network's inputs and outputs become answers, inside an ONNX file: operators
// Sub and Div before the network, Mul and Add behind it, and the whole as JSON in the file's
// metadata.

// Puts it around a graph as it was written, one input and one output. Inputs are of shape `input`,
// outputs of shape `output`.
void add_form(pb::ModelProto& model, const DataForm& form, const Shape& input, const Shape& output);

// Takes it off again, so that the network is the one that was trained. Nothing, and the model as it
// was, where the file has no form, or its operators are not where the form says.
std::optional<DataForm> take_form(pb::ModelProto& model);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_FORM_H_

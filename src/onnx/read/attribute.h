#ifndef UNDYING_ONNX_READ_ATTRIBUTE_H_
#define UNDYING_ONNX_READ_ATTRIBUTE_H_

#include <string>

#include "onnx/net.h"
#include "onnx/read/tensor.h"

namespace undying::onnx {

// A name as the file has it. Those with control characters would make messages unreadable, and no
// exporter writes them.
const std::string& checked(const std::string& name);

// Gives an operation what an attribute of its node says; one that cannot be read becomes its
// problem. Throws Error{kBadData}.
void add_attribute(Operation& operation, TensorReader& tensors, pb::AttributeProto& attribute);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_READ_ATTRIBUTE_H_

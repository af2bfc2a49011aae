#ifndef UNDYING_ONNX_LOWER_DERIVE_H_
#define UNDYING_ONNX_LOWER_DERIVE_H_

#include <functional>
#include <string>
#include <vector>

#include "onnx/lower/lower.h"
#include "onnx/net.h"
#include "undying/node.h"

namespace undying::onnx {

// Weights of layers that are computed from parameters alone, by weight or spectral normalisation or
// as standardised ones, were folded to constants. Finds them, and what computes them
// (Net::derived), where the file tells its parameters and our operators can say it. The others stay
// weights that train themselves, which is noted. To be called once everything is folded, before
// operations whose results are known are dropped.
void derive_weights(Net& net);

// The derivation of a constant; null: it has none.
const Derivation* derivation_of(const Net& net, const ConstantPtr& constant);

// The name of a parameter that it is computed from, as one of the layer that reads it: fc.weight
// for "fc.parametrizations.weight.original0"; "" of null.
std::string leaf_of(const Derivation* derivation);

// What names the tensor that a step owns.
using NameTensor =
    std::function<std::string(const Operation& operation, const Owned& owned, const std::string&)>;

// The nodes that compute a tensor, as Derived has them. `name`: of the layer that owns it.
std::vector<Node> nodes_of(const Net& net, const Derivation& derivation, const Owned& owned,
                           const std::string& name, const NameTensor& name_tensor);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_LOWER_DERIVE_H_

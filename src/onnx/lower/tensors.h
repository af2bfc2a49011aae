#ifndef UNDYING_ONNX_LOWER_TENSORS_H_
#define UNDYING_ONNX_LOWER_TENSORS_H_

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "onnx/lower/lower.h"
#include "onnx/names.h"
#include "undying/dataset.h"

namespace undying::onnx {

// Tensors by name. Steps that own the same elements of the same initializer, in the same form,
// share one tensor.
class Tensors {
 public:
  // `parameter`: the name of the tensor where the network was made, which tells equal tensors apart
  // that an exporter has merged; "": unknown.
  std::string add(const Owned& owned, const std::string& node, const std::string& parameter,
                  bool alone);
  // One that is computed from others, whose names are taken.
  std::string add_computed(const Owned& owned, const std::string& node);

  std::vector<Tensor> take() { return std::move(all_); }

 private:
  // By its origin, or else as the object it is, which the key keeps alive: an address of one that
  // is gone is soon another's.
  using Key = std::tuple<std::string, ConstantPtr, bool, float, Shape, bool>;

  std::map<Key, std::string> names_;
  std::vector<Tensor> all_;
  UniqueNames unique_;
};

// The elements of a tensor that a step owns.
std::vector<float> elements_of(const Owned& owned);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_LOWER_TENSORS_H_

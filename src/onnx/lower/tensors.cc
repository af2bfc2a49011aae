#include "onnx/lower/tensors.h"

namespace undying::onnx {

std::string Tensors::add(const Owned& owned, const std::string& node, const std::string& parameter,
                         bool alone) {
  const Constant& constant = *owned.constant;
  const bool as_in_file = constant.transposed == owned.transpose && owned.scale == 1.0f;
  const std::string origin = !parameter.empty()                  ? "=" + parameter
                             : alone && !constant.origin.empty() ? node + "=" + owned.role
                                                                 : constant.origin;
  const ConstantPtr nameless = origin.empty() ? owned.constant : nullptr;
  const Key key{origin,      nameless,    constant.transposed != owned.transpose,
                owned.scale, owned.shape, owned.trained};
  const auto known = names_.find(key);
  if (known != names_.end()) return known->second;
  const bool named = as_in_file && is_presentable(constant.origin) && !alone;
  const bool by_parameter = !parameter.empty() && owned.scale == 1.0f;
  std::string name = unique_.take(by_parameter ? parameter
                                  : named      ? constant.origin
                                               : node + "." + owned.role);
  names_.emplace(key, name);
  all_.push_back({name, owned.shape, elements_of(owned)});
  return name;
}

std::string Tensors::add_computed(const Owned& owned, const std::string& node) {
  const std::string usual = node + "." + owned.role;
  std::string name =
      unique_.take(unique_.is_free(usual) ? usual : node + ".computed_" + owned.role);
  all_.push_back({name, owned.shape, elements_of(owned)});
  return name;
}

std::vector<float> elements_of(const Owned& owned) {
  std::vector<float> values = owned.constant->floats;
  if (owned.transpose) {
    const auto rows = static_cast<std::size_t>(owned.shape[0]);
    const auto columns = static_cast<std::size_t>(owned.shape[1]);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        values[i * columns + j] = owned.constant->floats[j * rows + i];
  }
  if (owned.scale != 1.0f)
    for (float& value : values) value *= owned.scale;
  return values;
}

}  // namespace undying::onnx

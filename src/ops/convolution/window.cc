#include "ops/convolution/window.h"

#include <algorithm>

namespace undying::ops {
namespace {

using Ints = std::vector<std::int64_t>;

// An attribute with one entry a dimension, or `otherwise` for all.
Ints per_dimension(const Node& node, const char* name, std::size_t count, std::int64_t otherwise,
                   std::int64_t lowest) {
  Ints values = node.attributes.get_or<Ints>(name, Ints(count, otherwise));
  if (values.size() != count)
    reject(node, std::string(name) + " " + to_string(values) + " has " +
                     std::to_string(values.size()) + " entries; expected " + std::to_string(count));
  for (const std::int64_t value : values)
    if (value < lowest)
      reject(node, std::string(name) + " " + to_string(values) + " has an entry below " +
                       std::to_string(lowest));
  return values;
}

// ONNX: the output has ceil(extent / stride) entries; what is missing is split, the odd one at the
// end (upper) or at the front (lower).
void pad_to_same(Window& window, const Shape& src, bool upper) {
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    const std::int64_t extent = src[i + 1];
    const std::int64_t count = (extent + window.strides[i] - 1) / window.strides[i];
    const std::int64_t missing =
        std::max<std::int64_t>(0, (count - 1) * window.strides[i] + reach(window, i) - extent);
    window.begins[i] = upper ? missing / 2 : missing - missing / 2;
    window.ends[i] = missing - window.begins[i];
  }
}

}  // namespace

Window window_of(const Node& node, const Shape& src) {
  if (src.size() < 2 || src.size() > 4)
    reject(node, "src " + to_string(src) +
                     " is not an image; expected (C, L), (C, H, W) or (C, D, H, W)");
  const std::size_t count = src.size() - 1;
  if (!node.attributes.has("kernel"))
    reject(node, "has no kernel; expected one extent a dimension");
  Window window;
  window.kernel = per_dimension(node, "kernel", count, 1, 1);
  window.strides = per_dimension(node, "strides", count, 1, 1);
  window.dilations = per_dimension(node, "dilations", count, 1, 1);
  const Ints pads = per_dimension(node, "pads", 2 * count, 0, 0);
  window.begins.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(count));
  window.ends.assign(pads.begin() + static_cast<std::ptrdiff_t>(count), pads.end());
  const std::string mode = node.attributes.get_or<std::string>("auto_pad", "notset");
  if (mode == "same_upper" || mode == "same_lower") {
    pad_to_same(window, src, mode == "same_upper");
  } else if (mode == "valid") {
    window.begins.assign(count, 0);
    window.ends.assign(count, 0);
  } else if (mode != "notset") {
    reject(node, "auto_pad \"" + mode +
                     "\" is not known; expected notset, same_upper, same_lower or valid");
  }
  return window;
}

std::int64_t reach(const Window& window, std::size_t i) {
  return (window.kernel[i] - 1) * window.dilations[i] + 1;
}

std::int64_t fits(const Node& node, const Window& window, const Shape& src, std::size_t i,
                  bool ceil) {
  const std::int64_t extent = src[i + 1];
  const std::int64_t room = extent + window.begins[i] + window.ends[i] - reach(window, i);
  if (room < 0)
    reject(node, "src " + to_string(src) + " is too small for kernel " + to_string(window.kernel) +
                     ": extent " + std::to_string(extent) + " with padding is below " +
                     std::to_string(reach(window, i)));
  if (!ceil) return room / window.strides[i] + 1;
  const std::int64_t count = (room + window.strides[i] - 1) / window.strides[i] + 1;
  return (count - 1) * window.strides[i] >= extent + window.begins[i] ? count - 1 : count;
}

}  // namespace undying::ops

#include "data/axes.h"

#include <algorithm>

namespace undying::data {
namespace {

// dst (inner, outer) of src (outer, inner), for every example.
template <class T>
void transpose(std::vector<T>& all, std::int64_t size, std::int64_t outer, std::int64_t inner) {
  std::vector<T> example(static_cast<std::size_t>(outer * inner));
  for (std::int64_t e = 0; e < size && !all.empty(); ++e) {
    T* values = all.data() + e * outer * inner;
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t i = 0; i < inner; ++i) example[i * outer + o] = values[o * inner + i];
    std::copy(example.begin(), example.end(), values);
  }
}

}  // namespace

void move_axis(Dataset& data, Move move) {
  if (move == Move::kNone || data.shape.size() < 2) return;
  const std::int64_t moved = move == Move::kLastToFront ? data.shape.back() : data.shape.front();
  const std::int64_t outer = move == Move::kLastToFront ? data.features() / moved : moved;
  transpose(data.bytes, data.size, outer, data.features() / outer);
  transpose(data.values, data.size, outer, data.features() / outer);
  const auto middle = move == Move::kLastToFront ? data.shape.end() - 1 : data.shape.begin() + 1;
  std::rotate(data.shape.begin(), middle, data.shape.end());
}

void fit_to(Dataset& data, const NetworkInterface& network, bool images) {
  if (network.inputs.size() != 1 || network.outputs.size() != 1) return;
  const std::vector<std::int64_t>& input = network.inputs[0].shape;
  std::vector<std::int64_t> last = data.shape;
  std::rotate(last.begin(), last.begin() + 1, last.end());
  if (images && input.size() == 3 && last == input && data.shape != input)
    move_axis(data, Move::kFirstToEnd);
  if (data.classes > 0 && data.class_names.empty())
    data.classes = std::max(data.classes, network.outputs[0].width);
}

}  // namespace undying::data

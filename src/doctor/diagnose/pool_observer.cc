// Units that fire but never win the max pool behind them: nothing of what they compute goes on,
// though they are not dead.

#include <algorithm>

#include "doctor/diagnose/layer_outputs.h"
#include "ops/convolution/window.h"

namespace undying::doctor {
namespace {

using Elements = std::vector<std::int64_t>;

// The places along an axis that each window covers.
std::vector<Elements> places_of(const Node& node, const ops::Window& window, const Shape& src,
                                std::size_t axis) {
  const bool ceil = node.attributes.get_or<std::int64_t>("ceil_mode", 0) != 0;
  std::vector<Elements> all(static_cast<std::size_t>(ops::fits(node, window, src, axis, ceil)));
  for (std::size_t o = 0; o < all.size(); ++o)
    for (std::int64_t k = 0; k < window.kernel[axis]; ++k) {
      const std::int64_t at = static_cast<std::int64_t>(o) * window.strides[axis] -
                              window.begins[axis] + k * window.dilations[axis];
      if (at >= 0 && at < src[axis + 1]) all[o].push_back(at);
    }
  return all;
}

// The positions that each window covers, of (L) or (H, W).
std::vector<Elements> planes_of(const Node& node, const Shape& src) {
  const std::int64_t positions = ops::element_count(src) / src[0];
  if (!node.attributes.has("kernel")) {  // global
    std::vector<Elements> all(1);
    for (std::int64_t i = 0; i < positions; ++i) all[0].push_back(i);
    return all;
  }
  const ops::Window window = ops::window_of(node, src);
  const std::vector<Elements> rows =
      src.size() == 3 ? places_of(node, window, src, 0) : std::vector<Elements>{{0}};
  std::vector<Elements> all;
  for (const Elements& row : rows)
    for (const Elements& column : places_of(node, window, src, src.size() - 2)) {
      Elements& plane = all.emplace_back();
      for (const std::int64_t y : row)
        for (const std::int64_t x : column) plane.push_back(y * src.back() + x);
    }
  return all;
}

// The elements of a (C, ...) value of one example that each window covers.
std::vector<Elements> windows_of(const Node& node, const Shape& src) {
  const std::int64_t positions = ops::element_count(src) / src[0];
  const std::vector<Elements> planes = planes_of(node, src);
  std::vector<Elements> all;
  for (std::int64_t channel = 0; channel < src[0]; ++channel)
    for (const Elements& plane : planes) {
      Elements& elements = all.emplace_back(plane);
      for (std::int64_t& element : elements) element += channel * positions;
    }
  return all;
}

// Whether each window of the pool lies within one unit: its channels are the units, each at all of
// its positions.
bool pools_units_apart(const engine::Model& model, const engine::Layer& layer, const Shape& src) {
  return src.size() > 1 && src.front() == layer.units &&
         element_of(model, layer, layer.units - 1, 0) == (layer.units - 1) * layer.positions;
}

}  // namespace

PoolObserver::PoolObserver(const engine::Model& model, std::size_t l, int pool)
    : layer_(l),
      units_(model.layers()[l].units),
      size_(units_ * model.layers()[l].positions),
      unit_of_(static_cast<std::size_t>(size_)) {
  const engine::Layer& layer = model.layers()[l];
  const Graph& graph = model.graph();
  const Node& node = graph.nodes()[pool];
  const Shape& src = graph.shapes()[node.inputs[0]];
  std::vector<std::int64_t> place(unit_of_.size());  // by element
  for (std::int64_t unit = 0; unit < units_; ++unit)
    for (std::int64_t position = 0; position < layer.positions; ++position) {
      const std::int64_t at = layer.place(unit, position);
      unit_of_[at] = unit;
      place[element_of(model, layer, unit, position)] = at;
    }
  if (!pools_units_apart(model, layer, src)) {
    windows_ = windows_of(node, src);
    for (auto& window : windows_)
      for (std::int64_t& element : window) element = place[element];
    return;
  }
  std::vector<std::uint8_t> in_window(static_cast<std::size_t>(layer.positions));
  for (const auto& plane : planes_of(node, src))
    for (const std::int64_t position : plane) in_window[position] = 1;
  if (std::ranges::find(in_window, 0) == in_window.end()) return;
  covered_.resize(unit_of_.size());
  for (std::int64_t unit = 0; unit < units_; ++unit)
    for (std::int64_t position = 0; position < layer.positions; ++position)
      covered_[layer.place(unit, position)] = in_window[position];
}

void PoolObserver::begin(const engine::Plan& plan) {
  plan_ = &plan;
  const std::vector<std::uint8_t> none(static_cast<std::size_t>(units_));
  lanes_.assign(static_cast<std::size_t>(plan.lanes()), {none, none});
}

void PoolObserver::after(const engine::Chunk& chunk, int step) {
  if (plan_->steps()[step].layer != static_cast<int>(layer_)) return;
  for (std::int64_t row = 0; row < chunk.rows; ++row)
    look(chunk.pass(step).dst + row * size_, lanes_[chunk.lane]);
}

// A window of one unit is won by it.
void PoolObserver::look(const float* h, Seen& seen) const {
  for (std::size_t i = 0; i < unit_of_.size(); ++i) {
    if (!(h[i] > 0.0f)) continue;
    seen.fires[unit_of_[i]] = 1;
    if (!covered_.empty() && covered_[i] != 0) seen.wins[unit_of_[i]] = 1;
  }
  for (const auto& window : windows_) {
    if (window.empty()) continue;
    const auto winner =
        *std::ranges::max_element(window, {}, [&](std::int64_t place) { return h[place]; });
    if (h[winner] > 0.0f) seen.wins[unit_of_[winner]] = 1;
  }
}

std::vector<std::uint8_t> PoolObserver::losers() const {
  std::vector<std::uint8_t> all(static_cast<std::size_t>(units_));
  for (std::size_t unit = 0; unit < all.size(); ++unit) {
    const auto any = [&](std::vector<std::uint8_t> Seen::*of) {
      return std::ranges::any_of(lanes_, [&](const Seen& lane) { return (lane.*of)[unit] != 0; });
    };
    all[unit] = static_cast<std::uint8_t>(any(&Seen::fires) && !any(&Seen::wins));
  }
  return all;
}

}  // namespace undying::doctor

// Units that fire but never win the max pool behind them: nothing of what they compute goes on, though they are not dead.

#include <algorithm>

#include "doctor/diagnose/observe.h"
#include "doctor/diagnose/probe.h"
#include "ops/convolution/window.h"

namespace undying::doctor {
namespace {

using Elements = std::vector<std::int64_t>;

// The places along an axis that each window covers.
std::vector<Elements> places_of(const Node& node, const ops::Window& window, const Shape& src, std::size_t axis) {
  const bool ceil = node.attributes.get_or<std::int64_t>("ceil_mode", 0) != 0;
  std::vector<Elements> all(static_cast<std::size_t>(ops::fits(node, window, src, axis, ceil)));
  for (std::size_t o = 0; o < all.size(); ++o)
    for (std::int64_t k = 0; k < window.kernel[axis]; ++k) {
      const std::int64_t at = static_cast<std::int64_t>(o) * window.strides[axis] - window.begins[axis] + k * window.dilations[axis];
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
  const std::vector<Elements> rows = src.size() == 3 ? places_of(node, window, src, 0) : std::vector<Elements>{{0}};
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

}  // namespace

std::vector<std::uint8_t> pool_losers(const engine::Model& model, const engine::Layer& layer, int pool, const Dataset& data,
                                      std::span<const std::uint32_t> examples) {
  const Graph& graph = model.graph();
  const Node& node = graph.nodes()[static_cast<std::size_t>(pool)];
  const auto windows = windows_of(node, graph.shapes()[static_cast<std::size_t>(node.inputs[0])]);
  const std::int64_t size = layer.units * layer.positions;
  std::vector<std::int64_t> unit_of(static_cast<std::size_t>(size));
  for (std::int64_t unit = 0; unit < layer.units; ++unit)
    for (std::int64_t position = 0; position < layer.positions; ++position)
      unit_of[static_cast<std::size_t>(element_of(model, layer, unit, position))] = unit;
  std::vector<std::uint8_t> fires(static_cast<std::size_t>(layer.units));
  std::vector<std::uint8_t> wins(fires.size());
  const auto mark = [&](std::vector<std::uint8_t>& units, std::int64_t element) {
    units[static_cast<std::size_t>(unit_of[static_cast<std::size_t>(element)])] = 1;
  };
  Probe(model, {layer.node}).run(data, examples, [&](std::int64_t, std::int64_t rows, std::span<const float* const> values) {
    for (std::int64_t row = 0; row < rows; ++row) {
      const float* h = values[0] + row * size;
      for (std::int64_t i = 0; i < size; ++i)
        if (h[i] > 0.0f) mark(fires, i);
      for (const auto& window : windows) {
        if (window.empty()) continue;
        const auto winner = *std::ranges::max_element(window, {}, [&](std::int64_t element) { return h[element]; });
        if (h[winner] > 0.0f) mark(wins, winner);
      }
    }
  });
  for (std::size_t unit = 0; unit < fires.size(); ++unit) fires[unit] = static_cast<std::uint8_t>(fires[unit] != 0 && wins[unit] == 0);
  return fires;
}

}  // namespace undying::doctor

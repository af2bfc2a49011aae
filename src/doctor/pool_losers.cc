// Units that fire but never win the max pool behind them: nothing of what they compute goes on, though they are not dead.

#include <algorithm>

#include "doctor/observe.h"
#include "doctor/probe.h"
#include "ops/window.h"

namespace undying::doctor {
namespace {

// The elements of a (C, ...) value of one example that each window covers.
std::vector<std::vector<std::int64_t>> windows_of(const Node& node, const Shape& src) {
  const std::int64_t positions = ops::element_count(src) / src[0];
  std::vector<std::vector<std::int64_t>> planes;  // of one channel
  if (node.op == "global_max_pool") {
    planes.emplace_back();
    for (std::int64_t i = 0; i < positions; ++i) planes.back().push_back(i);
  } else {
    const ops::Window window = ops::window_of(node, src);
    const bool ceil = node.attributes.get_or<std::int64_t>("ceil_mode", 0) != 0;
    const std::size_t last = src.size() - 2;
    const std::int64_t height = src.size() == 3 ? src[1] : 1;
    const std::int64_t width = src.back();
    const std::int64_t rows = src.size() == 3 ? ops::fits(node, window, src, 0, ceil) : 1;
    const std::int64_t columns = ops::fits(node, window, src, last, ceil);
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t column = 0; column < columns; ++column) {
        auto& elements = planes.emplace_back();
        for (std::int64_t i = 0; i < (src.size() == 3 ? window.kernel[0] : 1); ++i)
          for (std::int64_t k = 0; k < window.kernel[last]; ++k) {
            const std::int64_t y = src.size() == 3 ? row * window.strides[0] - window.begins[0] + i * window.dilations[0] : 0;
            const std::int64_t x = column * window.strides[last] - window.begins[last] + k * window.dilations[last];
            if (y >= 0 && y < height && x >= 0 && x < width) elements.push_back(y * width + x);
          }
      }
  }
  std::vector<std::vector<std::int64_t>> all;
  for (std::int64_t channel = 0; channel < src[0]; ++channel)
    for (const auto& plane : planes) {
      auto& elements = all.emplace_back(plane);
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

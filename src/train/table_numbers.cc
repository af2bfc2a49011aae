#include "train/table_numbers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "ops/operator.h"
#include "undying/error.h"

namespace undying::train {
namespace {

// Whether a node gives the numbers of the graph's input, all of them, in whatever shape.
bool is_input(const Graph& graph, int at) {
  for (;;) {
    const Node& node = graph.nodes()[at];
    if (ops::is_input(node)) return true;
    if (!ops::is_view(node) || ops::training_differs(node, Precision::kFloat32)) return false;
    at = node.inputs[0];
  }
}

// The smallest table that the input is looked up in; null: it is in none.
const Node* smallest_table(const Graph& graph) {
  const Node* smallest = nullptr;
  for (const Node& node : graph.nodes()) {
    if (ops::traits_of(node).kind != ops::Kind::kTable || !is_input(graph, node.inputs[0]))
      continue;
    const auto rows = [](const Node& each) { return each.attributes.get<std::int64_t>("rows"); };
    if (smallest == nullptr || rows(node) < rows(*smallest)) smallest = &node;
  }
  return smallest;
}

// Negative numbers count from the end.
bool is_row(float value, std::int64_t rows) {
  return value >= -static_cast<float>(rows) && value < static_cast<float>(rows) &&
         value == std::floor(value);
}

std::string number_text(float value) {
  const bool whole = value == std::floor(value) && std::fabs(value) < 1e9f;
  return whole ? std::to_string(static_cast<std::int64_t>(value)) : std::to_string(value);
}

// Of a network's own inputs, by their names.
void check_parts(const Dataset& data) {
  std::int64_t first = 0;
  for (const InputPart& input : data.inputs) {
    const std::int64_t width = ops::element_count(input.shape);
    for (std::int64_t row = 0; input.rows > 0 && row < data.size; ++row)
      for (std::int64_t i = 0; i < width; ++i) {
        const auto at = static_cast<std::size_t>(row * data.features() + first + i);
        const float value =
            data.bytes.empty() ? data.values[at] : static_cast<float>(data.bytes[at]);
        if (is_row(value, input.rows)) continue;
        const std::int64_t example = data.rows.empty() ? row : data.rows[row];
        throw Error(ErrorCode::kBadData, "data " + data.name,
                    "input " + input.name + " is " + number_text(value) + " in example " +
                        std::to_string(example) + " (value " + std::to_string(i) +
                        " of it, both counted from 0); expected a whole number from 0 to " +
                        std::to_string(input.rows - 1) + ", a row of its table");
      }
    first += width;
  }
}

}  // namespace

void check_table_numbers(const Graph& graph, const Dataset& data) {
  if (!data.inputs.empty()) return check_parts(data);
  const Node* table = graph.inputs().size() == 1 ? smallest_table(graph) : nullptr;
  if (table == nullptr) return;
  const auto rows = table->attributes.get<std::int64_t>("rows");
  const std::int64_t size = ops::element_count(graph.input_shape());
  std::vector<float> example(static_cast<std::size_t>(size));
  for (std::int64_t n = 0; n < data.size; ++n) {
    const auto index = static_cast<std::uint32_t>(n);
    gather(data, std::span(&index, 1), example.data());
    const auto wrong =
        std::ranges::find_if(example, [&](float value) { return !is_row(value, rows); });
    if (wrong == example.end()) continue;
    throw Error(ErrorCode::kBadData, data.name,
                "example " + std::to_string(n) + " has " + number_text(*wrong) + " at place " +
                    std::to_string(wrong - example.begin()) + ", which is no row of the table " +
                    table->name + " of " + std::to_string(rows) +
                    "; expected whole numbers from 0 to " + std::to_string(rows - 1));
  }
}

}  // namespace undying::train

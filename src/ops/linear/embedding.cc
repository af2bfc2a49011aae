// embedding: each element of src is the number of a row of the weight (rows, features), which takes
// its place; of one that is no row all features are NaN, so that it cannot pass unseen. src has no
// gradient. With `trained` = 0 the table is one of numbers that stay.

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/rows.h"

namespace undying::ops {
namespace {

struct Table {
  std::int64_t rows, features;
};

Table table_of(const Node& node) {
  const Table table{node.attributes.get<std::int64_t>("rows"),
                    node.attributes.get<std::int64_t>("features")};
  if (table.rows < 1 || table.features < 1)
    reject(node, "its table is " + to_string({table.rows, table.features}) +
                     "; expected at least one row and one feature");
  return table;
}

class EmbeddingKernel final : public Kernel {
 public:
  EmbeddingKernel(Table table, std::int64_t count) : table_(table), count_(count) {
    needs_src = true;
    keeps_diff = true;
  }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t i = 0; i < pass.rows * count_; ++i) {
      const std::int64_t row = row_of(pass.src[0][i]);
      float* dst = pass.dst + i * table_.features;
      if (row < 0) std::fill_n(dst, table_.features, std::numeric_limits<float>::quiet_NaN());
      if (row >= 0) std::copy_n(pass.parameters[0] + row * table_.features, table_.features, dst);
    }
  }

  void backward(const Pass& pass, int) const override {
    float* diff = pass.diff_parameters[0];
    if (diff != nullptr) std::fill_n(diff, table_.rows * table_.features, 0.0f);
    for (std::int64_t i = 0; i < pass.rows * count_ && diff != nullptr; ++i) {
      const std::int64_t row = row_of(pass.src[0][i]);
      if (row < 0) continue;
      float* to = diff + row * table_.features;
      const float* g = pass.diff_dst + i * table_.features;
      for (std::int64_t k = 0; k < table_.features; ++k) to[k] += g[k];
    }
    if (pass.diff_src[0] != nullptr) std::fill_n(pass.diff_src[0], pass.rows * count_, 0.0f);
  }

 private:
  // -1: none. Negative numbers count from the end.
  std::int64_t row_of(float value) const {
    const float row = value < 0.0f ? value + static_cast<float>(table_.rows) : value;
    const bool known =
        row >= 0.0f && row < static_cast<float>(table_.rows) && row == std::floor(row);
    return known ? static_cast<std::int64_t>(row) : -1;
  }

  Table table_;
  std::int64_t count_;  // of one example
};

Shape infer(const Node& node, std::span<const Value> src) {
  Shape dst = src[0].shape;
  dst.push_back(table_of(node).features);
  return dst;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value>) {
  const Table table = table_of(node);
  const bool trained = node.attributes.get_or<std::int64_t>("trained", 1) != 0;
  return {{node.name + ".weight",
           {table.rows, table.features},
           trained ? ParameterSpec::Role::kWeight : ParameterSpec::Role::kConstant}};
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<EmbeddingKernel>(table_of(request.node),
                                           element_count(request.src[0].shape));
}

// Any number stands for a row here, so that the walk over all operators may draw them.
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Table table = table_of(args.node);
  std::vector<double> dst;
  for (const double value : args.src[0]) {
    const auto row =
        static_cast<std::size_t>(std::llround(value)) % static_cast<std::size_t>(table.rows);
    for (std::int64_t k = 0; k < table.features; ++k)
      dst.push_back(args.parameters[0][row * static_cast<std::size_t>(table.features) +
                                       static_cast<std::size_t>(k)]);
  }
  return dst;
}

void set_features(Node& node, std::span<const Shape>, const Shape& dst) {
  node.attributes.set("features", dst.back());
}

}  // namespace

Operator embedding_operator() {
  return {.name = "embedding",
          .infer = infer,
          .parameters = parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kTable,
                     .reshape = set_features,
                     .passes_gradient = [](const Node&, std::size_t) { return false; }}};
}

}  // namespace undying::ops

// dropout: in training dst = src * m / (1 - p) with m ~ Bernoulli(1 - p) per element (Srivastava et
// al. 2014); in evaluation dst = src. dropout_2d: the same with one m per channel (Tompson et al.
// 2015). A mask belongs to (seed, node, step, row in the batch, element or channel), so it does not
// depend on the shards.

#include <algorithm>

#include "base/philox.h"
#include "ops/rows.h"

namespace undying::ops {
namespace {

double probability(const Node& node) { return node.attributes.get<double>("p"); }
std::uint32_t sequence(const Node& node) {
  return static_cast<std::uint32_t>(node.attributes.get_or<std::int64_t>("sequence", 0));
}

// One draw for each unit of an example, for all its positions.
class DropoutKernel final : public Kernel {
 public:
  DropoutKernel(const Node& node, std::int64_t units, std::int64_t positions)
      : p_(probability(node)), sequence_(sequence(node)), units_(units), positions_(positions) {
    in_place = true;
    saved = units;
  }

  void forward(const Pass& pass, int) const override {
    if (!pass.training) {
      if (pass.dst != pass.src[0])
        std::copy_n(pass.src[0], pass.rows * positions_ * units_, pass.dst);
      return;
    }
    fill_mask(pass, pass.rows * units_);
    multiply(pass, pass.src[0], pass.dst);
  }

  void backward(const Pass& pass, int) const override {
    float* diff_src = pass.diff_src[0];
    if (diff_src == nullptr) return;
    if (pass.training) return multiply(pass, pass.diff_dst, diff_src);
    if (diff_src != pass.diff_dst)
      std::copy_n(pass.diff_dst, pass.rows * positions_ * units_, diff_src);
  }

 private:
  // 2^40 draws a step and 2^24 steps before an index repeats.
  void fill_mask(const Pass& pass, std::int64_t count) const {
    const Random random(pass.seed, Stream::kDropout, sequence_);
    const auto scale = static_cast<float>(1.0 / (1.0 - p_));
    const auto threshold = static_cast<std::uint32_t>(p_ * 0x1p32);
    const std::uint64_t first =
        (pass.step << 40) + static_cast<std::uint64_t>(pass.first_row * units_);
    std::uint64_t block_index = first / 4;
    auto block = random.block(block_index);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint64_t index = first + static_cast<std::uint64_t>(i);
      if (index / 4 != block_index) block = random.block(block_index = index / 4);
      pass.saved[i] = block[index % 4] >= threshold ? scale : 0.0f;
    }
  }

  void multiply(const Pass& pass, const float* from, float* to) const {
    for (std::int64_t row = 0; row < pass.rows * positions_; ++row) {
      const float* mask = pass.saved + row / positions_ * units_;
      for (std::int64_t i = 0; i < units_; ++i)
        to[row * units_ + i] = from[row * units_ + i] * mask[i];
    }
  }

  double p_;
  std::uint32_t sequence_;
  std::int64_t units_;
  std::int64_t positions_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  if (!(probability(node) >= 0.0 && probability(node) < 1.0))
    reject(node, "p is " + std::to_string(probability(node)) + "; expected 0 <= p < 1");
  return src[0].shape;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<DropoutKernel>(request.node, element_count(request.dst.shape), 1);
}

std::unique_ptr<Kernel> plan_channels(const PlanRequest& request) {
  return std::make_unique<DropoutKernel>(request.node, unit_count(request.dst),
                                         position_count(request.dst));
}

// `draw_of` gives the draw of an example for an element of it, in plain order.
template <class DrawOf>
std::vector<double> dropped(const Operator::ReferenceArgs& args, std::int64_t draws,
                            const DrawOf& draw_of) {
  const Random random(args.pass.seed, Stream::kDropout, sequence(args.node));
  const double p = probability(args.node);
  const std::int64_t size = element_count(args.values[0].shape);
  if (!args.pass.training) return args.src[0];
  const std::uint64_t first =
      (args.pass.step << 40) + static_cast<std::uint64_t>(args.pass.first_row * draws);
  std::vector<double> dst(args.src[0]);
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(dst.size()); ++i) {
    const auto draw = static_cast<std::uint64_t>(i / size * draws + draw_of(i % size));
    dst[i] *= random.bits(first + draw) * 0x1p-32 >= p ? 1.0 / (1.0 - p) : 0.0;
  }
  return dst;
}

// Draws are taken in the order in which the elements lie in memory.
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Value& value = args.values[0];
  const std::int64_t positions = value.layout == Layout::kPlain ? 1 : position_count(value);
  const std::int64_t channels = element_count(value.shape) / positions;
  return dropped(args, element_count(value.shape),
                 [&](std::int64_t i) { return i % positions * channels + i / positions; });
}

std::vector<double> reference_channels(const Operator::ReferenceArgs& args) {
  const Value& value = args.values[0];
  return dropped(args, unit_count(value),
                 [&](std::int64_t i) { return i / position_count(value); });
}

bool drops(const Node& node, Precision) { return probability(node) > 0.0; }

}  // namespace

Operator dropout_operator() {
  return {
      .name = "dropout",
      .layout = LayoutRule::kAny,
      .infer = infer,
      .parameters = no_parameters,
      .plan = plan,
      .reference = reference,
      .training_differs = drops,
      .traits = {
          .kind = Kind::kView, .keeps_units = true, .keeps_spread = true, .within_inputs = true}};
}
Operator dropout_2d_operator() {
  return {.name = "dropout_2d",
          .layout = LayoutRule::kChannelsLast,
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan_channels,
          .reference = reference_channels,
          .training_differs = drops,
          .traits = {.kind = Kind::kChannel,
                     .keeps_units = true,
                     .keeps_spread = true,
                     .within_inputs = true}};
}

}  // namespace undying::ops

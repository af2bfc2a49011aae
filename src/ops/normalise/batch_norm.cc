// batch_norm: dst = gamma * (src - mean) / sqrt(var + epsilon) + beta per channel (Ioffe & Szegedy
// 2015), and the activation behind it.
//
// Training: mean and population variance of the whole batch and all positions, not of a shard. Each
// shard leaves (mean, M2) in the shared buffer; after the barrier every shard combines them in
// shard order (Chan et al. 1979), so all compute the same bits. Running statistics follow ONNX:
// running <- momentum * running + (1 - momentum) * batch, with the population variance (PyTorch
// stores the unbiased one; docs/numerics.md). Evaluation and frozen plans use the running
// statistics, and there the gradient is that of an affine map.
//
// Followed by nothing or by a leaky rectifier of slope > 0, the normalised input is computed again
// from the output, so src is not kept (In-Place ABN, Rota Bulo et al. 2018, arXiv 1712.02616): x^ =
// (f^-1(dst) - beta) / gamma. That loses precision as gamma falls against beta and fails at gamma =
// 0; usable() then says no and the plan is compiled with `exact`, which keeps src.

#include <algorithm>
#include <cmath>

#include "ops/elementwise/activation_step.h"
#include "ops/normalise/batch_norm_kernels.h"
#include "ops/rows.h"

namespace undying::ops {
namespace {

using Role = ParameterSpec::Role;

// Floats of a piece that is normalised and activated while it is in a cache.
constexpr std::int64_t kPiece = 16384;

// |gamma| from which x^ is computed from the output, relative to max(1, |beta|): an error of 2^-24
// grows to 2^-24 / this.
constexpr float kSmallestScale = 0.01f;

double epsilon_of(const Node& node) { return node.attributes.get_or<double>("epsilon", 1e-5); }

// The slope of what follows, where the output tells the input: 1 for nothing; 0: it does not.
float invertible_slope(const Node* follower) {
  if (follower == nullptr) return 1.0f;
  const Activation& activation = follower->attributes.get<Activation>("activation");
  if (activation.info().name == "identity") return 1.0f;
  if (anneal_steps(*follower) > 0) return 0.0f;
  return activation.info().name == "leaky_relu" ? std::max(0.0f, activation.parameters()[0]) : 0.0f;
}

class BatchNormKernel final : public Kernel {
 public:
  explicit BatchNormKernel(const PlanRequest& request)
      : channels_(unit_count(request.src[0])),
        positions_(position_count(request.src[0])),
        epsilon_(epsilon_of(request.node)),
        momentum_(static_cast<float>(request.node.attributes.get_or<double>("momentum", 0.9))),
        follows_(request.follower != nullptr),
        slope_(request.exact ? 0.0f : invertible_slope(request.follower)),
        activation_(request.follower, {.units = channels_, .positions = positions_}, 4) {
    phases = request.frozen ? 1 : 2;
    shared = 2 * kSlot * channels_;  // forward and backward statistics
    needs_src = !from_output();
    needs_dst = from_output() || (follows_ && activation_.saves() == activations::Saves::kOutput);
    in_place = from_output();
    keeps_diff = !follows_;
    saved = needs_dst || !follows_ ? 0 : positions_ * channels_;
    scratch = activation_.width() > 1 ? positions_ * channels_ : 0;
  }

  std::string implementation() const override {
    return from_output() ? "recomputed from the output" : "";
  }

  bool usable(std::span<const float* const> parameters) const override {
    for (std::int64_t j = 0; from_output() && j < channels_; ++j)
      if (!(std::fabs(parameters[0][j]) >=
            kSmallestScale * std::max(1.0f, std::fabs(parameters[1][j]))))
        return false;
    return true;
  }

  void forward(const Pass& pass, int phase) const override {
    if (pass.training && phase == 0) return measure(pass);
    const float* mean = pass.parameters[2];
    const float* variance = pass.parameters[3];
    float* factor = slot(pass, pass.shard, 0) + 4 * channels_;
    if (pass.training) {
      combine(pass);
      mean = slot(pass, pass.shard, 0) + 2 * channels_;
      variance = mean + channels_;
      if (pass.shard == 0) update_running(pass, mean, variance);
    }
    float* used = slot(pass, pass.shard, 0) + 2 * channels_;  // by the backward pass
    if (!pass.training) std::copy_n(variance, channels_, std::copy_n(mean, channels_, used));
    for (std::int64_t j = 0; j < channels_; ++j)
      factor[j] = static_cast<float>(pass.parameters[0][j] /
                                     std::sqrt(static_cast<double>(variance[j]) + epsilon_));
    float* z = z_of(pass);
    for_pieces(pass, [&](Rows rows) {
      const BatchNormRows piece = rows_of(rows, pass.src[0]);
      batch_norm_kernels().normalise(piece, mean, factor, pass.parameters[1],
                                     z + rows.first * channels_);
      if (follows_) activation_.forward(pass, z, nullptr, rows);
    });
  }

  // With g the gradient of the normalised output, n the batch: diff_src = gamma / sd * (g - mean(g)
  // - x^ * mean(g x^)).
  void backward(const Pass& pass, int phase) const override {
    if (phase == 0) measure_gradient(pass);
    if (phase + 1 < phases) return;
    float* sums = slot(pass, pass.shard, 1) + 2 * channels_;
    std::fill_n(sums, 2 * channels_, 0.0f);
    // Running statistics do not depend on the batch: in a frozen plan the two means are 0.
    for (int shard = 0; pass.training && shard < pass.shards; ++shard)
      for (std::int64_t i = 0; i < 2 * channels_; ++i) sums[i] += slot(pass, shard, 1)[i];
    std::copy_n(slot(pass, pass.shard, 1) + channels_, channels_, pass.diff_parameters[0]);
    std::copy_n(slot(pass, pass.shard, 1), channels_, pass.diff_parameters[1]);
    if (pass.diff_src[0] == nullptr) return;
    const auto count = static_cast<float>(pass.batch_rows * positions_);
    for (std::int64_t i = 0; i < 2 * channels_; ++i) sums[i] /= count;
    const float* factor = slot(pass, pass.shard, 0) + 4 * channels_;
    const float* diff_z = diff_z_of(pass);
    for_pieces(pass, [&](Rows rows) {
      const std::int64_t at = rows.first * channels_;
      batch_norm_kernels().gradient(gradient_rows(pass, rows), diff_z + at, sums, sums + channels_,
                                    factor, pass.diff_src[0] + at);
    });
  }

 private:
  // A shard's slot: (mean, M2) of its rows, or its gradient's two sums; then the two combined over
  // all shards; then, of the forward pass, gamma / sd and the two rows that take an output back to
  // x^.
  static constexpr std::int64_t kSlot = 7;

  bool from_output() const { return slope_ > 0.0f; }
  float* slot(const Pass& pass, int shard, int direction) const {
    return pass.shared + shard * shared + direction * kSlot * channels_;
  }
  float* z_of(const Pass& pass) const {
    return pass.saved != nullptr ? pass.saved : activation_.width() > 1 ? pass.scratch : pass.dst;
  }
  float* diff_z_of(const Pass& pass) const {
    return activation_.width() > 1 ? pass.scratch : pass.diff_dst;
  }

  template <class Body>
  void for_pieces(const Pass& pass, const Body& body) const {
    const std::int64_t rows = pass.rows * positions_;
    const std::int64_t step =
        activation_.divisible() ? std::max<std::int64_t>(1, kPiece / channels_) : rows;
    for (std::int64_t first = 0; first < rows; first += step)
      body(Rows{first, std::min(step, rows - first)});
  }

  BatchNormRows rows_of(Rows rows, const float* src) const {
    return {.rows = rows.count, .channels = channels_, .src = src + rows.first * channels_};
  }

  void measure(const Pass& pass) const {
    float* mean = slot(pass, pass.shard, 0);
    float* squares = mean + channels_;
    float* sum = mean + 4 * channels_;
    float* part = mean + 5 * channels_;
    std::fill_n(mean, 2 * channels_, 0.0f);
    const std::int64_t rows = pass.rows * positions_;
    const std::int64_t step = std::max<std::int64_t>(1, kPiece / 4 / channels_);
    for (std::int64_t first = 0; first < rows; first += step) {
      const std::int64_t count = std::min(step, rows - first);
      batch_norm_kernels().moments(rows_of({first, count}, pass.src[0]), sum, part);
      for (std::int64_t j = 0; j < channels_; ++j)
        add_moments(first, mean[j], squares[j], count, sum[j] / static_cast<double>(count),
                    part[j]);
    }
  }

  // Of two sets of values with these counts, means and sums of squared distances: those of their
  // union, into the first.
  static void add_moments(std::int64_t count, float& mean, float& squares, std::int64_t other_count,
                          double other_mean, double other_squares) {
    const auto a = static_cast<double>(count);
    const auto b = static_cast<double>(other_count);
    const double distance = other_mean - mean;
    mean = static_cast<float>(mean + distance * b / (a + b));
    squares = static_cast<float>(squares + other_squares + distance * distance * a * b / (a + b));
  }

  void combine(const Pass& pass) const {
    float* mean = slot(pass, pass.shard, 0) + 2 * channels_;
    float* variance = mean + channels_;
    for (std::int64_t j = 0; j < channels_; ++j) {
      std::int64_t count = 0;
      mean[j] = variance[j] = 0.0f;
      for (int shard = 0; shard < pass.shards; ++shard) {
        const std::int64_t rows = shard_rows(pass, shard) * positions_;
        if (rows == 0) continue;
        const float* part = slot(pass, shard, 0);
        add_moments(count, mean[j], variance[j], rows, part[j], part[channels_ + j]);
        count += rows;
      }
      variance[j] /= static_cast<float>(count);
    }
  }

  static std::int64_t shard_rows(const Pass& pass, int shard) {
    return pass.batch_rows * (shard + 1) / pass.shards - pass.batch_rows * shard / pass.shards;
  }

  void update_running(const Pass& pass, const float* mean, const float* variance) const {
    const float momentum = pass.replace_statistics ? 0.0f : momentum_;
    for (std::int64_t j = 0; j < channels_; ++j) {
      pass.parameters[2][j] = momentum * pass.parameters[2][j] + (1.0f - momentum) * mean[j];
      pass.parameters[3][j] = momentum * pass.parameters[3][j] + (1.0f - momentum) * variance[j];
    }
  }

  BatchNormRows gradient_rows(const Pass& pass, Rows rows) const {
    BatchNormRows piece = rows_of(rows, from_output() ? pass.dst : pass.src[0]);
    piece.from_output = from_output() && slope_ != 1.0f;
    piece.inverse_slope = from_output() ? 1.0f / slope_ : 1.0f;
    piece.subtract = slot(pass, pass.shard, 0) + 5 * channels_;
    piece.factor = slot(pass, pass.shard, 0) + 6 * channels_;
    return piece;
  }

  void measure_gradient(const Pass& pass) const {
    float* own = slot(pass, pass.shard, 0);
    for (std::int64_t j = 0; j < channels_; ++j) {
      own[5 * channels_ + j] = from_output() ? pass.parameters[1][j] : own[2 * channels_ + j];
      own[6 * channels_ + j] =
          from_output()
              ? 1.0f / pass.parameters[0][j]
              : static_cast<float>(
                    1.0 / std::sqrt(static_cast<double>(own[3 * channels_ + j]) + epsilon_));
    }
    float* sums = slot(pass, pass.shard, 1);
    float* part = sums + 4 * channels_;
    std::fill_n(sums, 2 * channels_, 0.0f);
    float* diff_z = diff_z_of(pass);
    if (follows_ && pass.rows == 0)
      activation_.backward(pass, pass.dst, diff_z, nullptr);  // a learned slope's gradient is 0
    for_pieces(pass, [&](Rows rows) {
      if (follows_)
        activation_.backward(pass, pass.saved != nullptr ? pass.saved : pass.dst, diff_z, nullptr,
                             rows);
      std::fill_n(part, 2 * channels_, 0.0f);
      batch_norm_kernels().gradient_sums(gradient_rows(pass, rows), diff_z + rows.first * channels_,
                                         part, part + channels_);
      for (std::int64_t i = 0; i < 2 * channels_; ++i) sums[i] += part[i];
    });
  }

  std::int64_t channels_;
  std::int64_t positions_;
  double epsilon_;
  float momentum_;
  bool follows_;
  float slope_;  // > 0: x^ comes from the output
  ActivationStep activation_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  if (src[0].shape.size() > 4)
    reject(node, "src " + to_string(src[0].shape) +
                     " has too many dimensions; expected (C), (C, L), (C, H, W) or (C, D, H, W)");
  return src[0].shape;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value> src) {
  const Shape channels = {src[0].shape[0]};
  return {{node.name + ".weight", channels, Role::kScale, 1.0f},
          {node.name + ".bias", channels, Role::kShift, 0.0f},
          {node.name + ".running_mean", channels, Role::kRunningMean, 0.0f},
          {node.name + ".running_var", channels, Role::kRunningVariance, 1.0f}};
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<BatchNormKernel>(request);
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const std::vector<double>& src = args.src[0];
  const auto channels = static_cast<std::size_t>(args.values[0].shape[0]);
  const std::size_t run = static_cast<std::size_t>(element_count(args.values[0].shape)) / channels;
  const auto channel = [&](std::size_t i) { return i / run % channels; };
  std::vector<double> mean(channels, 0.0);
  std::vector<double> variance(channels, 0.0);
  const std::size_t each = src.size() / channels;
  const auto count = static_cast<double>(each);
  for (std::size_t i = 0; i < src.size(); ++i) mean[channel(i)] += src[i] / count;
  for (std::size_t i = 0; i < src.size(); ++i)
    variance[channel(i)] += (src[i] - mean[channel(i)]) * (src[i] - mean[channel(i)]) / count;
  if (!args.pass.training) {
    mean = args.parameters[2];
    variance = args.parameters[3];
  }
  std::vector<double> dst(src.size());
  for (std::size_t i = 0; i < src.size(); ++i) {
    const std::size_t j = channel(i);
    dst[i] = (src[i] - mean[j]) / std::sqrt(variance[j] + epsilon_of(args.node)) *
                 args.parameters[0][j] +
             args.parameters[1][j];
  }
  return dst;
}

bool takes_batch_statistics(const Node&, Precision) { return true; }

}  // namespace

Operator batch_norm_operator() {
  return {.name = "batch_norm",
          .layout = LayoutRule::kChannelsLast,
          .infer = infer,
          .parameters = parameters,
          .plan = plan,
          .fuses_activation = true,
          .reference = reference,
          .training_differs = takes_batch_statistics,
          .traits = {.kind = Kind::kChannel, .norm = Norm::kBatch, .keeps_spread = true}};
}

}  // namespace undying::ops

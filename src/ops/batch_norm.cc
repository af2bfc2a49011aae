// batch_norm (1-D): dst = gamma * (src - mean) / sqrt(var + epsilon) + beta per feature (Ioffe & Szegedy 2015).
//
// Training: mean and population variance of the whole batch, not of a shard. Each shard leaves (count, mean, M2) in the shared buffer;
// after the barrier every shard combines them in shard order (Chan et al. 1979), so all compute the same bits.
// Running statistics follow ONNX: running <- momentum * running + (1 - momentum) * batch, with the population variance
// (PyTorch stores the unbiased one; docs/numerics.md). Evaluation uses the running statistics.

#include <algorithm>
#include <cmath>

#include "ops/rows.h"
#include "undying/error.h"

namespace undying::ops {
namespace {

using Role = ParameterSpec::Role;

double number(const Node& node, const char* attribute, double otherwise) {
  return node.attributes.has(attribute) ? node.attributes.get<double>(attribute) : otherwise;
}

class BatchNormKernel final : public Kernel {
 public:
  BatchNormKernel(std::int64_t features, double epsilon, double momentum)
      : features_(features), epsilon_(static_cast<float>(epsilon)), momentum_(static_cast<float>(momentum)) {
    phases = 2;
    needs_src = true;
    shared = 2 * kSlot * features;  // forward and backward statistics
  }

  void forward(const Pass& pass, int phase) const override {
    if (!pass.training) return normalise(pass, pass.parameters[2], pass.parameters[3]);
    if (phase == 0) return measure(pass);
    float* mean = combined(pass, 0);
    float* variance = mean + features_;
    combine(pass, mean, variance);
    if (pass.shard == 0) update_running(pass, mean, variance);
    normalise(pass, mean, variance);
  }

  // With g = diff_dst, x^ the normalised input, n the batch: diff_src = gamma / sd * (g - mean(g) - x^ * mean(g x^)).
  void backward(const Pass& pass, int phase) const override {
    const float* mean = combined(pass, 0);
    const float* variance = mean + features_;
    if (phase == 0) return measure_gradient(pass, mean, variance);
    float* sums = combined(pass, 1);
    std::fill_n(sums, 2 * features_, 0.0f);
    for (int shard = 0; shard < pass.shards; ++shard)
      for (std::int64_t i = 0; i < 2 * features_; ++i) sums[i] += slot(pass, shard, 1)[i];
    for (std::int64_t j = 0; j < features_; ++j) {
      pass.diff_parameters[0][j] = slot(pass, pass.shard, 1)[features_ + j];
      pass.diff_parameters[1][j] = slot(pass, pass.shard, 1)[j];
    }
    if (pass.diff_src == nullptr) return;
    const auto count = static_cast<float>(pass.batch_rows);
    for (std::int64_t row = 0; row < pass.rows; ++row) {
      for (std::int64_t j = 0; j < features_; ++j) {
        const std::int64_t i = row * features_ + j;
        const float inverse = 1.0f / std::sqrt(variance[j] + epsilon_);
        const float normal = (pass.src[i] - mean[j]) * inverse;
        pass.diff_src[i] = pass.parameters[0][j] * inverse * (pass.diff_dst[i] - sums[j] / count - normal * sums[features_ + j] / count);
      }
    }
  }

 private:
  // A shard's slot: its own two rows of statistics, then the two combined ones that it computed itself.
  static constexpr std::int64_t kSlot = 4;

  float* slot(const Pass& pass, int shard, int direction) const { return pass.shared + shard * shared + direction * kSlot * features_; }
  float* combined(const Pass& pass, int direction) const { return slot(pass, pass.shard, direction) + 2 * features_; }

  void measure(const Pass& pass) const {
    float* mean = slot(pass, pass.shard, 0);
    float* squares = mean + features_;
    for (std::int64_t j = 0; j < features_; ++j) {
      double sum = 0.0;
      for (std::int64_t row = 0; row < pass.rows; ++row) sum += pass.src[row * features_ + j];
      const double average = pass.rows == 0 ? 0.0 : sum / static_cast<double>(pass.rows);
      double centred = 0.0;
      for (std::int64_t row = 0; row < pass.rows; ++row) {
        const double distance = pass.src[row * features_ + j] - average;
        centred += distance * distance;
      }
      mean[j] = static_cast<float>(average);
      squares[j] = static_cast<float>(centred);
    }
  }

  void combine(const Pass& pass, float* mean, float* variance) const {
    for (std::int64_t j = 0; j < features_; ++j) {
      double count = 0.0;
      double average = 0.0;
      double squares = 0.0;
      for (int shard = 0; shard < pass.shards; ++shard) {
        const auto rows = static_cast<double>(shard_rows(pass, shard));
        if (rows == 0.0) continue;
        const float* part = slot(pass, shard, 0);
        const double distance = part[j] - average;
        average += distance * rows / (count + rows);
        squares += part[features_ + j] + distance * distance * count * rows / (count + rows);
        count += rows;
      }
      mean[j] = static_cast<float>(average);
      variance[j] = static_cast<float>(squares / count);
    }
  }

  static std::int64_t shard_rows(const Pass& pass, int shard) {
    return pass.batch_rows * (shard + 1) / pass.shards - pass.batch_rows * shard / pass.shards;
  }

  void update_running(const Pass& pass, const float* mean, const float* variance) const {
    const float momentum = pass.replace_statistics ? 0.0f : momentum_;
    for (std::int64_t j = 0; j < features_; ++j) {
      pass.parameters[2][j] = momentum * pass.parameters[2][j] + (1.0f - momentum) * mean[j];
      pass.parameters[3][j] = momentum * pass.parameters[3][j] + (1.0f - momentum) * variance[j];
    }
  }

  void normalise(const Pass& pass, const float* mean, const float* variance) const {
    for (std::int64_t row = 0; row < pass.rows; ++row) {
      for (std::int64_t j = 0; j < features_; ++j) {
        const std::int64_t i = row * features_ + j;
        const float normal = (pass.src[i] - mean[j]) / std::sqrt(variance[j] + epsilon_);
        pass.dst[i] = normal * pass.parameters[0][j] + pass.parameters[1][j];
      }
    }
  }

  void measure_gradient(const Pass& pass, const float* mean, const float* variance) const {
    float* sum = slot(pass, pass.shard, 1);
    std::fill_n(sum, 2 * features_, 0.0f);
    for (std::int64_t row = 0; row < pass.rows; ++row) {
      for (std::int64_t j = 0; j < features_; ++j) {
        const std::int64_t i = row * features_ + j;
        sum[j] += pass.diff_dst[i];
        sum[features_ + j] += pass.diff_dst[i] * (pass.src[i] - mean[j]) / std::sqrt(variance[j] + epsilon_);
      }
    }
  }

  std::int64_t features_;
  float epsilon_;
  float momentum_;
};

Shape infer(const Node& node, const Shape& src) {
  if (src.size() != 1)
    throw Error(ErrorCode::kInvalidArgument, "batch_norm " + node.name, "src " + to_string(src) + " is not a vector; expected (features)");
  return src;
}

std::vector<ParameterSpec> parameters(const Node& node, const Shape& src) {
  return {{node.name + ".weight", {src[0]}, Role::kScale, 1.0f},
          {node.name + ".bias", {src[0]}, Role::kShift, 0.0f},
          {node.name + ".running_mean", {src[0]}, Role::kRunningMean, 0.0f},
          {node.name + ".running_var", {src[0]}, Role::kRunningVariance, 1.0f}};
}

std::unique_ptr<Kernel> plan(const Node& node, const Shape& src, const Node*) {
  return std::make_unique<BatchNormKernel>(src[0], number(node, "epsilon", 1e-5), number(node, "momentum", 0.9));
}

std::vector<double> reference(const Node& node, const Shape& src_shape, std::int64_t rows, const std::vector<double>& src,
                              const std::vector<std::vector<double>>& parameters, const Pass&) {
  const auto features = static_cast<std::size_t>(src_shape[0]);
  const auto count = static_cast<std::size_t>(rows);
  std::vector<double> dst(src.size());
  for (std::size_t j = 0; j < features; ++j) {
    double mean = 0.0;
    double variance = 0.0;
    for (std::size_t row = 0; row < count; ++row) mean += src[row * features + j] / static_cast<double>(count);
    for (std::size_t row = 0; row < count; ++row)
      variance += (src[row * features + j] - mean) * (src[row * features + j] - mean) / static_cast<double>(count);
    for (std::size_t row = 0; row < count; ++row)
      dst[row * features + j] =
          (src[row * features + j] - mean) / std::sqrt(variance + number(node, "epsilon", 1e-5)) * parameters[0][j] + parameters[1][j];
  }
  return dst;
}

}  // namespace

Operator batch_norm_operator() { return {"batch_norm", "BatchNormalization", infer, parameters, plan, false, reference}; }

}  // namespace undying::ops

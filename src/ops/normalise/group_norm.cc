// group_norm: in each example, groups of neighbouring channels are normalised over their channels
// and all positions, then scaled and shifted per channel (Wu & He 2018). instance_norm: every
// channel is a group (Ulyanov et al. 2016).
//
// The work runs over channels, as in batch norm: a group has its sums from those of its channels.

#include <algorithm>
#include <cmath>

#include "ops/doubles.h"
#include "ops/normalise/batch_norm_kernels.h"
#include "ops/rows.h"

namespace undying::ops {
namespace {

using Role = ParameterSpec::Role;

// Floats of a piece whose sums are kept in float32.
constexpr std::int64_t kPiece = 4096;

double epsilon_of(const Node& node) { return node.attributes.get_or<double>("epsilon", 1e-5); }

std::int64_t groups_of(const Node& node, std::int64_t channels) {
  return node.op == "instance_norm" ? channels : node.attributes.get<std::int64_t>("groups");
}

class GroupNormKernel final : public Kernel {
 public:
  GroupNormKernel(const Value& src, std::int64_t groups, double epsilon)
      : channels_(unit_count(src)),
        positions_(position_count(src)),
        groups_(groups),
        epsilon_(epsilon) {
    needs_src = true;
    keeps_diff = true;
    saved = 2 * groups;  // mean and 1 / sd
    workspace = (kDoubles * kFloatsOfDouble + kFloats) * channels_;
  }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t n = 0; n < pass.rows; ++n) {
      const float* src = pass.src[0] + n * size();
      measure(pass, src);
      float* mean = floats(pass, 0);
      float* factor = floats(pass, 1);
      for (std::int64_t group = 0; group < groups_; ++group) {
        const Statistics of = statistics(pass, group);
        if (pass.saved != nullptr) {
          pass.saved[2 * (n * groups_ + group)] = of.mean;
          pass.saved[2 * (n * groups_ + group) + 1] = of.inverse;
        }
        for_channels(group, [&](std::int64_t c) {
          mean[c] = of.mean;
          factor[c] = pass.parameters[0][c] * of.inverse;
        });
      }
      batch_norm_kernels().normalise(rows_of(src, 0, positions_), mean, factor, pass.parameters[1],
                                     pass.dst + n * size());
    }
  }

  void backward(const Pass& pass, int) const override {
    double* diff_weight = sums(pass, 2);
    double* diff_bias = sums(pass, 3);
    std::fill_n(diff_weight, channels_, 0.0);
    std::fill_n(diff_bias, channels_, 0.0);
    for (std::int64_t n = 0; n < pass.rows; ++n) {
      measure_gradient(pass, n);
      for (std::int64_t c = 0; c < channels_; ++c) {
        diff_bias[c] += sums(pass, 0)[c];
        diff_weight[c] += sums(pass, 1)[c];
      }
      if (pass.diff_src[0] != nullptr) gradient(pass, n);
    }
    std::copy_n(diff_weight, channels_, pass.diff_parameters[0]);
    std::copy_n(diff_bias, channels_, pass.diff_parameters[1]);
  }

 private:
  struct Statistics {
    float mean, inverse;
  };

  // Rows of `channels_` in the workspace.
  static constexpr std::int64_t kDoubles = 4;
  static constexpr std::int64_t kFloats = 4;
  double* sums(const Pass& pass, std::int64_t row) const {
    return doubles(pass.scratch) + row * channels_;
  }
  float* floats(const Pass& pass, std::int64_t row) const {
    return pass.scratch + (kDoubles * kFloatsOfDouble + row) * channels_;
  }

  std::int64_t size() const { return positions_ * channels_; }
  std::int64_t group_size() const { return channels_ / groups_; }

  BatchNormRows rows_of(const float* src, std::int64_t first, std::int64_t count) const {
    return {.rows = count, .channels = channels_, .src = src + first * channels_};
  }

  template <class Body>
  void for_channels(std::int64_t group, const Body& body) const {
    for (std::int64_t c = group * group_size(); c < (group + 1) * group_size(); ++c) body(c);
  }

  template <class Body>
  void for_pieces(const Body& body) const {
    const std::int64_t step = std::max<std::int64_t>(1, kPiece / channels_);
    for (std::int64_t first = 0; first < positions_; first += step)
      body(first, std::min(step, positions_ - first));
  }

  // Mean and sum of squared distances from it of every channel of an example, in sums 0 and 1 (Chan
  // et al. 1979).
  void measure(const Pass& pass, const float* src) const {
    double* mean = sums(pass, 0);
    double* squares = sums(pass, 1);
    std::fill_n(mean, 2 * channels_, 0.0);
    for_pieces([&](std::int64_t first, std::int64_t count) {
      batch_norm_kernels().moments(rows_of(src, first, count), floats(pass, 0), floats(pass, 1));
      const double share = static_cast<double>(count) / static_cast<double>(first + count);
      for (std::int64_t c = 0; c < channels_; ++c) {
        const double distance = floats(pass, 0)[c] / static_cast<double>(count) - mean[c];
        mean[c] += distance * share;
        squares[c] += floats(pass, 1)[c] + distance * distance * static_cast<double>(first) * share;
      }
    });
  }

  Statistics statistics(const Pass& pass, std::int64_t group) const {
    double mean = 0.0;
    double squares = 0.0;
    for_channels(group, [&](std::int64_t c) {
      mean += sums(pass, 0)[c] / static_cast<double>(group_size());
    });
    for_channels(group, [&](std::int64_t c) {
      const double distance = sums(pass, 0)[c] - mean;
      squares += sums(pass, 1)[c] + static_cast<double>(positions_) * distance * distance;
    });
    const double variance = squares / static_cast<double>(group_size() * positions_);
    return {static_cast<float>(mean), static_cast<float>(1.0 / std::sqrt(variance + epsilon_))};
  }

  // The sums of g and of g x^ over the positions of every channel, in sums 0 and 1.
  void measure_gradient(const Pass& pass, std::int64_t n) const {
    float* mean = floats(pass, 0);
    float* inverse = floats(pass, 1);
    for (std::int64_t group = 0; group < groups_; ++group)
      for_channels(group, [&](std::int64_t c) {
        mean[c] = pass.saved[2 * (n * groups_ + group)];
        inverse[c] = pass.saved[2 * (n * groups_ + group) + 1];
      });
    std::fill_n(sums(pass, 0), 2 * channels_, 0.0);
    float* part = floats(pass, 2);
    for_pieces([&](std::int64_t first, std::int64_t count) {
      BatchNormRows rows = rows_of(pass.src[0] + n * size(), first, count);
      rows.subtract = mean;
      rows.factor = inverse;
      std::fill_n(part, 2 * channels_, 0.0f);
      batch_norm_kernels().gradient_sums(rows, pass.diff_dst + n * size() + first * channels_, part,
                                         part + channels_);
      for (std::int64_t i = 0; i < 2 * channels_; ++i) sums(pass, 0)[i] += part[i];
    });
  }

  // With h = g weight: diff_src = (h - mean(h) - x^ mean(h x^)) / sd, means over the group. By
  // channel: a g - b (src - mean) - c.
  void gradient(const Pass& pass, std::int64_t n) const {
    const float* mean = floats(pass, 0);
    float* a = floats(pass, 1);  // holds 1 / sd so far
    float* b = floats(pass, 2);
    float* c = floats(pass, 3);
    const double count = static_cast<double>(group_size() * positions_);
    const float* weight = pass.parameters[0];
    for (std::int64_t group = 0; group < groups_; ++group) {
      double shift = 0.0;
      double slope = 0.0;
      for_channels(group, [&](std::int64_t i) {
        shift += weight[i] * sums(pass, 0)[i] / count;
        slope += weight[i] * sums(pass, 1)[i] / count;
      });
      for_channels(group, [&](std::int64_t i) {
        const double inverse = a[i];
        a[i] = weight[i] * a[i];
        b[i] = static_cast<float>(slope * inverse * inverse);
        c[i] = static_cast<float>(shift * inverse);
      });
    }
    const float* src = pass.src[0] + n * size();
    const float* g = pass.diff_dst + n * size();
    float* diff = pass.diff_src[0] + n * size();
    for (std::int64_t row = 0; row < size(); row += channels_)
      for (std::int64_t i = 0; i < channels_; ++i)
        diff[row + i] = a[i] * g[row + i] - b[i] * (src[row + i] - mean[i]) - c[i];
  }

  std::int64_t channels_;
  std::int64_t positions_;
  std::int64_t groups_;
  double epsilon_;
};

Shape infer_groups(const Node& node, std::span<const Value> src) {
  const Shape& shape = src[0].shape;
  const std::int64_t groups = groups_of(node, shape[0]);
  if (groups < 1 || shape[0] % groups != 0)
    reject(node, "groups is " + std::to_string(groups) + "; expected a divisor of the " +
                     std::to_string(shape[0]) + " channels of src " + to_string(shape));
  return shape;
}

Shape infer_instance(const Node& node, std::span<const Value> src) {
  if (src[0].shape.size() < 2)
    reject(node, "src " + to_string(src[0].shape) +
                     " has no positions to normalise over; expected (C, L) or (C, H, W)");
  return src[0].shape;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value> src) {
  const Shape channels = {src[0].shape[0]};
  return {{node.name + ".weight", channels, Role::kScale, 1.0f},
          {node.name + ".bias", channels, Role::kShift, 0.0f}};
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  const Value& src = request.src[0];
  return std::make_unique<GroupNormKernel>(src, groups_of(request.node, unit_count(src)),
                                           epsilon_of(request.node));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape& shape = args.values[0].shape;
  const auto positions = static_cast<std::size_t>(element_count(shape) / shape[0]);
  const auto channels = static_cast<std::size_t>(shape[0]);
  const std::size_t size =
      positions * channels / static_cast<std::size_t>(groups_of(args.node, shape[0]));
  std::vector<double> dst(args.src[0]);
  for (std::size_t first = 0; first < dst.size(); first += size) {
    double mean = 0.0;
    double variance = 0.0;
    for (std::size_t i = first; i < first + size; ++i) mean += dst[i] / static_cast<double>(size);
    for (std::size_t i = first; i < first + size; ++i)
      variance += (dst[i] - mean) * (dst[i] - mean) / static_cast<double>(size);
    for (std::size_t i = first; i < first + size; ++i) {
      const std::size_t channel = i / positions % channels;
      dst[i] = (dst[i] - mean) / std::sqrt(variance + epsilon_of(args.node)) *
                   args.parameters[0][channel] +
               args.parameters[1][channel];
    }
  }
  return dst;
}

}  // namespace

Operator group_norm_operator() {
  return {.name = "group_norm",
          .layout = LayoutRule::kChannelsLast,
          .infer = infer_groups,
          .parameters = parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kMixed, .norm = Norm::kExample, .keeps_spread = true}};
}
Operator instance_norm_operator() {
  return {.name = "instance_norm",
          .layout = LayoutRule::kChannelsLast,
          .infer = infer_instance,
          .parameters = parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kChannel, .norm = Norm::kExample, .keeps_spread = true}};
}

}  // namespace undying::ops

// max_pool, average_pool: the largest element, or the mean, of a window that slides over (L), (H,
// W) or (D, H, W); and the same over all positions. A volume is pooled plane by plane and then
// along D: a window is a box, so the largest of the largest is the largest, and the mean of the
// means is the mean.
//
// Padding is never the largest element. In an average it counts where count_include_pad says so,
// but what a last window of ceil_mode covers beyond the padding does not. A NaN in the window is
// the result, and takes the gradient.

#include <algorithm>
#include <limits>

#include "ops/convolution/pool_kernels.h"
#include "ops/convolution/window.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

// An axis on which one window covers everything.
PoolAxis covered(std::int64_t extent) {
  PoolAxis axis{.extent = extent, .kernel = extent};
  axis.places.resize(1);
  axis.places[0].count = axis.places[0].padded = extent;
  return axis;
}

// A pooling resolved: of volumes of one element on each axis that is not there.
struct Pooling {
  PoolAxis z, y, x;
  bool counts_padding = false;
};

bool flag(const Node& node, const char* name) {
  return node.attributes.get_or<std::int64_t>(name, 0) != 0;
}

bool counts_padding(const Node& node) { return flag(node, "count_include_pad"); }

PoolAxis axis_of(const Window& window, const Shape& src, const Shape& dst, std::size_t i) {
  PoolAxis axis{.extent = src[i + 1], .kernel = window.kernel[i], .dilation = window.dilations[i]};
  for (std::int64_t o = 0; o < dst[i + 1]; ++o) {
    PoolSpan span;
    for (std::int64_t k = 0; k < axis.kernel; ++k) {
      const std::int64_t at = o * window.strides[i] - window.begins[i] + k * axis.dilation;
      if (at < axis.extent + window.ends[i]) ++span.padded;
      if (at < 0 || at >= axis.extent) continue;
      if (span.count++ == 0) {
        span.first = k;
        span.at = at;
      }
    }
    axis.places.push_back(span);
  }
  return axis;
}

Pooling pooling_of(const Node& node, const Shape& src, const Shape& dst) {
  const Window window = window_of(node, src);
  return {.z = src.size() == 4 ? axis_of(window, src, dst, 0) : covered(1),
          .y = src.size() > 2 ? axis_of(window, src, dst, src.size() - 3) : covered(1),
          .x = axis_of(window, src, dst, src.size() - 2),
          .counts_padding = counts_padding(node)};
}

// Whether windows stand side by side over the whole axis.
bool tiles(const PoolAxis& axis) {
  std::int64_t next = 0;
  for (const PoolSpan& span : axis.places) {
    if (span.at != next || (span.count > 1 && axis.dilation != 1)) return false;
    next += span.count;
  }
  return next == axis.extent;
}

std::int64_t extent_of(const PoolAxis& axis) {
  return static_cast<std::int64_t>(axis.places.size());
}

class PoolKernel final : public Kernel {
 public:
  PoolKernel(Pooling pooling, std::int64_t channels, bool max)
      : pooling_(std::move(pooling)),
        one_(covered(1)),
        channels_(channels),
        plane_(extent_of(pooling_.y) * extent_of(pooling_.x) * channels),
        tiles_(tiles(pooling_.y) && tiles(pooling_.x)),
        deep_(pooling_.z.extent > 1 || pooling_.z.kernel > 1),
        max_(max) {
    keeps_diff = true;
    if (max) saved = (deep_ ? pooling_.z.extent + extent_of(pooling_.z) : 1) * plane_;
    if (deep_) scratch = pooling_.z.extent * plane_;
  }

  void forward(const Pass& pass, int) const override {
    float* planes = deep_ ? pass.scratch : pass.dst;
    const PoolArgs a = planes_of(pass);
    if (max_) pool_kernels().max(a, pass.src[0], planes, pass.saved);
    if (!max_) pool_kernels().average(a, pass.src[0], planes);
    if (deep_ && max_) pool_kernels().max(depth_of(pass), planes, pass.dst, largest_of_depth(pass));
    if (deep_ && !max_) pool_kernels().average(depth_of(pass), planes, pass.dst);
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] == nullptr) return;
    const float* planes = deep_ ? pass.scratch : pass.diff_dst;
    if (deep_ && max_)
      pool_kernels().max_gradient(depth_of(pass), pass.diff_dst, largest_of_depth(pass),
                                  pass.scratch);
    if (deep_ && !max_)
      pool_kernels().average_gradient(depth_of(pass), pass.diff_dst, pass.scratch);
    if (max_)
      return pool_kernels().max_gradient(planes_of(pass), planes, pass.saved, pass.diff_src[0]);
    pool_kernels().average_gradient(planes_of(pass), planes, pass.diff_src[0]);
  }

 private:
  // Each plane as an image of its own.
  PoolArgs planes_of(const Pass& pass) const {
    return {.rows = pass.rows * pooling_.z.extent,
            .channels = channels_,
            .y = &pooling_.y,
            .x = &pooling_.x,
            .tiles = tiles_,
            .counts_padding = pooling_.counts_padding};
  }

  // Along D, where a whole plane stands at each position.
  PoolArgs depth_of(const Pass& pass) const {
    return {.rows = pass.rows,
            .channels = plane_,
            .y = &pooling_.z,
            .x = &one_,
            .tiles = tiles(pooling_.z),
            .counts_padding = pooling_.counts_padding};
  }

  float* largest_of_depth(const Pass& pass) const {
    return pass.saved == nullptr ? nullptr : pass.saved + pass.rows * pooling_.z.extent * plane_;
  }

  Pooling pooling_;
  PoolAxis one_;
  std::int64_t channels_;
  std::int64_t plane_;  // floats of a plane of dst
  bool tiles_;
  bool deep_;
  bool max_;
};

Shape pooled(const Node& node, std::span<const Value> src) {
  const Shape& shape = src[0].shape;
  const Window window = window_of(node, shape);
  Shape dst = {shape[0]};
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    if (std::max(window.begins[i], window.ends[i]) >= reach(window, i))
      reject(node, "pads of " + std::to_string(window.begins[i]) + " and " +
                       std::to_string(window.ends[i]) +
                       " would hold a whole window; expected less than its extent " +
                       std::to_string(reach(window, i)));
    dst.push_back(fits(node, window, shape, i, flag(node, "ceil_mode")));
  }
  return dst;
}

Shape pooled_globally(const Node& node, std::span<const Value> src) {
  const Shape& shape = src[0].shape;
  if (shape.size() < 2)
    reject(node, "src " + to_string(shape) +
                     " has no positions; expected (C, L), (C, H, W) or (C, D, H, W)");
  Shape dst(shape.size(), 1);
  dst[0] = shape[0];
  return dst;
}

template <bool kMax>
std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  const Shape& src = request.src[0].shape;
  return std::make_unique<PoolKernel>(pooling_of(request.node, src, request.dst.shape), src[0],
                                      kMax);
}

template <bool kMax>
std::unique_ptr<Kernel> plan_global(const PlanRequest& request) {
  return std::make_unique<PoolKernel>(
      Pooling{covered(1), covered(1), covered(position_count(request.src[0]))},
      request.src[0].shape[0], kMax);
}

// Of one channel (extents of y, x) at one place: `counted` elements are divided by.
template <bool kMax>
double pooled_value(const double* channel, const Window& window, const Shape& image,
                    const Shape& place, bool counts_padding) {
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0.0;
  double counted = 0.0;
  for (std::int64_t k = 0; k < element_count(window.kernel); ++k) {
    Shape at = index_of(k, window.kernel);
    bool inside = true;
    bool within_padding = true;
    for (std::size_t i = 0; i < at.size(); ++i) {
      at[i] = place[i] * window.strides[i] - window.begins[i] + at[i] * window.dilations[i];
      inside = inside && at[i] >= 0 && at[i] < image[i];
      within_padding = within_padding && at[i] < image[i] + window.ends[i];
    }
    if (inside || (counts_padding && within_padding)) ++counted;
    if (!inside) continue;
    largest = std::max(largest, channel[element_at(at, image)]);
    sum += channel[element_at(at, image)];
  }
  return kMax ? largest : sum / counted;
}

template <bool kMax>
std::vector<double> reference_of(const Operator::ReferenceArgs& args, const Window& window,
                                 const Shape& dst_shape) {
  const Shape& shape = args.values[0].shape;
  const Shape image(shape.begin() + 1, shape.end());
  const Shape places(dst_shape.begin() + 1, dst_shape.end());
  std::vector<double> dst;
  for (std::int64_t channel = 0; channel < args.rows * shape[0]; ++channel)
    for (std::int64_t o = 0; o < element_count(places); ++o)
      dst.push_back(pooled_value<kMax>(args.src[0].data() + channel * element_count(image), window,
                                       image, index_of(o, places), counts_padding(args.node)));
  return dst;
}

template <bool kMax>
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  return reference_of<kMax>(args, window_of(args.node, args.values[0].shape),
                            pooled(args.node, args.values));
}

template <bool kMax>
std::vector<double> reference_global(const Operator::ReferenceArgs& args) {
  const Shape& shape = args.values[0].shape;
  const Shape ones(shape.size() - 1, 1);
  const Shape zeros(shape.size() - 1, 0);
  const Window all{Shape(shape.begin() + 1, shape.end()), ones, ones, zeros, zeros};
  return reference_of<kMax>(args, all, pooled_globally(args.node, args.values));
}

}  // namespace

Operator max_pool_operator() {
  return {.name = "max_pool",
          .layout = LayoutRule::kChannelsLast,
          .infer = pooled,
          .parameters = no_parameters,
          .plan = plan<true>,
          .reference = reference<true>,
          .traits = {.kind = Kind::kChannel,
                     .pool = Pool::kMax,
                     .keeps_units = true,
                     .keeps_spread = true,
                     .within_inputs = true}};
}
Operator average_pool_operator() {
  return {.name = "average_pool",
          .layout = LayoutRule::kChannelsLast,
          .infer = pooled,
          .parameters = no_parameters,
          .plan = plan<false>,
          .reference = reference<false>,
          .traits = {.kind = Kind::kChannel,
                     .pool = Pool::kMean,
                     .keeps_units = true,
                     .within_inputs = true,
                     .counts_zeros = counts_padding}};
}
Operator global_average_pool_operator() {
  return {
      .name = "global_average_pool",
      .layout = LayoutRule::kChannelsLast,
      .infer = pooled_globally,
      .parameters = no_parameters,
      .plan = plan_global<false>,
      .reference = reference_global<false>,
      .traits = {
          .kind = Kind::kChannel, .pool = Pool::kMean, .keeps_units = true, .within_inputs = true}};
}
Operator global_max_pool_operator() {
  return {
      .name = "global_max_pool",
      .layout = LayoutRule::kChannelsLast,
      .infer = pooled_globally,
      .parameters = no_parameters,
      .plan = plan_global<true>,
      .reference = reference_global<true>,
      .traits = {
          .kind = Kind::kChannel, .pool = Pool::kMax, .keeps_units = true, .within_inputs = true}};
}

}  // namespace undying::ops

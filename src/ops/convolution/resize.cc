// resize: images by nearest, linear or cubic interpolation along each dimension, as ONNX's Resize
// has it. Each element of an axis of dst is a weighted sum of up to four of src (Keys 1981 for the
// cubic), so that the whole is one pass an axis, forward and back.

#include <algorithm>
#include <cmath>

#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

struct Tap {
  std::int64_t from;
  double weight;
};
using Taps = std::vector<std::vector<Tap>>;  // of each element of an axis of dst

struct Settings {
  Shape sizes;                 // of dst
  std::vector<double> scales;  // dst / src, as the file says: sizes are rounded
  std::string mode, coordinates, nearest;
  double cubic;
  bool exclude_outside;
};

Settings settings_of(const Node& node, const Shape& shape) {
  const Attributes& a = node.attributes;
  Settings s{.sizes = a.get<std::vector<std::int64_t>>("sizes"),
             .scales = a.get_or<std::vector<double>>("scales", {}),
             .mode = a.get_or<std::string>("mode", "nearest"),
             .coordinates = a.get_or<std::string>("coordinates", "half_pixel"),
             .nearest = a.get_or<std::string>("nearest", "round_prefer_floor"),
             .cubic = a.get_or<double>("cubic", -0.75),
             .exclude_outside = a.get_or<std::int64_t>("exclude_outside", 0) != 0};
  if (s.sizes.size() != shape.size())
    reject(node, "its sizes " + to_string(s.sizes) + " do not fit " + to_string(shape));
  if (s.scales.empty())
    for (std::size_t i = 0; i < shape.size(); ++i)
      s.scales.push_back(static_cast<double>(s.sizes[i]) / static_cast<double>(shape[i]));
  if (s.scales.size() != shape.size())
    reject(node, "has " + std::to_string(s.scales.size()) + " scales for " + to_string(shape));
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (s.sizes[i] < 1 || !(s.scales[i] > 0.0))
      reject(node, "gives " + to_string(shape) + " the sizes " + to_string(s.sizes));
  for (const auto& [value, known] :
       {std::pair{s.mode, "nearest linear cubic"},
        {s.coordinates,
         "half_pixel half_pixel_symmetric pytorch_half_pixel align_corners asymmetric"},
        {s.nearest, "round_prefer_floor round_prefer_ceil floor ceil"}})
    if (std::string(known).find(value) == std::string::npos)
      reject(node, value + " is none of " + known);
  return s;
}

// Where element i of dst stands in src.
double position(const Settings& s, std::int64_t i, double scale, std::int64_t src,
                std::int64_t dst) {
  const auto x = static_cast<double>(i);
  const double length = scale * static_cast<double>(src);
  if (s.coordinates == "asymmetric") return x / scale;
  if (s.coordinates == "align_corners")
    return length <= 1.0 ? 0.0 : x * static_cast<double>(src - 1) / (length - 1.0);
  if (s.coordinates == "pytorch_half_pixel" && length <= 1.0) return 0.0;
  if (s.coordinates != "half_pixel_symmetric") return (x + 0.5) / scale - 0.5;
  const double centre = static_cast<double>(src) / 2.0;
  return centre * (1.0 - static_cast<double>(dst) / length) + (x + 0.5) / scale - 0.5;
}

double rounded(const Settings& s, double x) {
  if (s.nearest == "floor") return std::floor(x);
  if (s.nearest == "ceil") return std::ceil(x);
  return s.nearest == "round_prefer_ceil" ? std::floor(x + 0.5) : std::ceil(x - 0.5);
}

double cubic_weight(double distance, double a) {
  const double d = std::fabs(distance);
  if (d <= 1.0) return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
  return d < 2.0 ? ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a : 0.0;
}

// Elements beyond the edge are those at the edge, or none.
std::vector<Tap> taps_at(const Settings& s, double x, std::int64_t src) {
  const auto inside = [&](double at) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(at), 0, src - 1);
  };
  if (s.mode == "nearest") return {{inside(rounded(s, x)), 1.0}};
  const double first = std::floor(x);
  std::vector<Tap> taps;
  double sum = 0.0;
  const int reach = s.mode == "linear" ? 1 : 2;
  for (int k = 1 - reach; k <= reach; ++k) {
    const double at = first + k;
    if (s.exclude_outside && (at < 0.0 || at > static_cast<double>(src - 1))) continue;
    const double weight =
        s.mode == "linear" ? 1.0 - std::fabs(x - at) : cubic_weight(x - at, s.cubic);
    taps.push_back({inside(at), weight});
    sum += weight;
  }
  for (Tap& tap : taps) tap.weight /= s.exclude_outside ? sum : 1.0;
  return taps;
}

Taps taps_of(const Settings& s, const Shape& shape, std::size_t axis) {
  Taps taps;
  for (std::int64_t i = 0; i < s.sizes[axis]; ++i)
    taps.push_back(
        taps_at(s, position(s, i, s.scales[axis], shape[axis], s.sizes[axis]), shape[axis]));
  return taps;
}

// One axis: (outer, src, inner) to (outer, dst, inner).
struct Step {
  std::int64_t outer, src, inner;
  Taps taps;

  std::int64_t dst() const { return static_cast<std::int64_t>(taps.size()); }

  void forward(const float* from, float* to) const {
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t i = 0; i < dst(); ++i) {
        float* row = to + (o * dst() + i) * inner;
        std::fill_n(row, inner, 0.0f);
        for (const Tap& tap : taps[i]) add(from + (o * src + tap.from) * inner, tap.weight, row);
      }
  }

  void backward(const float* from, float* to) const {
    std::fill_n(to, outer * src * inner, 0.0f);
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t i = 0; i < dst(); ++i)
        for (const Tap& tap : taps[i])
          add(from + (o * dst() + i) * inner, tap.weight, to + (o * src + tap.from) * inner);
  }

 private:
  void add(const float* from, double weight, float* to) const {
    const auto w = static_cast<float>(weight);
    for (std::int64_t k = 0; k < inner; ++k) to[k] += w * from[k];
  }
};

class ResizeKernel final : public Kernel {
 public:
  ResizeKernel(const Settings& settings, const Value& src)
      : src_size_(element_count(src.shape)), dst_size_(element_count(settings.sizes)) {
    Shape extents = stored(src);
    std::int64_t largest = std::max(src_size_, dst_size_);
    for (std::size_t axis = 0; axis < src.shape.size(); ++axis) {
      if (settings.sizes[axis] == src.shape[axis] && settings.scales[axis] == 1.0) continue;
      const std::size_t at = stored_axis(src, axis);
      steps_.push_back({extent_product(extents, 0, at), extents[at],
                        extent_product(extents, at + 1, extents.size()),
                        taps_of(settings, src.shape, axis)});
      extents[at] = settings.sizes[axis];
      largest = std::max(largest, element_count(extents));
    }
    keeps_diff = true;
    workspace = 2 * largest;
  }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t n = 0; n < pass.rows; ++n)
      run(pass, pass.src[0] + n * src_size_, pass.dst + n * dst_size_, dst_size_, true);
  }

  void backward(const Pass& pass, int) const override {
    for (std::int64_t n = 0; n < pass.rows && pass.diff_src[0] != nullptr; ++n)
      run(pass, pass.diff_dst + n * dst_size_, pass.diff_src[0] + n * src_size_, src_size_, false);
  }

 private:
  // From buffer to buffer, the last one being `to`.
  void run(const Pass& pass, const float* from, float* to, std::int64_t size, bool forwards) const {
    if (steps_.empty()) return void(std::copy_n(from, size, to));
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = steps_[forwards ? i : steps_.size() - 1 - i];
      float* next = i + 1 == steps_.size()
                        ? to
                        : pass.scratch + static_cast<std::int64_t>(i % 2) * (workspace / 2);
      forwards ? step.forward(from, next) : step.backward(from, next);
      from = next;
    }
  }

  std::int64_t src_size_;
  std::int64_t dst_size_;
  std::vector<Step> steps_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  return settings_of(node, src[0].shape).sizes;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<ResizeKernel>(settings_of(request.node, request.src[0].shape),
                                        request.src[0]);
}

// All dimensions at once: products of the weights of each.
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape& shape = args.values[0].shape;
  const Settings s = settings_of(args.node, shape);
  std::vector<double> dst;
  for (std::int64_t i = 0; i < args.rows * element_count(s.sizes); ++i) {
    const Shape to = index_of(i % element_count(s.sizes), s.sizes);
    double sum = 0.0;
    for (std::int64_t j = 0; j < element_count(shape); ++j) {
      const Shape from = index_of(j, shape);
      double weight = 1.0;
      for (std::size_t axis = 0; axis < shape.size() && weight != 0.0; ++axis) {
        double along = 0.0;
        for (const Tap& tap : taps_at(
                 s, position(s, to[axis], s.scales[axis], shape[axis], s.sizes[axis]), shape[axis]))
          if (tap.from == from[axis]) along += tap.weight;
        weight *= along;
      }
      sum += weight * args.src[0][i / element_count(s.sizes) * element_count(shape) + j];
    }
    dst.push_back(sum);
  }
  return dst;
}

void set_sizes(Node& node, std::span<const Shape>, const Shape& dst) {
  node.attributes.set("sizes", dst);
}

}  // namespace

Operator resize_operator() {
  return {.name = "resize",
          .layout = LayoutRule::kAny,
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kResize, .reshape = set_sizes}};
}

}  // namespace undying::ops

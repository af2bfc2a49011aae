// add, sub, mul, div, maximum, minimum and the comparisons: dst = a op b elementwise, each
// broadcast to the other as NumPy does; and the activation behind an add, which makes it the end of
// a residual block (He et al. 2016).
//
// A maximum hands its gradient to the larger operand, and half of it to each of two that are equal;
// comparisons have none. An add of equal shapes hands its gradient on as it is. Where an operand
// was broadcast, its gradient is the sum over all that it met.

#include <algorithm>
#include <array>
#include <type_traits>

#include "ops/doubles.h"
#include "ops/elementwise/activation_step.h"
#include "ops/elementwise/binary_kernels.h"
#include "ops/rows.h"
#include "ops/walk.h"

namespace undying::ops {
namespace {

// Floats of a piece that is added and activated while it is in a cache.
constexpr std::int64_t kPiece = 16384;

// What differs between them: the vector kernel of the forward pass, and the gradient of dst with
// respect to each operand times g.
struct Add {
  static constexpr auto kernel = &BinaryKernels::add;
  static constexpr bool kNeedsSrc = false;
  static float diff_a(float g, float, float) { return g; }
  static float diff_b(float g, float, float) { return g; }
  static double value(double a, double b) { return a + b; }
};
struct Sub {
  static constexpr auto kernel = &BinaryKernels::sub;
  static constexpr bool kNeedsSrc = false;
  static float diff_a(float g, float, float) { return g; }
  static float diff_b(float g, float, float) { return -g; }
  static double value(double a, double b) { return a - b; }
};
struct Mul {
  static constexpr auto kernel = &BinaryKernels::mul;
  static constexpr bool kNeedsSrc = true;
  static float diff_a(float g, float, float b) { return g * b; }
  static float diff_b(float g, float a, float) { return g * a; }
  static double value(double a, double b) { return a * b; }
};
struct Div {
  static constexpr auto kernel = &BinaryKernels::div;
  static constexpr bool kNeedsSrc = true;
  static float diff_a(float g, float, float b) { return g / b; }
  static float diff_b(float g, float a, float b) { return -(g / b) * (a / b); }
  static double value(double a, double b) { return a / b; }
};
struct Maximum {
  static constexpr auto kernel = &BinaryKernels::maximum;
  static constexpr bool kNeedsSrc = true;
  static float diff_a(float g, float a, float b) { return a > b ? g : a < b ? 0.0f : 0.5f * g; }
  static float diff_b(float g, float a, float b) { return diff_a(g, b, a); }
  static double value(double a, double b) { return std::max(a, b); }
};
struct Minimum {
  static constexpr auto kernel = &BinaryKernels::minimum;
  static constexpr bool kNeedsSrc = true;
  static float diff_a(float g, float a, float b) { return Maximum::diff_a(g, b, a); }
  static float diff_b(float g, float a, float b) { return Maximum::diff_a(g, a, b); }
  static double value(double a, double b) { return std::min(a, b); }
};
struct Comparison {
  static constexpr bool kNeedsSrc = false;
  static float diff_a(float, float, float) { return 0.0f; }
  static float diff_b(float, float, float) { return 0.0f; }
};
struct Greater : Comparison {
  static constexpr auto kernel = &BinaryKernels::greater;
  static double value(double a, double b) { return a > b ? 1.0 : 0.0; }
};
struct Less : Comparison {
  static constexpr auto kernel = &BinaryKernels::less;
  static double value(double a, double b) { return a < b ? 1.0 : 0.0; }
};
struct Equal : Comparison {
  static constexpr auto kernel = &BinaryKernels::equal;
  static double value(double a, double b) { return a == b ? 1.0 : 0.0; }
};

Walk<3> walk_of(const PlanRequest& request) {
  const Shape dst = stored(request.dst);
  return {dst,
          {strides(dst), broadcast_strides(stored(request.src[0]), dst),
           broadcast_strides(stored(request.src[1]), dst)}};
}

template <class Op>
class BinaryKernel final : public Kernel {
 public:
  explicit BinaryKernel(const PlanRequest& request)
      : units_(unit_count(request.dst)),
        positions_(position_count(request.dst)),
        sizes_{element_count(request.src[0].shape), element_count(request.src[1].shape)},
        equal_(request.src[0].shape == request.src[1].shape),
        follows_(request.follower != nullptr),
        walk_(walk_of(request)),
        activation_(request.follower, {.units = units_, .positions = positions_}, 0) {
    needs_src = Op::kNeedsSrc;
    needs_dst = follows_ && activation_.saves() == activations::Saves::kOutput;
    in_place = true;
    shares_diff = equal_ && narrow() && std::is_same_v<Op, Add>;
    keeps_diff = !follows_ || !narrow();
    saved = needs_dst || !follows_ ? 0 : size();
    scratch = narrow() ? 0 : size();
    workspace = equal_ ? 0 : kFloatsOfDouble * std::max(sizes_[0], sizes_[1]);
  }

  void forward(const Pass& pass, int) const override {
    float* z = pass.saved != nullptr ? pass.saved : narrow() ? pass.dst : before_wide(pass);
    const std::int64_t rows = pass.rows * positions_;
    const std::int64_t step = activation_.divisible() ? piece() : rows;
    for (std::int64_t first = 0; first < rows; first += step) {
      const Rows part{first, std::min(step, rows - first)};
      compute(pass, part, z);
      if (follows_) activation_.forward(pass, z, nullptr, part);
    }
  }

  void backward(const Pass& pass, int) const override {
    const float* g = pass.diff_dst;
    if (follows_) {
      float* diff_z = narrow() ? pass.diff_dst : before_wide(pass);
      activation_.backward(pass, pass.saved != nullptr ? pass.saved : pass.dst, diff_z, nullptr);
      g = diff_z;
    }
    if (shares_diff) return;
    gradient(pass, 0, g, Op::diff_a);
    gradient(pass, 1, g, Op::diff_b);
  }

 private:
  std::int64_t size() const { return units_ * positions_; }
  bool narrow() const { return activation_.width() == 1; }
  float* before_wide(const Pass& pass) const {
    return pass.scratch + workspace;
  }  // what a wide activation widens

  // Rows of a piece: of whole examples where something is broadcast.
  std::int64_t piece() const {
    const std::int64_t unit = equal_ ? 1 : positions_;
    return unit * std::max<std::int64_t>(1, kPiece / (units_ * unit));
  }

  void compute(const Pass& pass, Rows rows, float* z) const {
    const auto kernel = binary_kernels().*Op::kernel;
    if (equal_) {
      const std::int64_t at = rows.first * units_;
      return kernel({.count = rows.count * units_,
                     .a = pass.src[0] + at,
                     .b = pass.src[1] + at,
                     .dst = z + at});
    }
    const auto& step = walk_.step();
    for (std::int64_t n = rows.first / positions_; n < (rows.first + rows.count) / positions_; ++n)
      walk_.run([&](const auto& at) {
        kernel({.count = walk_.count(),
                .a = pass.src[0] + n * sizes_[0] + at[1],
                .b = pass.src[1] + n * sizes_[1] + at[2],
                .dst = z + n * size() + at[0],
                .a_moves = step[1] != 0,
                .b_moves = step[2] != 0});
      });
  }

  template <class Local>
  void gradient(const Pass& pass, std::size_t k, const float* g, const Local& local) const {
    if (pass.diff_src[k] == nullptr) return;
    for (std::int64_t n = 0; n < pass.rows; ++n) {
      const float* a = pass.src[0] + n * sizes_[0];
      const float* b = pass.src[1] + n * sizes_[1];
      float* diff = pass.diff_src[k] + n * sizes_[k];
      if (sizes_[k] == size()) {
        pointwise(g + n * size(), a, b, local, diff);
      } else {
        summed(k, g + n * size(), a, b, local, doubles(pass.scratch), diff);
      }
    }
  }

  // Of an operand that was not broadcast.
  template <class Local>
  void pointwise(const float* g, const float* a, const float* b, const Local& local,
                 float* diff) const {
    const auto& step = walk_.step();
    walk_.run([&](const auto& at) {
      for (std::int64_t i = 0; i < walk_.count(); ++i)
        diff[at[0] + i] = local(g[at[0] + i], a[at[1] + i * step[1]], b[at[2] + i * step[2]]);
    });
  }

  template <class Local>
  void summed(std::size_t k, const float* g, const float* a, const float* b, const Local& local,
              double* sums, float* diff) const {
    const auto& step = walk_.step();
    std::fill_n(sums, sizes_[k], 0.0);
    walk_.run([&](const auto& at) {
      const auto term = [&](std::int64_t i) {
        return local(g[at[0] + i], a[at[1] + i * step[1]], b[at[2] + i * step[2]]);
      };
      double* to = sums + at[k + 1];
      if (step[k + 1] == 0) {
        *to += lane_sum(walk_.count(), term);
      } else {
        for (std::int64_t i = 0; i < walk_.count(); ++i) to[i] += term(i);
      }
    });
    std::copy_n(sums, sizes_[k], diff);
  }

  std::int64_t units_;
  std::int64_t positions_;
  std::array<std::int64_t, 2> sizes_;
  bool equal_;
  bool follows_;
  Walk<3> walk_;
  ActivationStep activation_;
};

Shape broadcast(const Node& node, std::span<const Value> src) {
  const Shape& a = src[0].shape;
  const Shape& b = src[1].shape;
  Shape dst = a.size() >= b.size() ? a : b;
  for (std::size_t i = 1; i <= std::min(a.size(), b.size()); ++i) {
    const std::int64_t of_a = a[a.size() - i];
    const std::int64_t of_b = b[b.size() - i];
    if (of_a != of_b && of_a != 1 && of_b != 1)
      reject(node, "src " + to_string(a) + " and " + to_string(b) + " do not broadcast: " +
                       std::to_string(of_a) + " != " + std::to_string(of_b));
    dst[dst.size() - i] = of_a == 1 ? of_b : of_a;
  }
  return dst;
}

template <class Op>
std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<BinaryKernel<Op>>(request);
}

// Which element of an operand meets one of dst: axes count from the last, and those of extent 1
// have one element.
std::int64_t met(Shape index, const Shape& operand) {
  index.erase(index.begin(), index.end() - static_cast<std::ptrdiff_t>(operand.size()));
  for (std::size_t axis = 0; axis < operand.size(); ++axis)
    index[axis] = std::min(index[axis], operand[axis] - 1);
  return element_at(index, operand);
}

template <class Op>
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape shape = broadcast(args.node, args.values);
  std::vector<double> dst;
  for (std::int64_t n = 0; n < args.rows; ++n) {
    for (std::int64_t i = 0; i < element_count(shape); ++i) {
      const auto operand = [&](std::size_t k) {
        const Shape& own = args.values[k].shape;
        return args.src[k][n * element_count(own) + met(index_of(i, shape), own)];
      };
      dst.push_back(Op::value(operand(0), operand(1)));
    }
  }
  return dst;
}

template <class Op>
Operator row(std::string_view name, Arithmetic arithmetic = Arithmetic::kNone) {
  return {.name = name,
          .layout = LayoutRule::kAny,
          .inputs = 2,
          .infer = broadcast,
          .parameters = no_parameters,
          .plan = plan<Op>,
          .reference = reference<Op>,
          .traits = {.kind = Kind::kElement,
                     .arithmetic = arithmetic,
                     .passes_gradient = [](const Node&, std::size_t) {
                       return !std::is_base_of_v<Comparison, Op>;
                     }}};
}

}  // namespace

Operator add_operator() {
  Operator add = row<Add>("add", Arithmetic::kAdd);
  add.fuses_activation = true;
  add.traits.keeps_spread = true;
  return add;
}
Operator sub_operator() { return row<Sub>("sub", Arithmetic::kSubtract); }
Operator mul_operator() { return row<Mul>("mul", Arithmetic::kMultiply); }
Operator div_operator() { return row<Div>("div", Arithmetic::kDivide); }
Operator maximum_operator() { return row<Maximum>("maximum"); }
Operator minimum_operator() { return row<Minimum>("minimum"); }
Operator greater_operator() { return row<Greater>("greater"); }
Operator less_operator() { return row<Less>("less"); }
Operator equal_operator() { return row<Equal>("equal"); }

}  // namespace undying::ops

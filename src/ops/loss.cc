#include "ops/loss.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/loss.cc"
#include <hwy/foreach_target.h>  // must come before highway.h

#include "ops/reduce/softmax-inl.h"
#include "undying/error.h"

#if HWY_ONCE
namespace undying::ops {
namespace {

HWY_EXPORT(softmax_cross_entropy);

struct Point {
  double loss;
  double gradient;
};

Point squared(double x, double y) { return {(x - y) * (x - y), 2.0 * (x - y)}; }

// log(1 + exp(x)) - x y, written so that neither end overflows.
Point binary(double x, double y) {
  const double loss = std::fmax(x, 0.0) - x * y + std::log1p(std::exp(-std::fabs(x)));
  return {std::isnan(x) ? x : loss, 1.0 / (1.0 + std::exp(-x)) - y};
}

Point huber(double x, double y, double delta) {
  const double distance = x - y;
  if (std::fabs(distance) <= delta) return {0.5 * distance * distance, distance};
  return {delta * (std::fabs(distance) - 0.5 * delta), distance > 0 ? delta : -delta};
}

Point point(const LossOptions& options, double x, double y) {
  switch (options.loss) {
    case Loss::kMeanSquaredError:
      return squared(x, y);
    case Loss::kBinaryCrossEntropy:
      return binary(x, y);
    case Loss::kHuber:
      return huber(x, y, options.huber_delta);
    case Loss::kSoftmaxCrossEntropy:
      break;  // of all outputs together
  }
  throw Error(ErrorCode::kInternal, "loss", "is of no single output");
}

bool is_correct(const LossArgs& args, std::int64_t row) {
  const float* x = args.outputs + row * args.width;
  if (args.width == 1) return (x[0] > 0.0f) == (args.labels[row] == 1);
  std::int64_t best = 0;
  for (std::int64_t j = 1; j < args.width; ++j)
    if (x[j] > x[best]) best = j;
  return best == args.labels[row];
}

double target(const LossArgs& args, std::int64_t row, std::int64_t j) {
  if (args.labels == nullptr) return args.targets[row * args.width + j];
  if (args.width == 1) return args.labels[row];
  return args.labels[row] == j ? 1.0 : 0.0;
}

LossSums pointwise(const LossOptions& options, const LossArgs& args) {
  LossSums total;
  const double width = static_cast<double>(args.width);
  for (std::int64_t row = 0; row < args.rows; ++row) {
    const double weight = args.weights == nullptr ? 1.0 : args.weights[row];
    for (std::int64_t j = 0; j < args.width; ++j) {
      const std::int64_t i = row * args.width + j;
      const Point at = point(options, args.outputs[i], target(args, row, j));
      total.loss += weight * at.loss / width;
      if (args.diff != nullptr)
        args.diff[i] = static_cast<float>(weight * at.gradient / width * args.scale);
    }
    if (args.labels != nullptr) total.correct += is_correct(args, row);
  }
  return total;
}

}  // namespace

std::int64_t LossOptions::columns() const {
  std::int64_t sum = 0;
  for (const OutputLoss& output : outputs) sum += output.columns;
  return sum;
}

// Rows of one output are brought together for the loss, and its gradient back to where they were.
LossSums compute_loss(const LossOptions& options, const OutputLoss& output, const LossArgs& args) {
  thread_local std::vector<float> values, targets, diff;
  thread_local std::vector<std::int32_t> labels;
  const std::int64_t columns = options.columns();
  const auto size = static_cast<std::size_t>(args.rows * output.width);
  values.resize(size);
  diff.resize(size);
  targets.resize(static_cast<std::size_t>(args.rows * output.columns));
  labels.resize(static_cast<std::size_t>(args.rows));
  for (std::int64_t row = 0; row < args.rows; ++row) {
    std::copy_n(args.outputs + row * args.width + output.first, output.width,
                values.data() + row * output.width);
    const float* from = args.targets + row * columns + output.target;
    std::copy_n(from, output.columns, targets.data() + row * output.columns);
    labels[row] = static_cast<std::int32_t>(*from);
  }
  LossOptions own = options;
  own.loss = output.loss;
  own.outputs.clear();
  const LossSums sums =
      compute_loss(own, {.rows = args.rows,
                         .width = output.width,
                         .outputs = values.data(),
                         .labels = output.classes ? labels.data() : nullptr,
                         .targets = targets.data(),
                         .diff = args.diff == nullptr ? nullptr : diff.data(),
                         .scale = static_cast<float>(args.scale * output.weight)});
  for (std::int64_t row = 0; args.diff != nullptr && row < args.rows; ++row)
    std::copy_n(diff.data() + row * output.width, output.width,
                args.diff + row * args.width + output.first);
  return sums;
}

LossSums compute_loss(const LossOptions& options, const LossArgs& args) {
  if (!options.outputs.empty()) {
    LossSums total;
    if (args.diff != nullptr) std::fill_n(args.diff, args.rows * args.width, 0.0f);
    for (const OutputLoss& output : options.outputs)
      total.loss += output.weight * compute_loss(options, output, args).loss;
    return total;
  }
  if (options.loss != Loss::kSoftmaxCrossEntropy) return pointwise(options, args);
  return HWY_DYNAMIC_DISPATCH(softmax_cross_entropy)(args, options.label_smoothing);
}

}  // namespace undying::ops
#endif  // HWY_ONCE

// The conformance walk: every row of the operator table against its naive reference and against
// finite differences of it.

#include "ops/operator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "base/philox.h"
#include "onednn/convolution.h"
#include "ops/test_support.h"

namespace undying::ops {
namespace {

constexpr std::int64_t kRows = 12;

// The same values in the layout that the kernel works on, and back.
std::vector<float> to_layout(const std::vector<float>& values, const Value& value,
                             bool back = false) {
  if (value.layout == Layout::kPlain) return values;
  std::int64_t channels = value.shape[0];
  std::int64_t positions = element_count(value.shape) / channels;
  if (back) std::swap(channels, positions);
  std::vector<float> all(values.size());
  const std::size_t size = static_cast<std::size_t>(channels * positions);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t c = i % size / static_cast<std::size_t>(positions);
    const std::size_t p = i % static_cast<std::size_t>(positions);
    all[i / size * size + p * static_cast<std::size_t>(channels) + c] = values[i];
  }
  return all;
}

// A case planned over some shards, with everything a pass points to. Values are kept plain and
// handed over in the kernel's layout.
class Bench {
 public:
  Bench(const Case& tested, int shards, Precision precision = Precision::kFloat32)
      : tested_(tested), shards_(shards) {
    const Operator& row = operator_named(tested.node);
    const Value own = infer(tested.node, tested.src);
    dst_value_ = own;
    specs_ = row.parameters(tested.node, tested.src);
    if (!tested.follower.empty()) {
      const Operator& next = operator_named(tested.follower[0]);
      for (auto& spec : next.parameters(tested.follower[0], std::span(&own, 1)))
        specs_.push_back(spec);
      dst_value_ = infer(tested.follower[0], std::span(&own, 1));
    }
    kernel_ = row.plan({.node = tested_.node,
                        .src = tested_.src,
                        .dst = own,
                        .follower = tested_.follower.empty() ? nullptr : &tested_.follower[0],
                        .training = true,
                        .frozen = tested_.frozen,
                        .exact = tested_.exact,
                        .precision = precision,
                        .rows = (kRows + shards - 1) / shards,
                        .shards = shards});
    const Random random(5, Stream::kTest);
    std::uint64_t drawn = 0;
    for (const auto& spec : specs_) {
      parameters_.emplace_back();
      for (std::int64_t i = 0; i < element_count(spec.shape); ++i) {
        const double draw = random.normal(drawn++);
        using Role = ParameterSpec::Role;
        parameters_.back().push_back(
            spec.role == Role::kSlope             ? 0.3f + 0.01f * static_cast<float>(i)
            : spec.role == Role::kRunningVariance ? static_cast<float>(0.5 + draw * draw)
            : spec.role == Role::kScale ? static_cast<float>(draw < 0 ? draw - 0.2 : draw + 0.2)
                                        : static_cast<float>(0.5 * draw));
      }
    }
    for (const Value& value : tested_.src) {
      src_.emplace_back();
      for (std::int64_t i = 0; i < kRows * element_count(value.shape); ++i)
        src_.back().push_back(drawn_value(random.normal(10'000 + drawn++)));
    }
    for (std::int64_t i = 0; i < kRows * element_count(dst_value_.shape); ++i)
      diff_dst_.push_back(static_cast<float>(random.normal(20'000 + drawn++)));
  }

  std::vector<double> reference(const std::vector<std::vector<double>>& src,
                                const std::vector<std::vector<double>>& parameters) const {
    const Pass pass{
        .rows = kRows, .batch_rows = kRows, .training = !tested_.frozen, .seed = 9, .step = 4};
    auto dst = operator_named(tested_.node)
                   .reference({tested_.node, tested_.src, kRows, src, parameters, pass});
    if (tested_.follower.empty()) return dst;
    const std::size_t own =
        operator_named(tested_.node).parameters(tested_.node, tested_.src).size();
    const Value between = infer(tested_.node, tested_.src);
    const std::vector<std::vector<double>> values = {dst};
    return operator_named(tested_.follower[0])
        .reference({tested_.follower[0], std::span(&between, 1), kRows, values,
                    std::span(parameters).subspan(own), pass});
  }

  bool divides() const { return kernel_->divides; }
  bool works_in_place() const { return kernel_->in_place && src_[0].size() == diff_dst_.size(); }

  void run(bool in_place = false) {
    const std::int64_t dst_size = element_count(dst_value_.shape);
    std::vector<std::vector<float>> src;
    for (std::size_t k = 0; k < src_.size(); ++k) src.push_back(to_layout(src_[k], tested_.src[k]));
    std::vector<float> dst(diff_dst_.size());
    std::vector<std::vector<float>> diff_src;
    for (const auto& values : src) diff_src.emplace_back(values.size());
    diff_parameters_.assign(static_cast<std::size_t>(shards_), {});
    std::vector<float> shared(static_cast<std::size_t>(kernel_->shared * shards_));
    std::vector<float> diff_dst = to_layout(diff_dst_, dst_value_);
    std::vector<float> saved(static_cast<std::size_t>(kRows * kernel_->saved));
    const std::int64_t scratch_size = kRows * kernel_->scratch + kernel_->workspace;
    std::vector<float> scratch(static_cast<std::size_t>(scratch_size * shards_));
    std::vector<Pass> passes;
    std::vector<std::vector<float*>> values(static_cast<std::size_t>(shards_));
    std::vector<std::vector<float*>> diffs(static_cast<std::size_t>(shards_));
    std::vector<std::vector<const float*>> from(static_cast<std::size_t>(shards_));
    std::vector<std::vector<float*>> to(static_cast<std::size_t>(shards_));
    for (int s = 0; s < shards_; ++s) {
      const std::int64_t first = kRows * s / shards_;
      Pass pass{.rows = kRows * (s + 1) / shards_ - first,
                .first_row = first,
                .batch_rows = kRows,
                .shard = s,
                .shards = shards_,
                .training = !tested_.frozen,
                .seed = 9,
                .step = 4};
      const auto index = static_cast<std::size_t>(s);
      for (std::size_t p = 0; p < parameters_.size(); ++p) {
        diff_parameters_[index].push_back(std::vector<float>(parameters_[p].size()));
        values[index].push_back(parameters_[p].data());
      }
      for (auto& diff : diff_parameters_[index]) diffs[index].push_back(diff.data());
      for (std::size_t k = 0; k < src.size(); ++k) {
        const std::int64_t size = element_count(tested_.src[k].shape);
        from[index].push_back(src[k].data() + first * size);
        to[index].push_back(diff_src[k].data() + first * size);
      }
      pass.src = from[index];
      pass.dst = (in_place ? src[0] : dst).data() + first * dst_size;
      pass.saved = kernel_->saved > 0 ? saved.data() + first * kernel_->saved : nullptr;
      pass.scratch = scratch_size > 0 ? scratch.data() + s * scratch_size : nullptr;
      pass.shared = shared.data();
      pass.diff_dst = diff_dst.data() + first * dst_size;
      pass.diff_src = to[index];
      pass.parameters = values[index];
      pass.diff_parameters = diffs[index];
      passes.push_back(pass);
    }
    for (const Pass& pass : passes) kernel_->reserve(pass.rows, kRows);
    if (kernel_->view) dst = src[0];
    const int last = kernel_->phases - 1;
    for (int phase = 0; phase < last; ++phase)
      for (const Pass& pass : passes) kernel_->forward(pass, phase);
    // Nothing makes a shard wait for others between its last phase forward and its first backward.
    for (const Pass& pass : passes) {
      kernel_->forward(pass, last);
      if (!in_place) kernel_->backward(pass, 0);
    }
    dst_ = to_layout(in_place ? src[0] : dst, dst_value_, true);
    if (in_place) return;
    if (kernel_->view) diff_src[0] = diff_dst;
    for (int phase = 1; phase < kernel_->phases; ++phase)
      for (const Pass& pass : passes) kernel_->backward(pass, phase);
    diff_src_.clear();
    for (std::size_t k = 0; k < diff_src.size(); ++k)
      diff_src_.push_back(
          to_layout(kernel_->shares_diff ? diff_dst : diff_src[k], tested_.src[k], true));
  }

  std::vector<std::vector<double>> src() const { return doubles(src_); }
  std::vector<std::vector<double>> parameters() const { return doubles(parameters_); }
  double objective(const std::vector<double>& dst) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < dst.size(); ++i) sum += dst[i] * diff_dst_[i];
    return sum;
  }
  double diff_parameter(std::size_t p, std::size_t i) const {
    double sum = 0.0;
    for (const auto& shard : diff_parameters_) sum += shard[p][i];
    return sum;
  }

  const std::vector<float>& dst() const { return dst_; }
  const std::vector<std::vector<float>>& diff_src() const { return diff_src_; }
  const std::vector<ParameterSpec>& specs() const { return specs_; }

 private:
  float drawn_value(double normal) const {
    if (tested_.draw == Case::Draw::kPositive) return static_cast<float>(std::fabs(normal) + 0.2);
    if (tested_.draw == Case::Draw::kIndex)
      return static_cast<float>(std::min(2.0, std::floor(2.0 * std::fabs(normal))));
    return static_cast<float>(normal);
  }

  static std::vector<std::vector<double>> doubles(const std::vector<std::vector<float>>& values) {
    std::vector<std::vector<double>> all;
    for (const auto& value : values) all.emplace_back(value.begin(), value.end());
    return all;
  }

  Case tested_;
  int shards_;
  std::vector<ParameterSpec> specs_;
  Value dst_value_;
  std::unique_ptr<Kernel> kernel_;
  std::vector<std::vector<float>> parameters_;
  std::vector<float> dst_, diff_dst_;
  std::vector<std::vector<float>> src_, diff_src_;
  std::vector<std::vector<std::vector<float>>> diff_parameters_;
};

class Conformance : public testing::TestWithParam<std::tuple<Case, int>> {};

TEST_P(Conformance, ForwardAgreesWithTheReference) {
  Bench bench(std::get<0>(GetParam()), std::get<1>(GetParam()));
  bench.run();
  const auto expected = bench.reference(bench.src(), bench.parameters());
  ASSERT_EQ(bench.dst().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(bench.dst()[i], expected[i], 2e-6 * (1.0 + std::fabs(expected[i]))) << i;
}

// The ledger relies on it: a row whose training step gives something else than evaluation says so,
// and no other does.
TEST_P(Conformance, WhatDiffersInTrainingSaysSo) {
  Case tested = std::get<0>(GetParam());
  tested.frozen = false;
  Bench training(tested, std::get<1>(GetParam()));
  tested.frozen = true;
  Bench evaluation(tested, std::get<1>(GetParam()));
  training.run();
  evaluation.run();
  bool differs = false;
  for (std::size_t i = 0; i < training.dst().size(); ++i)
    differs = differs || std::fabs(training.dst()[i] - evaluation.dst()[i]) >
                             4e-6f * (1.0f + std::fabs(evaluation.dst()[i]));
  const bool says =
      training_differs(tested.node, Precision::kFloat32) ||
      (!tested.follower.empty() && training_differs(tested.follower[0], Precision::kFloat32));
  EXPECT_EQ(differs, says);
}

// Inputs are moved by `far`: of those that are not around 0, zeros beside them show.
bool is_within_inputs(const Bench& bench, const Node& node, double far) {
  auto src = bench.src();
  std::vector<double> all;
  if (const auto zeros = traits_of(node).counts_zeros; zeros != nullptr && zeros(node)) all = {0.0};
  for (auto& values : src)
    for (double& value : values) all.push_back(value += far);
  const auto [low, high] = std::ranges::minmax(all);
  const auto [least, greatest] = std::ranges::minmax(bench.reference(src, bench.parameters()));
  return least >= low - 1e-12 && greatest <= high + 1e-12;
}

// What a row says of its operator, against the reference.
TEST_P(Conformance, TraitsAreTrue) {
  const Case& tested = std::get<0>(GetParam());
  const Traits& traits = traits_of(tested.node);
  if (!tested.follower.empty() || training_differs(tested.node, Precision::kFloat32)) return;
  Bench bench(tested, std::get<1>(GetParam()));
  auto src = bench.src();
  const std::vector<double> dst = bench.reference(src, bench.parameters());
  const auto [least, greatest] = std::ranges::minmax(dst);
  if (traits.range != nullptr) {
    EXPECT_GE(least, traits.range(tested.node).least - 1e-6);  // a bound is rounded to float32
    EXPECT_LE(greatest, traits.range(tested.node).greatest + 1e-6);
  }
  for (const double far : {0.0, 9.0, -9.0})
    EXPECT_TRUE(!traits.within_inputs || is_within_inputs(bench, tested.node, far)) << far;
  if (traits.kind == Kind::kView) {
    EXPECT_EQ(dst, src[0]);
  }
  if (!traits.keeps_units) return;
  std::ranges::fill(src[0], 0.0);
  EXPECT_THAT(bench.reference(src, bench.parameters()), testing::Each(0.0));
}

TEST_P(Conformance, WorkingInPlaceChangesNothing) {
  Bench bench(std::get<0>(GetParam()), std::get<1>(GetParam()));
  if (!bench.works_in_place()) return;
  bench.run();
  const std::vector<float> expected = bench.dst();
  bench.run(true);
  EXPECT_EQ(bench.dst(), expected);
}

// Central differences of sum(dst * diff_dst). Where two step widths disagree, a kink lies between
// the points: skipped, not loosened.
template <class Evaluate>
std::optional<double> slope(double& x, Evaluate evaluate) {
  const double at = x;
  const auto central = [&](double h) {
    x = at + h;
    const double above = evaluate();
    x = at - h;
    const double below = evaluate();
    x = at;
    return (above - below) / (2.0 * h);
  };
  const double wide = central(2e-3);
  const double narrow = central(1e-3);
  if (std::fabs(wide - narrow) > 1e-3 * (1.0 + std::fabs(narrow))) return std::nullopt;
  return narrow;
}

TEST_P(Conformance, BackwardAgreesWithFiniteDifferencesOfTheReference) {
  Bench bench(std::get<0>(GetParam()), std::get<1>(GetParam()));
  bench.run();
  auto src = bench.src();
  auto parameters = bench.parameters();
  const auto evaluate = [&] { return bench.objective(bench.reference(src, parameters)); };
  std::size_t compared = 0;
  std::size_t skipped = 0;
  const auto compare = [&](double found, double& x, const std::string& what) {
    const auto expected = slope(x, evaluate);
    if (!expected) return void(++skipped);
    ++compared;
    EXPECT_NEAR(found, *expected, 3e-3 * (1.0 + std::fabs(*expected))) << what;
  };
  // Every element of a small value, some of a large one: the reference is evaluated four times for
  // each.
  const auto stride = [&](std::size_t size, std::size_t most) {
    return 1 + size / std::min(most, 1 + 2'000'000 / bench.dst().size());
  };
  for (std::size_t k = 0; k < src.size(); ++k)
    for (std::size_t i = 0; i < src[k].size(); i += stride(src[k].size(), 400))
      compare(bench.diff_src()[k][i], src[k][i],
              "diff_src " + std::to_string(k) + " " + std::to_string(i));
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    if (!bench.specs()[p].trained()) continue;
    for (std::size_t i = 0; i < parameters[p].size(); i += stride(parameters[p].size(), 200))
      compare(bench.diff_parameter(p, i), parameters[p][i],
              bench.specs()[p].name + " " + std::to_string(i));
  }
  EXPECT_TRUE(compared > 9 * skipped || src.empty())
      << skipped << " of " << compared + skipped << " skipped";
}

TEST_P(Conformance, GradientsReachWhatTheRowSays) {
  const Case& tested = std::get<0>(GetParam());
  Bench bench(tested, std::get<1>(GetParam()));
  bench.run();
  const auto [least, greatest] = std::ranges::minmax(bench.dst());
  const bool varies = least < greatest;  // which the softmax of a single element does not
  for (std::size_t k = 0; k < tested.src.size(); ++k) {
    const bool reached =
        std::ranges::any_of(bench.diff_src()[k], [](float diff) { return diff != 0.0f; });
    EXPECT_EQ(reached, varies && passes_gradient(tested.node, k)) << k;
  }
}

// With factors in bfloat16: however shards divide the work, the same factors are rounded, and only
// the order of float32 sums differs.
TEST(Bfloat16, ShardsThatDivideUnitsGiveWhatOneGives) {
  if (!onednn::has_bfloat16()) GTEST_SKIP() << "this CPU has no products of bfloat16";
  int divided = 0;
  for (const Case& tested : cases()) {
    if (tested.label.find("_divided") == std::string::npos) continue;
    SCOPED_TRACE(tested.label);
    Bench one(tested, 1, Precision::kBfloat16);
    Bench three(tested, 3, Precision::kBfloat16);
    one.run();
    three.run();
    const auto expected = one.reference(one.src(), one.parameters());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(three.dst()[i], one.dst()[i], 1e-4);
      EXPECT_NEAR(three.dst()[i], expected[i], 0.3);
    }
    for (std::size_t i = 0; i < one.diff_src()[0].size(); ++i)
      EXPECT_NEAR(three.diff_src()[0][i], one.diff_src()[0][i], 1e-4);
    for (std::size_t p = 0; p < one.specs().size(); ++p)
      for (std::int64_t i = 0; i < element_count(one.specs()[p].shape); ++i)
        EXPECT_NEAR(three.diff_parameter(p, i), one.diff_parameter(p, i), 1e-4);
    EXPECT_TRUE(three.divides() && !one.divides());
    ++divided;
  }
  EXPECT_GE(divided, 4);
}

INSTANTIATE_TEST_SUITE_P(Rows, Conformance,
                         testing::Combine(testing::ValuesIn(cases()), testing::Values(1, 3)),
                         [](const auto& tested) {
                           return std::get<0>(tested.param).label + "_shards" +
                                  std::to_string(std::get<1>(tested.param));
                         });

}  // namespace
}  // namespace undying::ops

// The conformance walk: every row of the operator table against its naive reference and against finite differences of it.

#include "ops/operator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "base/philox.h"
#include "undying/error.h"

namespace undying::ops {
namespace {

struct Case {
  std::string label;
  Node node;
  Shape src;
  std::vector<Node> follower;  // none or one activation
};

std::vector<Case> cases() {
  const auto activation = [](Activation f) {
    return Node{
        "layer.0.activation", "activation", {1}, {{"activation", f}, {"layer", std::string("layer.0")}, {"sequence", std::int64_t{0}}}};
  };
  const Node linear{"layer.0", "linear", {0}, {{"outputs", std::int64_t{5}}}};
  const Node no_bias{"layer.0", "linear", {0}, {{"outputs", std::int64_t{5}}, {"bias", std::int64_t{0}}}};
  std::vector<Case> all = {{"linear", linear, {7}, {}},
                           {"linear_no_bias", no_bias, {7}, {}},
                           {"dropout", {"d", "dropout", {0}, {{"p", 0.4}, {"sequence", std::int64_t{2}}}}, {9}, {}},
                           {"batch_norm", {"layer.0.bn", "batch_norm", {0}, {}}, {6}, {}},
                           {"flatten", {"f", "flatten", {0}, {}}, {2, 3}, {}}};
  for (const ActivationInfo& info : activation_family()) {
    if (info.random) continue;  // its draws have no reference here; src/activations tests them
    const Activation f(info.name);
    all.push_back({"activation_" + std::string(info.name), activation(f), {6}, {}});
    all.push_back({"linear_" + std::string(info.name), linear, {7}, {activation(f)}});
    all.push_back({"linear_no_bias_" + std::string(info.name), no_bias, {7}, {activation(f)}});
  }
  all.push_back({"activation_negative_slope", activation("leaky_relu:-0.5"), {6}, {}});
  all.push_back({"linear_negative_slope", linear, {7}, {activation("leaky_relu:-0.5")}});
  all.push_back({"linear_steep_slope", linear, {7}, {activation("leaky_relu:1.5")}});
  all.push_back({"linear_prelu_per_unit", linear, {7}, {activation("prelu:0.25,1")}});
  return all;
}

constexpr std::int64_t kRows = 12;

// A case planned over some shards, with everything a pass points to.
class Bench {
 public:
  Bench(const Case& tested, int shards) : tested_(tested), shards_(shards) {
    const Operator& row = operator_named(tested.node);
    specs_ = row.parameters(tested.node, tested.src);
    dst_shape_ = row.infer(tested.node, tested.src);
    if (!tested.follower.empty()) {
      const Operator& next = operator_named(tested.follower[0]);
      for (auto& spec : next.parameters(tested.follower[0], dst_shape_)) specs_.push_back(spec);
      dst_shape_ = next.infer(tested.follower[0], dst_shape_);
    }
    kernel_ = row.plan(tested.node, tested.src, tested.follower.empty() ? nullptr : &tested.follower[0]);
    const Random random(5, Stream::kTest);
    std::uint64_t drawn = 0;
    for (const auto& spec : specs_) {
      parameters_.emplace_back();
      for (std::int64_t i = 0; i < element_count(spec.shape); ++i)
        parameters_.back().push_back(spec.role == ParameterSpec::Role::kSlope ? 0.3f + 0.01f * static_cast<float>(i)
                                                                              : static_cast<float>(0.5 * random.normal(drawn++)));
    }
    for (std::int64_t i = 0; i < kRows * element_count(tested.src); ++i)
      src_.push_back(static_cast<float>(random.normal(10'000 + drawn++)));
    for (std::int64_t i = 0; i < kRows * element_count(dst_shape_); ++i)
      diff_dst_.push_back(static_cast<float>(random.normal(20'000 + drawn++)));
  }

  std::vector<double> reference(const std::vector<double>& src, const std::vector<std::vector<double>>& parameters) const {
    const Pass pass{.rows = kRows, .batch_rows = kRows, .seed = 9, .step = 4};
    auto dst = operator_named(tested_.node).reference(tested_.node, tested_.src, kRows, src, parameters, pass);
    if (tested_.follower.empty()) return dst;
    const Operator& linear = operator_named(tested_.node);
    const std::size_t own = linear.parameters(tested_.node, tested_.src).size();
    const std::vector<std::vector<double>> slopes(parameters.begin() + static_cast<std::ptrdiff_t>(own), parameters.end());
    const Shape between = linear.infer(tested_.node, tested_.src);
    return operator_named(tested_.follower[0]).reference(tested_.follower[0], between, kRows, dst, slopes, pass);
  }

  void run() {
    const std::int64_t src_size = element_count(tested_.src);
    const std::int64_t dst_size = element_count(dst_shape_);
    dst_.assign(static_cast<std::size_t>(kRows * dst_size), 0.0f);
    diff_src_.assign(src_.size(), 0.0f);
    diff_parameters_.assign(static_cast<std::size_t>(shards_), {});
    shared_.assign(static_cast<std::size_t>(kernel_->shared * shards_), 0.0f);
    std::vector<float> diff_dst = diff_dst_;
    std::vector<float> saved(static_cast<std::size_t>(kRows * kernel_->saved));
    std::vector<float> scratch(static_cast<std::size_t>(kRows * kernel_->scratch));
    std::vector<Pass> passes;
    std::vector<std::vector<float*>> values(static_cast<std::size_t>(shards_));
    std::vector<std::vector<float*>> diffs(static_cast<std::size_t>(shards_));
    for (int s = 0; s < shards_; ++s) {
      const std::int64_t first = kRows * s / shards_;
      Pass pass{.rows = kRows * (s + 1) / shards_ - first,
                .first_row = first,
                .batch_rows = kRows,
                .shard = s,
                .shards = shards_,
                .seed = 9,
                .step = 4};
      const auto index = static_cast<std::size_t>(s);
      for (std::size_t p = 0; p < parameters_.size(); ++p) {
        diff_parameters_[index].push_back(std::vector<float>(parameters_[p].size()));
        values[index].push_back(parameters_[p].data());
      }
      for (auto& diff : diff_parameters_[index]) diffs[index].push_back(diff.data());
      pass.src = src_.data() + first * src_size;
      pass.dst = dst_.data() + first * dst_size;
      pass.saved = kernel_->saved > 0 ? saved.data() + first * kernel_->saved : nullptr;
      pass.scratch = kernel_->scratch > 0 ? scratch.data() + first * kernel_->scratch : nullptr;
      pass.shared = shared_.data();
      pass.diff_dst = diff_dst.data() + first * dst_size;
      pass.diff_src = diff_src_.data() + first * src_size;
      pass.parameters = values[index];
      pass.diff_parameters = diffs[index];
      passes.push_back(pass);
    }
    for (int phase = 0; phase < kernel_->phases; ++phase)
      for (const Pass& pass : passes) kernel_->forward(pass, phase);
    for (int phase = 0; phase < kernel_->phases; ++phase)
      for (const Pass& pass : passes) kernel_->backward(pass, phase);
  }

  std::vector<double> src() const { return {src_.begin(), src_.end()}; }
  std::vector<std::vector<double>> parameters() const {
    std::vector<std::vector<double>> all;
    for (const auto& parameter : parameters_) all.emplace_back(parameter.begin(), parameter.end());
    return all;
  }
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
  const std::vector<float>& diff_src() const { return diff_src_; }
  const std::vector<ParameterSpec>& specs() const { return specs_; }

 private:
  Case tested_;
  int shards_;
  std::vector<ParameterSpec> specs_;
  Shape dst_shape_;
  std::unique_ptr<Kernel> kernel_;
  std::vector<std::vector<float>> parameters_;
  std::vector<float> src_, dst_, diff_dst_, diff_src_, shared_;
  std::vector<std::vector<std::vector<float>>> diff_parameters_;
};

class Conformance : public testing::TestWithParam<std::tuple<Case, int>> {};

TEST_P(Conformance, ForwardAgreesWithTheReference) {
  Bench bench(std::get<0>(GetParam()), std::get<1>(GetParam()));
  bench.run();
  const auto expected = bench.reference(bench.src(), bench.parameters());
  ASSERT_EQ(bench.dst().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(bench.dst()[i], expected[i], 2e-6 * (1.0 + std::fabs(expected[i]))) << i;
}

// Central differences of sum(dst * diff_dst). Where two step widths disagree, a kink lies between the points: skipped, not loosened.
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
  for (std::size_t i = 0; i < src.size(); ++i) compare(bench.diff_src()[i], src[i], "diff_src " + std::to_string(i));
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    if (!bench.specs()[p].trained()) continue;
    for (std::size_t i = 0; i < parameters[p].size(); ++i)
      compare(bench.diff_parameter(p, i), parameters[p][i], bench.specs()[p].name + " " + std::to_string(i));
  }
  EXPECT_GT(compared, 9 * skipped);
}

INSTANTIATE_TEST_SUITE_P(Rows, Conformance, testing::Combine(testing::ValuesIn(cases()), testing::Values(1, 3)), [](const auto& tested) {
  return std::get<0>(tested.param).label + "_shards" + std::to_string(std::get<1>(tested.param));
});

TEST(OperatorTable, EveryRowHasACase) {
  std::map<std::string, int> seen;
  for (const Case& tested : cases()) ++seen[tested.node.op];
  for (const Operator& row : operators()) EXPECT_GT(seen[std::string(row.name)], 0) << row.name;
}

TEST(OperatorTable, EveryRowIsWhole) {
  for (const Operator& row : operators()) {
    EXPECT_FALSE(row.name.empty());
    EXPECT_TRUE(row.infer && row.parameters && row.plan && row.reference) << row.name;
  }
}

TEST(OperatorTable, UnknownOperatorNamesTheKnown) {
  try {
    operator_named({"x", "sofmax", {0}, {}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("linear"));
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace undying::ops

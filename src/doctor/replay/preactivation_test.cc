// What a layer reads, against convolutions and norms written out in double.

#include "doctor/replay/preactivation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "base/philox.h"
#include "undying/dataset.h"

namespace undying::doctor {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr int kSide = 5, kFirst = 3, kSecond = 4, kRows = 30;

Node conv(const char* name, int src, std::int64_t outputs) {
  return {
      name, "conv", {src}, {{"outputs", outputs}, {"kernel", Ints{3, 3}}, {"pads", Ints(4, 1)}}};
}

Node relu(const char* name, int src) {
  return {name,
          "activation",
          {src},
          {{"activation", Activation("relu")}, {"layer", std::string(name)}}};
}

// conv, norm, relu, conv, norm, relu, linear, relu; the last layer behind a flatten.
Graph network() {
  return Graph({{"x", "input", {}, {{"shape", Ints{1, kSide, kSide}}}},
                conv("a", 0, kFirst),
                {"a.bn", "batch_norm", {1}, {}},
                relu("fa", 2),
                conv("b", 3, kSecond),
                {"b.bn", "batch_norm", {4}, {}},
                relu("fb", 5),
                {"flat", "flatten", {6}, {}},
                {"out", "linear", {7}, {{"outputs", std::int64_t{2}}}},
                relu("fo", 8)});
}

Dataset images() {
  const Random random(3, Stream::kTest);
  Dataset data{.name = "images", .size = kRows, .shape = {1, kSide, kSide}, .classes = 2};
  for (std::uint64_t i = 0; i < kRows * kSide * kSide; ++i)
    data.values.push_back(static_cast<float>(random.normal(i)));
  data.labels.assign(kRows, 0);
  return data;
}

void fill(engine::Model& model, std::uint32_t draw) {
  const Random random(8, Stream::kTest, draw);
  std::uint64_t drawn = 0;
  for (const engine::Parameter& parameter : model.parameters())
    for (std::int64_t i = 0; i < parameter.size; ++i) {
      const double value = random.normal(drawn++);
      const bool positive = parameter.role == ops::ParameterSpec::Role::kRunningVariance;
      model.values(parameter)[i] = static_cast<float>(positive ? 0.5 + value * value : 0.5 * value);
    }
}

// By name, in double.
using Values = std::map<std::string, std::vector<double>>;

Values values_of(const engine::Model& model) {
  Values values;
  for (const engine::Parameter& parameter : model.parameters())
    values[parameter.name] = {model.values(parameter), model.values(parameter) + parameter.size};
  return values;
}

using Image = std::vector<double>;  // (channels, side, side)

Image convolved(const Values& values, const std::string& name, const Image& x, int in, int out) {
  Image z(static_cast<std::size_t>(out * kSide * kSide));
  for (int o = 0; o < out; ++o)
    for (int row = 0; row < kSide; ++row)
      for (int column = 0; column < kSide; ++column) {
        double sum = values.at(name + ".bias")[o];
        for (int i = 0; i < in; ++i)
          for (int u = 0; u < 3; ++u)
            for (int v = 0; v < 3; ++v) {
              const int y = row + u - 1, k = column + v - 1;
              if (y < 0 || y >= kSide || k < 0 || k >= kSide) continue;
              sum += values.at(name + ".weight")[((o * in + i) * 3 + u) * 3 + v] *
                     x[(i * kSide + y) * kSide + k];
            }
        z[(o * kSide + row) * kSide + column] = sum;
      }
  return z;
}

void normalise(const Values& values, const std::string& name, Image& z, int channels) {
  for (int c = 0; c < channels; ++c) {
    const double sd = std::sqrt(values.at(name + ".running_var")[c] + 1e-5);
    for (int i = 0; i < kSide * kSide; ++i) {
      double& value = z[c * kSide * kSide + i];
      value = values.at(name + ".weight")[c] * (value - values.at(name + ".running_mean")[c]) / sd +
              values.at(name + ".bias")[c];
    }
  }
}

// Of the second convolution's channels.
std::vector<Range> expected(const Values& values, const Dataset& data,
                            const std::vector<std::uint32_t>& rows) {
  std::vector<Range> ranges(kSecond);
  for (const std::uint32_t row : rows) {
    const float* pixels = data.values.data() + row * kSide * kSide;
    Image z = convolved(values, "a", {pixels, pixels + kSide * kSide}, 1, kFirst);
    normalise(values, "a.bn", z, kFirst);
    for (double& value : z) value = std::max(value, 0.0);
    z = convolved(values, "b", z, kFirst, kSecond);
    normalise(values, "b.bn", z, kSecond);
    for (int c = 0; c < kSecond; ++c)
      for (int i = 0; i < kSide * kSide; ++i) {
        const double value = z[c * kSide * kSide + i];
        if (value > ranges[c].largest) ranges[c].row = row;
        ranges[c].largest = std::max(ranges[c].largest, value);
        ranges[c].least = std::min(ranges[c].least, value);
        ranges[c].sum += value;
        ranges[c].fired += value > 0.0;
        ++ranges[c].n;
      }
  }
  return ranges;
}

void expect_near(const std::vector<Range>& found, const std::vector<Range>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t c = 0; c < found.size(); ++c) {
    const double scale = 1e-4 * (1.0 + std::fabs(expected[c].largest - expected[c].least));
    EXPECT_NEAR(found[c].largest, expected[c].largest, scale);
    EXPECT_NEAR(found[c].least, expected[c].least, scale);
    EXPECT_NEAR(found[c].mean(), expected[c].mean(), scale);
    EXPECT_NEAR(static_cast<double>(found[c].fired), static_cast<double>(expected[c].fired), 1.0);
    EXPECT_EQ(found[c].n, expected[c].n);
    EXPECT_EQ(found[c].row, expected[c].row);
  }
}

TEST(Preactivation, IsWhatChannelsReadWithThePartsOfDifferentSteps) {
  const Dataset data = images();
  engine::Model model{network()};
  fill(model, 1);
  const Snapshot then = snapshot(model, 1);
  const Values old = values_of(model);
  fill(model, 2);
  const Snapshot now = snapshot(model, 2);
  const Values changed = values_of(model);
  Preactivation z(model, 1, 2, 2);
  EXPECT_EQ(z.parts(), (std::vector{Part::kBias, Part::kWeights, Part::kBelow, Part::kStatistics}));
  const std::vector<std::uint32_t> rows{0, 3, 4, 9, 20, 29};
  const std::map<Part, std::vector<std::string>> owned{
      {Part::kBias, {"b.bias", "b.bn.bias"}},
      {Part::kWeights, {"b.weight", "b.bn.weight"}},
      {Part::kBelow,
       {"a.weight", "a.bias", "a.bn.weight", "a.bn.bias", "a.bn.running_mean", "a.bn.running_var"}},
      {Part::kStatistics, {"b.bn.running_mean", "b.bn.running_var"}}};
  for (unsigned set = 0; set < 16; ++set) {
    Mix mix = all_of(then);
    Values values = old;
    for (const auto& [part, names] : owned) {
      if ((set >> static_cast<unsigned>(part) & 1U) == 0) continue;
      mix[static_cast<std::size_t>(part)] = &now;
      for (const std::string& name : names) values.at(name) = changed.at(name);
    }
    expect_near(z.measure(mix, data, rows), expected(values, data, rows));
  }
}

TEST(Preactivation, DoesNotDependOnThreads) {
  const Dataset data = images();
  engine::Model model{network()};
  fill(model, 1);
  const Snapshot now = snapshot(model, 1);
  std::vector<std::uint32_t> rows(kRows);
  for (std::uint32_t row = 0; row < kRows; ++row) rows[row] = row;
  for (std::size_t layer = 0; layer < 3; ++layer) {
    const auto one = Preactivation(model, layer, 2, 1).measure(all_of(now), data, rows);
    const auto two = Preactivation(model, layer, 2, 2).measure(all_of(now), data, rows);
    for (std::size_t unit = 0; unit < one.size(); ++unit) {
      EXPECT_EQ(one[unit].largest, two[unit].largest);
      EXPECT_EQ(one[unit].sum, two[unit].sum);
    }
  }
}

TEST(Preactivation, SaysWhatIsNotTakenApart) {
  engine::Model model{Graph({{"x", "input", {}, {{"shape", Ints{4}}}},
                             relu("f", 0),
                             {"out", "linear", {1}, {{"outputs", std::int64_t{2}}}},
                             relu("g", 2)})};
  EXPECT_FALSE(Preactivation(model, 0, 1, 1).obstacle().empty()) << "it reads the input";
  EXPECT_TRUE(Preactivation(model, 1, 1, 1).obstacle().empty());
}

}  // namespace
}  // namespace undying::doctor

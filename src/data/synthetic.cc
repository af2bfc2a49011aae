#include "data/synthetic.h"

#include <cmath>
#include <numbers>

#include "base/philox.h"

namespace undying::data {
namespace {

Dataset make_spirals(const Random& random, std::int64_t size, const char* part) {
  Dataset data{.name = std::string("spirals ") + part, .size = size, .shape = {2}, .classes = 2};
  for (std::int64_t i = 0; i < size; ++i) {
    const auto draw = static_cast<std::uint64_t>(3 * i);
    const auto label = static_cast<std::int32_t>(i % 2);
    const double share = std::sqrt(random.uniform(4 * draw));
    const double angle = 3.0 * std::numbers::pi * share + std::numbers::pi * label;
    data.values.push_back(
        static_cast<float>(share * std::cos(angle) + 0.02 * random.normal(draw + 1)));
    data.values.push_back(
        static_cast<float>(share * std::sin(angle) + 0.02 * random.normal(draw + 2)));
    data.labels.push_back(label);
  }
  return data;
}

Dataset make_absolute_value(const Random& random, std::int64_t size, const char* part) {
  Dataset data{.name = std::string("abs ") + part, .size = size, .shape = {1}, .outputs = 1};
  for (std::int64_t i = 0; i < size; ++i) {
    const auto x = static_cast<float>(std::sqrt(3.0) *
                                      (2.0 * random.uniform(static_cast<std::uint64_t>(i)) - 1.0));
    data.values.push_back(x);
    data.targets.push_back(std::fabs(x));
  }
  return data;
}

constexpr std::size_t kBits = 20;
constexpr std::size_t kSlow = 15;
constexpr std::size_t kUnits = 100;
constexpr std::int64_t kStretch = 10'000;
constexpr std::int64_t kExamples = 100'000;

// The fixed target network.
struct ThresholdUnits {
  explicit ThresholdUnits(const Random& random) {
    for (std::size_t unit = 0; unit < kUnits; ++unit) {
      int negative = 0;
      for (std::size_t i = 0; i <= kBits; ++i) {
        weights[unit][i] = sign(random, unit * (kBits + 2) + i);
        negative += weights[unit][i] < 0;
      }
      output[unit] = sign(random, unit * (kBits + 2) + kBits + 1);
      threshold[unit] = 0.7 * static_cast<double>(kBits + 1) - negative;
    }
  }

  static int sign(const Random& random, std::size_t index) {
    return (random.bits(index) & 1) == 0 ? -1 : 1;
  }

  double operator()(const float* bits) const {
    double sum = 0.0;
    for (std::size_t unit = 0; unit < kUnits; ++unit) {
      double input = weights[unit][kBits];
      for (std::size_t i = 0; i < kBits; ++i)
        input += weights[unit][i] * static_cast<double>(bits[i]);
      sum += input >= threshold[unit] ? output[unit] : 0;
    }
    return sum;
  }

  int weights[kUnits][kBits + 1];
  int output[kUnits];
  double threshold[kUnits];
};

void append_example(Dataset& data, const ThresholdUnits& units, const float (&slow)[kSlow],
                    std::uint32_t fast) {
  data.values.insert(data.values.end(), slow, slow + kSlow);
  for (std::size_t i = kSlow; i < kBits; ++i)
    data.values.push_back(static_cast<float>((fast >> (i - kSlow)) & 1));
  data.targets.push_back(
      static_cast<float>(units(data.values.data() + data.size * static_cast<std::int64_t>(kBits))));
  ++data.size;
}

template <class Make>
Split pair(std::uint64_t seed, std::uint32_t sequence, Make make, std::int64_t train,
           std::int64_t test) {
  return {std::make_shared<Dataset>(
              make(Random(seed, Stream::kSyntheticData, sequence), train, "train")),
          std::make_shared<Dataset>(
              make(Random(seed, Stream::kSyntheticData, sequence + 1), test, "test")),
          ""};
}

}  // namespace

Split spirals(std::uint64_t seed) { return pair(seed, 10, make_spirals, 2000, 1000); }

Split absolute_value(std::uint64_t seed) { return pair(seed, 20, make_absolute_value, 3000, 1000); }

Split slowly_changing(std::uint64_t seed) {
  const ThresholdUnits units(Random(seed, Stream::kSyntheticData, 30));
  const Random flips(seed, Stream::kSyntheticData, 31);
  const Random fast(seed, Stream::kSyntheticData, 32);
  const auto shape = std::vector<std::int64_t>{static_cast<std::int64_t>(kBits)};
  auto train = std::make_shared<Dataset>(
      Dataset{.name = "slowly-changing train", .shape = shape, .outputs = 1});
  auto test = std::make_shared<Dataset>(
      Dataset{.name = "slowly-changing test", .shape = shape, .outputs = 1});
  float slow[kSlow];
  for (std::size_t i = 0; i < kSlow; ++i)
    slow[i] = static_cast<float>(flips.bits(1'000'000 + i) & 1);
  for (std::int64_t i = 0; i < kExamples; ++i) {
    if (i > 0 && i % kStretch == 0) {
      float& bit = slow[flips.below(static_cast<std::uint64_t>(i / kStretch), kSlow)];
      bit = 1.0f - bit;
    }
    append_example(*train, units, slow, fast.bits(static_cast<std::uint64_t>(i)));
  }
  for (std::int64_t i = 0; i < kStretch / 5; ++i)
    append_example(*test, units, slow, fast.bits(static_cast<std::uint64_t>(kExamples + i)));
  return {train, test,
          "an ordered stream: train with --no-shuffle; tested on examples like its last stretch"};
}

}  // namespace undying::data

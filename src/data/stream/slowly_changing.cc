#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/philox.h"
#include "data/stream/streams.h"

namespace undying::data {
namespace {

constexpr std::size_t kBits = 20;
constexpr std::size_t kSlow = 15;
constexpr std::size_t kFast = kBits - kSlow;
constexpr std::size_t kUnits = 100;
constexpr double kBeta = 0.7;
constexpr std::int64_t kPeriod = 10'000;
constexpr std::int64_t kExamples = 100'000;  // of the data set
constexpr std::int64_t kTested = 2'000;

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
      threshold[unit] = kBeta * static_cast<double>(kBits + 1) - negative;
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

// The examples one behind the other, from any one on.
class Examples {
 public:
  Examples(std::uint64_t seed, std::int64_t period)
      : units_(Random(seed, Stream::kSyntheticData, 30)),
        flips_(seed, Stream::kSyntheticData, 31),
        fast_(seed, Stream::kSyntheticData, 32),
        period_(period) {
    for (std::size_t i = 0; i < kSlow; ++i)
      bits_[i] = static_cast<float>(flips_.bits(1'000'000 + i) & 1);
  }

  // The slow bits become those of this example, which is not before those they are of.
  void go_to(std::int64_t example) {
    for (; flipped_ < example / period_; targets_ = {}) {
      float& bit = bits_[flips_.below(static_cast<std::uint64_t>(++flipped_), kSlow)];
      bit = 1.0f - bit;
    }
  }

  void append(Dataset& data, std::int64_t example) {
    const std::uint32_t fast = fast_.bits(static_cast<std::uint64_t>(example)) % (1U << kFast);
    for (std::size_t i = 0; i < kFast; ++i) bits_[kSlow + i] = static_cast<float>((fast >> i) & 1);
    std::optional<double>& target = targets_[fast];
    if (!target) target = units_(bits_);
    data.values.insert(data.values.end(), bits_, bits_ + kBits);
    data.targets.push_back(static_cast<float>(*target));
    ++data.size;
  }

 private:
  ThresholdUnits units_;
  Random flips_;
  Random fast_;
  std::int64_t period_;
  std::int64_t flipped_ = 0;  // so often
  float bits_[kBits] = {};
  std::array<std::optional<double>, 1U << kFast> targets_;  // of the fast bits, as far as known
};

Dataset nothing(const char* name) {
  return {.name = name, .shape = {static_cast<std::int64_t>(kBits)}, .outputs = 1};
}

}  // namespace

std::shared_ptr<const DataStream> slowly_changing_stream(std::uint64_t seed, std::int64_t period) {
  return std::make_shared<DataStream>(DataStream{
      .name = period == kPeriod ? "slowly-changing" : fmt::format("slowly-changing:{}", period),
      .stretch_name = "20,000 examples",
      .stretch = kStretch,
      .read =
          [seed, period](std::int64_t index) {
            auto data = std::make_shared<Dataset>(nothing("slowly-changing stream"));
            Examples examples(seed, period);
            for (std::int64_t i = index * kStretch; i < (index + 1) * kStretch; ++i) {
              examples.go_to(i);
              examples.append(*data, i);
            }
            return data;
          },
      .redraw = [period](std::uint64_t other) { return slowly_changing_stream(other, period); }});
}

Split slowly_changing(std::uint64_t seed) {
  Examples examples(seed, kPeriod);
  auto train = std::make_shared<Dataset>(nothing("slowly-changing train"));
  auto test = std::make_shared<Dataset>(nothing("slowly-changing test"));
  for (std::int64_t i = 0; i < kExamples; ++i) {
    examples.go_to(i);
    examples.append(*train, i);
  }
  for (std::int64_t i = 0; i < kTested; ++i) examples.append(*test, kExamples + i);
  return {train, test,
          "an ordered stream: train with --no-shuffle; tested on examples like its last stretch"};
}

}  // namespace undying::data

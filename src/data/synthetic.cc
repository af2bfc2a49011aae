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

}  // namespace undying::data

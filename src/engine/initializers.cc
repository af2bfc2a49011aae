#include "engine/initializers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <thread>
#include <vector>

#include "undying/error.h"

namespace undying::engine {
namespace {

// Elements from which a draw is shared by two threads; a draw belongs to its index, so how it is
// shared changes nothing.
constexpr std::size_t kShared = 1 << 16;

// weight[begin, end) = deviation * normal(index).
void fill_normal_part(const Random& random, double deviation, std::span<float> weight,
                      std::size_t begin, std::size_t end) {
  std::array<double, 512> draws;
  for (std::size_t i = begin; i < end; i += draws.size()) {
    const std::size_t count = std::min(draws.size(), end - i);
    random.normals(i, std::span(draws).first(count));
    for (std::size_t j = 0; j < count; ++j)
      weight[i + j] = static_cast<float>(deviation * draws[j]);
  }
}

void fill_normal(const Random& random, double deviation, std::span<float> weight) {
  const std::size_t middle = weight.size() < kShared ? 0 : weight.size() / 4 * 2;
  std::jthread half;
  if (middle > 0)
    half = std::jthread([=] { fill_normal_part(random, deviation, weight, 0, middle); });
  fill_normal_part(random, deviation, weight, middle, weight.size());
}

void fill_uniform(const Random& random, double bound, std::span<float> weight) {
  for (std::size_t i = 0; i < weight.size(); ++i)
    weight[i] = static_cast<float>(bound * (2.0 * random.uniform(i) - 1.0));
}

double dot(const double* a, const double* b, std::size_t n) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// Orthonormal vectors, `count` of `length` >= count: Gram and Schmidt, each made orthogonal twice
// so that rounding does not add up.
std::vector<double> orthonormal(const Random& random, std::size_t count, std::size_t length) {
  std::vector<double> vectors(count * length);
  random.normals(0, vectors);
  for (std::size_t k = 0; k < count; ++k) {
    double* vector = vectors.data() + k * length;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t earlier = 0; earlier < k; ++earlier) {
        const double* other = vectors.data() + earlier * length;
        const double share = dot(vector, other, length);
        for (std::size_t i = 0; i < length; ++i) vector[i] -= share * other[i];
      }
    }
    const double norm = std::sqrt(dot(vector, vector, length));
    for (std::size_t i = 0; i < length; ++i) vector[i] /= norm;
  }
  return vectors;
}

void fill_orthogonal(const Random& random, double gain, std::size_t fan_in, std::size_t fan_out,
                     std::span<float> weight) {
  const bool wide = fan_out <= fan_in;
  const auto vectors = orthonormal(random, std::min(fan_in, fan_out), std::max(fan_in, fan_out));
  for (std::size_t row = 0; row < fan_out; ++row)
    for (std::size_t column = 0; column < fan_in; ++column)
      weight[row * fan_in + column] = static_cast<float>(
          gain * (wide ? vectors[row * fan_in + column] : vectors[column * fan_out + row]));
}

// Draws of a unit: fan_in + 1 normals, then one for the place, one for the Beta(2, 1) value, which
// is the root of a uniform one.
void fill_asymmetric(const Random& random, std::size_t fan_in, std::size_t fan_out,
                     std::span<float> weight, std::span<float> bias) {
  const double deviation = 0.6007 / std::sqrt(static_cast<double>(fan_in));
  std::vector<double> draws(fan_in + 1);
  for (std::size_t unit = 0; unit < fan_out; ++unit) {
    const std::uint64_t first = unit * (fan_in + 3);
    const std::uint64_t place = random.below(first + fan_in + 1, fan_in + 1);
    random.normals(first, draws);
    for (std::size_t i = 0; i <= fan_in; ++i) {
      double value = deviation * draws[i];
      if (i == place) value = std::sqrt(random.uniform(4 * (first + fan_in + 2)));
      if (i < fan_in) weight[unit * fan_in + i] = static_cast<float>(value);
      if (i == fan_in && !bias.empty()) bias[unit] = static_cast<float>(value);
    }
  }
}

bool uses_gain(Initializer kind) {
  return kind == Initializer::kKaimingNormal || kind == Initializer::kKaimingUniform ||
         kind == Initializer::kOrthogonal;
}

// E[f(Z)^2] below 1e-8 is an activation that is 0 for nearly every input: what its integral gives
// is rounding, and weights times its root would be no start.
void check_gain(Initializer kind, double gain) {
  constexpr double kLargest = 1e4;
  if (!uses_gain(kind) || gain <= kLargest) return;
  throw Error(ErrorCode::kInvalidArgument, "initial draw",
              fmt::format("the activation's gain 1 / sqrt(E[f(Z)^2]), Z ~ N(0, 1), is {:.3g}: it "
                          "gives 0 for nearly every input; expected at most {:g}: lower its "
                          "threshold, or draw without a gain, such as xavier-normal",
                          gain, kLargest));
}

}  // namespace

void initialize_linear(Initializer kind, double gain, std::int64_t fan_in, std::int64_t fan_out,
                       const Random& random, std::span<float> weight, std::span<float> bias) {
  check_gain(kind, gain);
  const auto in = static_cast<double>(fan_in);
  const auto out = static_cast<double>(fan_out);
  std::fill(bias.begin(), bias.end(), 0.0f);
  switch (kind) {
    case Initializer::kKaimingNormal:
      return fill_normal(random, gain / std::sqrt(in), weight);
    case Initializer::kKaimingUniform:
      return fill_uniform(random, gain * std::sqrt(3.0 / in), weight);
    case Initializer::kXavierNormal:
      return fill_normal(random, std::sqrt(2.0 / (in + out)), weight);
    case Initializer::kXavierUniform:
      return fill_uniform(random, std::sqrt(6.0 / (in + out)), weight);
    case Initializer::kLecunNormal:
      return fill_normal(random, 1.0 / std::sqrt(in), weight);
    case Initializer::kOrthogonal:
      return fill_orthogonal(random, gain, static_cast<std::size_t>(fan_in),
                             static_cast<std::size_t>(fan_out), weight);
    case Initializer::kRandomizedAsymmetric:
      return fill_asymmetric(random, static_cast<std::size_t>(fan_in),
                             static_cast<std::size_t>(fan_out), weight, bias);
  }
}

void initialize_row(Initializer kind, double gain, std::int64_t fan_in, std::int64_t fan_out,
                    const Random& random, std::span<float> row, std::span<float> bias) {
  const bool of_both = kind == Initializer::kXavierNormal || kind == Initializer::kXavierUniform;
  initialize_linear(kind, gain, fan_in, of_both ? fan_out : 1, random, row, bias);
}

}  // namespace undying::engine

#include "doctor/replay/shares.h"

#include <bit>
#include <limits>

namespace undying::doctor {
namespace {

double factorial(int n) { return n < 2 ? 1.0 : n * factorial(n - 1); }

}  // namespace

std::vector<double> shapley(int players, const std::function<double(unsigned)>& value) {
  std::vector<double> values;
  for (unsigned set = 0; set < 1U << players; ++set) values.push_back(value(set));
  std::vector<double> shares(static_cast<std::size_t>(players), 0.0);
  for (int player = 0; player < players; ++player)
    for (unsigned set = 0; set < values.size(); ++set) {
      const unsigned with = set | 1U << player;
      if (with == set) continue;
      const int before = std::popcount(set);
      const double orders = factorial(before) * factorial(players - before - 1);
      shares[static_cast<std::size_t>(player)] +=
          orders / factorial(players) * (values[with] - values[set]);
    }
  return shares;
}

std::string_view name(Cause cause) {
  return cause == Cause::kMixed ? "mixed" : kPartNames[static_cast<std::size_t>(cause)];
}

Cause cause_of(const Shares& shares, double change) {
  if (change == 0.0) return Cause::kMixed;
  double largest = -std::numeric_limits<double>::infinity();
  double second = largest;
  std::size_t at = 0;
  for (std::size_t part = 0; part < kParts; ++part) {
    if (!shares[part]) continue;
    const double share = *shares[part] / change;
    if (share > largest) {
      second = largest;
      largest = share;
      at = part;
    } else if (share > second) {
      second = share;
    }
  }
  return largest - second < kClear ? Cause::kMixed : static_cast<Cause>(at);
}

}  // namespace undying::doctor

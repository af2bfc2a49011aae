#include "trial/boundary.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace undying::trial {
namespace {

constexpr double kScores = 0.04;
constexpr double kFailures = 0.01;
constexpr double kEarly = 0.8;  // of either, spent by pair kEnd
constexpr int kEnd = 20;

// The chance that some look errs, and the level of the look at pair 20 that gives it, over that
// chance.
struct Calibrated {
  double chance;
  double ratio;
};

// t tests of 5 to 20 normal differences at the levels L n / 20: 4,000,000 simulated studies without
// a difference. `calibrate levels` gives both tables again.
constexpr Calibrated kEarlyRatios[] = {{0.0002, 0.1815}, {0.0005, 0.1946}, {0.001, 0.2059},
                                       {0.002, 0.2224},  {0.0032, 0.2337}, {0.004, 0.2396},
                                       {0.0053, 0.2479}, {0.0064, 0.2537}, {0.008, 0.2597},
                                       {0.0107, 0.2689}, {0.016, 0.2837},  {0.032, 0.3096}};

// The same of 21 to 600 differences at the levels L 20 / n, less 3.5% for what lies beyond 600:
// 600,000 studies.
constexpr Calibrated kLateRatios[] = {{0.0002, 0.1300}, {0.0005, 0.1391}, {0.001, 0.1527},
                                      {0.002, 0.1599},  {0.0032, 0.1670}, {0.004, 0.1708},
                                      {0.008, 0.1872}};

// Linear in the logarithm of the chance; beyond the table at the slope of its end, never below what
// many independent looks would need.
double level_of(double chance, std::span<const Calibrated> table) {
  std::size_t i = 1;
  while (i + 1 < table.size() && table[i].chance < chance) ++i;
  const Calibrated& a = table[i - 1];
  const Calibrated& b = table[i];
  const double at = std::log(chance / a.chance) / std::log(b.chance / a.chance);
  return chance * std::clamp(a.ratio + at * (b.ratio - a.ratio), 0.05, table.back().ratio);
}

}  // namespace

double score_level(int pairs, int arms) {
  if (pairs < kFirstLook) return 0.0;
  const double share = kScores / std::max(1, arms);
  if (pairs <= kEnd) return level_of(kEarly * share, kEarlyRatios) * pairs / kEnd;
  return level_of((1.0 - kEarly) * share, kLateRatios) * kEnd / pairs;
}

double failure_level(int runs, int arms) {
  if (runs < kFirstLook) return 0.0;
  const double share = kFailures / (2.0 * std::max(1, arms));
  if (runs <= kEnd) return share * kEarly / (kEnd - kFirstLook + 1);
  return share * (1.0 - kEarly) * kEnd /
         (static_cast<double>(runs) * (runs - 1));  // sums to the rest over 21, 22, ...
}

int next_look(int pairs) {
  if (pairs < kFirstLook) return kFirstLook;
  if (pairs < 8) return pairs + 1;
  if (pairs < kEnd) return pairs + 2 - pairs % 2;
  return pairs + (pairs + 4) / 5;
}

}  // namespace undying::trial

// Arms that are scored on the same few examples, or on splits that overlap.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "calibrate/simulate.h"

namespace undying {
namespace {

// Arms that are equally good on all examples there are, scored on the same few: each knows others
// of them. With a baseline of one half, as Baseline has it.
struct Crowd {
  std::vector<std::vector<bool>> known;  // of each arm, which examples
  std::deque<std::vector<float>> kept;
  double bound;

  Crowd(std::size_t arms, std::size_t examples, double accuracy, Engine& engine)
      : known(arms, std::vector<bool>(examples)),
        bound(0.5 + std::min(2.0 * std::sqrt(0.25 / static_cast<double>(examples)), 0.1)) {
    for (auto& each : known)
      for (std::size_t j = 0; j < examples; ++j)
        each[j] = std::bernoulli_distribution(accuracy)(engine);
  }

  TrialRun run(std::size_t arm, std::uint64_t seed, Engine& engine) {
    std::vector<float>& right = kept.emplace_back();
    for (const bool knows : known[arm])
      right.push_back(knows != std::bernoulli_distribution(0.1)(engine) ? 1.0f : 0.0f);
    double score = 0.0;
    for (const float each : right) score += each / static_cast<double>(right.size());
    return {.seed = seed,
            .outcome = score > bound ? Outcome::kLearned : Outcome::kCollapsed,
            .score = score,
            .training_loss = std::uniform_real_distribution<double>()(engine),
            .examples = right};
  }
};

// Where every seed draws the split anew, training sets overlap: runs of an arm correlate by held
// out / all (Nadeau & Bengio 2003).
Design redrawn_design(int arms, Engine& engine) {
  Design design{.rules = {.arms = arms, .margin = 1e-9, .overlap = 0.25},
                .arms = std::vector<Law>(static_cast<std::size_t>(arms + 2))};
  for (Law& law : design.arms)
    law = {.spread = std::sqrt(0.8), .mean = std::sqrt(0.2) * normal(engine)};
  return design;
}

}  // namespace

void held_out_studies(int studies) {
  fmt::print(
      "| scored on | accuracy | studies | any false verdict by 20 seeds |\n|---|---|---|---|\n");
  for (const std::size_t examples : {20, 100, 1000})
    for (const double accuracy : {0.55, 0.6, 0.7, 0.9}) {
      std::atomic<int> wrong = 0;
      parallel(studies, 41 + examples, [&](int, Engine& engine) {
        const int arms = std::uniform_int_distribution<int>(1, 4)(engine);
        Crowd crowd(static_cast<std::size_t>(arms + 2), examples, accuracy, engine);
        Design design{.rules = {.arms = arms,
                                .margin = 1e-9,
                                .examples = static_cast<std::int64_t>(examples)},
                      .arms = std::vector<Law>(static_cast<std::size_t>(arms + 2)),
                      .run = [&](std::size_t arm, std::uint64_t seed, Engine& own) {
                        return crowd.run(arm, seed, own);
                      }};
        const std::vector<Ended> ended = simulate(design, 20, engine);
        wrong += std::ranges::any_of(ended,
                                     [](const Ended& arm) { return directional(arm.comparison); });
      });
      fmt::print("| the same {} examples | {:.0f}% | {} | {} |\n", examples,
                 100.0 * (0.1 + 0.8 * accuracy), studies, share_text(wrong, studies));
    }
  std::atomic<int> wrong = 0;
  parallel(studies, 97, [&](int, Engine& engine) {
    const std::vector<Ended> ended = simulate(
        redrawn_design(std::uniform_int_distribution<int>(1, 8)(engine), engine), 20, engine);
    wrong +=
        std::ranges::any_of(ended, [](const Ended& arm) { return directional(arm.comparison); });
  });
  fmt::print("| a fifth, drawn anew for every seed | - | {} | {} |\n", studies,
             share_text(wrong, studies));
}

}  // namespace undying

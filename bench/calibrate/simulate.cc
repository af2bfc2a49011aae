#include "calibrate/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <thread>

#include "trial/boundary.h"

namespace undying {
namespace {

using trial::Sample;

// Scores around 0.5 with deviations of 0.02 (accuracy), or around 1 with factors of exp(0.2)
// (loss).
TrialRun run_of(const Law& law, const TrialRules& rules, std::uint64_t seed, Engine& engine) {
  TrialRun run{.seed = seed};
  const double fate = std::uniform_real_distribution<double>()(engine);
  if (fate < law.diverges) run.outcome = Outcome::kDiverged;
  if (fate >= law.diverges && fate < law.diverges + law.collapses)
    run.outcome = Outcome::kCollapsed;
  const double value = law.mean + law.spread * law.draw(engine);
  run.score = rules.metric == Metric::kAccuracy ? 0.5 + 0.02 * value : std::exp(0.2 * value);
  run.training_loss = std::uniform_real_distribution<double>()(engine);
  return run;
}

}  // namespace

double normal(Engine& engine) { return std::normal_distribution<double>()(engine); }

double skewed(Engine& engine) { return std::gamma_distribution<double>(4.0, 0.5)(engine) - 2.0; }

double bimodal(Engine& engine) {
  const bool low = std::bernoulli_distribution(1.0 / 7.0)(engine);
  return (low ? -6.0 / 7.0 : 1.0 / 7.0) * 2.4 + 0.54 * normal(engine);
}

std::vector<Ended> simulate(const Design& design, int most, Engine& engine) {
  std::vector<Sample> runs(design.arms.size());
  std::vector<Ended> ended(design.arms.size() - 2);
  std::vector<bool> open(ended.size(), true);
  for (int n = trial::next_look(0); n <= most; n = trial::next_look(n)) {
    for (std::size_t a = 0; a < runs.size(); ++a)
      while ((a < 2 || open[a - 2]) && static_cast<int>(runs[a].size()) < n)
        runs[a].push_back(design.run
                              ? design.run(a, runs[a].size() + 1, engine)
                              : run_of(design.arms[a], design.rules, runs[a].size() + 1, engine));
    for (std::size_t k = 0; k < ended.size(); ++k) {
      if (!open[k]) continue;
      ended[k] = {trial::compare(runs[k + 2], std::span(runs).first(2), design.rules), n};
      open[k] = trial::wants_more(ended[k].comparison);
    }
    if (std::ranges::none_of(open, [](bool each) { return each; })) break;
  }
  return ended;
}

void parallel(int studies, std::uint64_t seed,
              const std::function<void(int study, Engine&)>& body) {
  std::atomic<int> next = 0;
  std::vector<std::jthread> team;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
    team.emplace_back([&] {
      for (int study = next++; study < studies; study = next++) {
        std::seed_seq words{seed, static_cast<std::uint64_t>(study)};
        Engine engine(words);
        body(study, engine);
      }
    });
}

bool directional(const Comparison& comparison) {
  return comparison.verdict == Verdict::kHelps || comparison.verdict == Verdict::kHurts;
}

std::string share_text(int part, int whole) {
  using Binomial = boost::math::binomial;
  const double lower = part == 0 ? 0.0 : Binomial::find_lower_bound_on_p(whole, part, 0.005);
  const double upper = part == whole ? 1.0 : Binomial::find_upper_bound_on_p(whole, part, 0.005);
  return fmt::format("{:.2f}% ({:.2f} to {:.2f})", 100.0 * part / whole, 100.0 * lower,
                     100.0 * upper);
}

}  // namespace undying

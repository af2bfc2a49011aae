// Measures the judge of trials itself: how often it errs where there is no difference, how often
// and how soon it decides where there is one, how often its intervals cover the truth. Simulated
// runs, and real trainings. Prints tables for docs/verdicts.md (scripts/calibrate).
//
//   calibrate levels STUDIES | null STUDIES | held-out STUDIES | skew STUDIES | effects STUDIES |
//   margin STUDIES | real STUDIES

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "calibrate/simulate.h"
#include "trial/boundary.h"
#include "trial/judge.h"
#include "trial/statistics.h"
#include "undying/undying.h"

namespace undying {
namespace {

struct Kind {
  const char* name;
  std::function<void(Design&, Engine&)> spoil;
};

// Equal means in every one.
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"normal scores", [](Design&, Engine&) {}},
      {"normal, spread of the arms 1/3 to 3 times the control's",
       [](Design& design, Engine& engine) {
         for (std::size_t a = 2; a < design.arms.size(); ++a)
           design.arms[a].spread =
               std::exp(std::uniform_real_distribution<double>(-1.1, 1.1)(engine));
       }},
      {"skewed scores (skewness 1)",
       [](Design& design, Engine&) {
         for (Law& law : design.arms) law.draw = skewed;
       }},
      {"one run in seven far below the others",
       [](Design& design, Engine&) {
         for (Law& law : design.arms) law.draw = bimodal;
       }},
      {"arms skewed, the control not",
       [](Design& design, Engine&) {
         for (std::size_t a = 2; a < design.arms.size(); ++a) design.arms[a].draw = skewed;
       }},
      {"5 to 40% of runs collapse, in all arms alike",
       [](Design& design, Engine& engine) {
         const double share = std::uniform_real_distribution<double>(0.05, 0.4)(engine);
         for (Law& law : design.arms) law.collapses = share;
       }},
      {"5 to 20% diverge and as many collapse, in all arms alike, spreads unequal",
       [](Design& design, Engine& engine) {
         const double share = std::uniform_real_distribution<double>(0.05, 0.2)(engine);
         for (Law& law : design.arms) {
           law.collapses = law.diverges = share;
           law.spread = std::exp(std::uniform_real_distribution<double>(-1.1, 1.1)(engine));
         }
       }}};
  return all;
}

Design null_design(const Kind& kind, Engine& engine) {
  Design design;
  const int arms = std::uniform_int_distribution<int>(2, 8)(engine);
  design.arms.resize(static_cast<std::size_t>(arms + 2));
  const bool loss = std::bernoulli_distribution(0.5)(engine);
  design.rules = {
      .metric = loss ? Metric::kLoss : Metric::kAccuracy, .arms = arms, .loss_floor = 1e-9};
  // Nothing is the same: studies go on to their end, which is when they err most.
  design.rules.margin = 1e-9;
  kind.spoil(design, engine);
  return design;
}

bool covers_zero(const Comparison& comparison) {
  return comparison.difference.n < trial::kFirstLook ||
         (comparison.difference.lower <= 0.0 && comparison.difference.upper >= 0.0);
}

void null_studies(int studies) {
  const std::size_t count = kinds().size();
  std::vector<Errors> errors(count + 1);
  parallel(studies, 11, [&](int study, Engine& engine) {
    const std::size_t kind = static_cast<std::size_t>(study) % count;
    const std::vector<Ended> ended = simulate(null_design(kinds()[kind], engine), 80, engine);
    const bool early = std::ranges::any_of(
        ended, [](const Ended& arm) { return directional(arm.comparison) && arm.seeds <= 20; });
    const bool any =
        std::ranges::any_of(ended, [](const Ended& arm) { return directional(arm.comparison); });
    const bool covered =
        std::ranges::all_of(ended, [](const Ended& arm) { return covers_zero(arm.comparison); });
    for (Errors* each : {&errors[kind], &errors[count]}) {
      ++each->studies;
      each->by_twenty += early;
      each->later += any;
      each->covered += covered;
    }
  });
  fmt::print(
      "| studies without a difference, 2 to 8 arms | studies | any false verdict by 20 seeds | "
      "continued to 80 | all intervals cover |\n"
      "|---|---|---|---|---|\n");
  for (std::size_t k = 0; k <= count; ++k)
    fmt::print("| {} | {} | {} | {} | {} |\n", k < count ? kinds()[k].name : "**all**",
               errors[k].studies.load(), share_text(errors[k].by_twenty, errors[k].studies),
               share_text(errors[k].later, errors[k].studies),
               share_text(errors[k].covered, errors[k].studies));
}

// Mean 0, deviation 1, skewness 2 and 6.2.
double exponential(Engine& engine) { return std::exponential_distribution<double>()(engine) - 1.0; }
double lognormal(Engine& engine) {
  return (std::lognormal_distribution<double>()(engine) - std::exp(0.5)) /
         std::sqrt((std::exp(1.0) - 1.0) * std::exp(1.0));
}

// An arm that is skewed beside a control that hardly varies, of equal mean: one of four arms.
void skewed_arms(int studies) {
  fmt::print(
      "| the arm's scores | skewness | control's spread | called different by 20 seeds "
      "|\n|---|---|---|---|\n");
  for (const auto& [name, draw, skewness] : {std::tuple("normal", &normal, 0.0),
                                             {"gamma", &skewed, 1.0},
                                             {"exponential", &exponential, 2.0},
                                             {"lognormal", &lognormal, 6.2}})
    for (const double spread : {1.0, 0.2}) {
      std::atomic<int> wrong = 0;
      parallel(studies, 71, [&, draw = draw](int, Engine& engine) {
        Design design{.rules = {.arms = 4, .margin = 1e-9},
                      .arms = {{.spread = spread}, {.spread = spread}, {.draw = draw}}};
        wrong += directional(simulate(design, 20, engine).front().comparison);
      });
      fmt::print("| {} | {} | {} of the arm's | {} |\n", name, skewness, spread,
                 share_text(wrong, studies));
    }
}

// The smallest level, scaled as trial/boundary.cc scales it, at which a look at `first` to `last`
// normal differences errs.
double smallest_level(int first, int last, double (*scale)(int), Engine& engine) {
  double sum = 0.0;
  double squares = 0.0;
  double least = 1.0;
  for (int n = 1; n <= last; ++n) {
    const double x = normal(engine);
    sum += x;
    squares += x * x;
    if (n < first) continue;
    const double mean = sum / n;
    const double t = mean / std::sqrt((squares - n * mean * mean) / (n - 1.0) / n);
    if (std::fabs(t) > 1.5) least = std::min(least, trial::two_sided_p(t, n - 1.0) * scale(n));
  }
  return least;
}

// The tables of trial/boundary.cc: which level gives which chance of any error.
void levels(int studies) {
  std::vector<double> early(static_cast<std::size_t>(studies));
  std::vector<double> late(static_cast<std::size_t>(studies) / 8);
  parallel(studies, 5, [&](int study, Engine& engine) {
    early[study] = smallest_level(
        5, 20, [](int n) { return 20.0 / n; }, engine);
  });
  parallel(static_cast<int>(late.size()), 7, [&](int study, Engine& engine) {
    late[study] = smallest_level(
                      21, 600, [](int n) { return n / 20.0; }, engine) /
                  1.035;
  });
  std::ranges::sort(early);
  std::ranges::sort(late);
  fmt::print("| chance of any error | level / chance, 5 to 20 | 21 to 600 |\n|---|---|---|\n");
  for (const double chance : {0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032}) {
    const auto ratio = [&](const std::vector<double>& sorted) {
      return sorted[static_cast<std::size_t>(chance * static_cast<double>(sorted.size()))] / chance;
    };
    fmt::print("| {} | {:.4f} | {:.4f} |\n", chance, ratio(early), ratio(late));
  }
}

// Four arms; one has the effect, the others have none. In standard deviations of a pair (arm -
// control).
void effects(int studies) {
  fmt::print(
      "| effect, deviations of a pair | decided by 20 seeds | in the wrong direction | seeds, "
      "median (80%) | its interval covers |\n"
      "|---|---|---|---|---|\n");
  for (const double effect : {0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0}) {
    std::vector<int> seeds(static_cast<std::size_t>(studies));
    std::atomic<int> decided = 0;
    std::atomic<int> wrong = 0;
    std::atomic<int> covered = 0;
    const double shift = effect * std::sqrt(2.0);
    parallel(studies, 23, [&](int study, Engine& engine) {
      Design design{.rules = {.arms = 4, .margin = 1e-9}, .arms = std::vector<Law>(6)};
      design.arms[2].mean = shift;
      const Ended arm = simulate(design, 20, engine).front();
      seeds[study] = directional(arm.comparison) ? arm.seeds : 999;
      decided += arm.comparison.verdict == Verdict::kHelps;
      wrong += arm.comparison.verdict == Verdict::kHurts;
      covered += arm.comparison.difference.lower <= 0.02 * shift &&
                 arm.comparison.difference.upper >= 0.02 * shift;
    });
    std::ranges::sort(seeds);
    const auto quantile = [&](double share) {
      const int found = seeds[static_cast<std::size_t>(share * (studies - 1))];
      return found == 999 ? std::string("> 20") : std::to_string(found);
    };
    fmt::print("| {} | {} | {} | {} ({}) | {} |\n", effect, share_text(decided, studies),
               share_text(wrong, studies), quantile(0.5), quantile(0.8),
               share_text(covered, studies));
  }
}

// An effect of exactly the margin must not be called the same; one of nothing should be.
void margins(int studies) {
  fmt::print(
      "| margin, deviations of a pair | an effect of exactly the margin is called the same | no "
      "effect is, by 20 seeds | seeds, median |\n"
      "|---|---|---|---|\n");
  for (const double margin : {0.5, 1.0, 1.5, 2.0, 3.0}) {
    const double width = margin * std::sqrt(2.0);
    std::atomic<int> same_at_margin = 0;
    std::atomic<int> same_at_zero = 0;
    std::vector<int> seeds(static_cast<std::size_t>(studies), 999);
    parallel(studies, 37, [&](int study, Engine& engine) {
      Design design{.rules = {.arms = 4, .margin = 0.02 * width}, .arms = std::vector<Law>(6)};
      design.arms[2].mean = width;
      const std::vector<Ended> ended = simulate(design, 20, engine);
      same_at_margin += ended[0].comparison.verdict == Verdict::kSame;
      same_at_zero += ended[1].comparison.verdict == Verdict::kSame;
      if (ended[1].comparison.verdict == Verdict::kSame) seeds[study] = ended[1].seeds;
    });
    std::ranges::sort(seeds);
    const int median = seeds[seeds.size() / 2];
    fmt::print("| {} | {} | {} | {} |\n", margin, share_text(same_at_margin, studies),
               share_text(same_at_zero, studies),
               median == 999 ? std::string("> 20") : std::to_string(median));
  }
}

}  // namespace
}  // namespace undying

int main(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[1] : "";
  const int studies = argc == 3 ? std::atoi(argv[2]) : 0;
  if (studies > 0 && what == "null") return undying::null_studies(studies), 0;
  if (studies > 0 && what == "levels") return undying::levels(studies), 0;
  if (studies > 0 && what == "skew") return undying::skewed_arms(studies), 0;
  if (studies > 0 && what == "held-out") return undying::held_out_studies(studies), 0;
  if (studies > 0 && what == "effects") return undying::effects(studies), 0;
  if (studies > 0 && what == "margin") return undying::margins(studies), 0;
  if (studies > 0 && what == "real") return undying::real_studies(studies), 0;
  std::fputs("usage: calibrate levels|null|held-out|skew|effects|margin|real STUDIES\n", stderr);
  return 2;
}

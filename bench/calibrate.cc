// Measures the judge of trials itself: how often it errs where there is no difference, how often and how soon it decides where there is
// one, how often its intervals cover the truth. Simulated runs, and real trainings. Prints tables for docs/verdicts.md (scripts/calibrate).
//
//   calibrate levels STUDIES | null STUDIES | held-out STUDIES | skew STUDIES | effects STUDIES | margin STUDIES | real STUDIES

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <cstdio>
#include <deque>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "study/plan.h"
#include "trial/boundary.h"
#include "trial/judge.h"
#include "trial/statistics.h"
#include "undying/undying.h"

namespace undying {
namespace {

using trial::Sample;
using trial::TrialRun;

using Engine = std::mt19937_64;

double normal(Engine& engine) { return std::normal_distribution<double>()(engine); }

// Mean 0, deviation 1, skewness 1 (a gamma distribution of shape 4).
double skewed(Engine& engine) { return std::gamma_distribution<double>(4.0, 0.5)(engine) - 2.0; }

// Mean 0, deviation 1: a run in seven ends well below the others.
double bimodal(Engine& engine) {
  const bool low = std::bernoulli_distribution(1.0 / 7.0)(engine);
  return (low ? -6.0 / 7.0 : 1.0 / 7.0) * 2.4 + 0.54 * normal(engine);
}

// How the runs of an arm come out.
struct Law {
  double (*draw)(Engine&) = normal;
  double spread = 1.0;
  double mean = 0.0;
  double collapses = 0.0;  // shares of runs
  double diverges = 0.0;
};

struct Design {
  TrialRules rules;
  std::vector<Law> arms;  // control, placebo, treatments
  // Instead of the laws, where runs share what they are scored on.
  std::function<TrialRun(std::size_t arm, std::uint64_t seed, Engine& engine)> run = {};
};

// Scores around 0.5 with deviations of 0.02 (accuracy), or around 1 with factors of exp(0.2) (loss).
TrialRun run_of(const Law& law, const TrialRules& rules, std::uint64_t seed, Engine& engine) {
  TrialRun run{.seed = seed};
  const double fate = std::uniform_real_distribution<double>()(engine);
  if (fate < law.diverges) run.outcome = Outcome::kDiverged;
  if (fate >= law.diverges && fate < law.diverges + law.collapses) run.outcome = Outcome::kCollapsed;
  const double value = law.mean + law.spread * law.draw(engine);
  run.score = rules.metric == Metric::kAccuracy ? 0.5 + 0.02 * value : std::exp(0.2 * value);
  run.training_loss = std::uniform_real_distribution<double>()(engine);
  return run;
}

struct Ended {
  Comparison comparison;
  int seeds = 0;
};

// A study as compare makes it: arms leave when they are decided.
std::vector<Ended> simulate(const Design& design, int most, Engine& engine) {
  std::vector<Sample> runs(design.arms.size());
  std::vector<Ended> ended(design.arms.size() - 2);
  std::vector<bool> open(ended.size(), true);
  for (int n = trial::next_look(0); n <= most; n = trial::next_look(n)) {
    for (std::size_t a = 0; a < runs.size(); ++a)
      while ((a < 2 || open[a - 2]) && static_cast<int>(runs[a].size()) < n)
        runs[a].push_back(design.run ? design.run(a, runs[a].size() + 1, engine)
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

// Runs `studies` of them on all cores, each with a random engine of its own.
void parallel(int studies, std::uint64_t seed, const std::function<void(int study, Engine&)>& body) {
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

bool directional(const Comparison& comparison) { return comparison.verdict == Verdict::kHelps || comparison.verdict == Verdict::kHurts; }

// "4.1% (3.8 to 4.4)": a share with its 99% Clopper-Pearson interval.
std::string share_text(int part, int whole) {
  using Binomial = boost::math::binomial;
  const double lower = part == 0 ? 0.0 : Binomial::find_lower_bound_on_p(whole, part, 0.005);
  const double upper = part == whole ? 1.0 : Binomial::find_upper_bound_on_p(whole, part, 0.005);
  return fmt::format("{:.2f}% ({:.2f} to {:.2f})", 100.0 * part / whole, 100.0 * lower, 100.0 * upper);
}

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
           design.arms[a].spread = std::exp(std::uniform_real_distribution<double>(-1.1, 1.1)(engine));
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
      {"5 to 20% diverge and as many collapse, in all arms alike, spreads unequal", [](Design& design, Engine& engine) {
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
  design.rules = {.metric = loss ? Metric::kLoss : Metric::kAccuracy, .arms = arms, .loss_floor = 1e-9};
  design.rules.margin = 1e-9;  // nothing is the same: studies go on to their end, which is when they err most
  kind.spoil(design, engine);
  return design;
}

struct Errors {
  std::atomic<int> studies = 0;
  std::atomic<int> by_twenty = 0;
  std::atomic<int> later = 0;  // within 80
  std::atomic<int> covered = 0;
};

bool covers_zero(const Comparison& comparison) {
  return comparison.difference.n < trial::kFirstLook || (comparison.difference.lower <= 0.0 && comparison.difference.upper >= 0.0);
}

void null_studies(int studies) {
  const std::size_t count = kinds().size();
  std::vector<Errors> errors(count + 1);
  parallel(studies, 11, [&](int study, Engine& engine) {
    const std::size_t kind = static_cast<std::size_t>(study) % count;
    const std::vector<Ended> ended = simulate(null_design(kinds()[kind], engine), 80, engine);
    const bool early = std::ranges::any_of(ended, [](const Ended& arm) { return directional(arm.comparison) && arm.seeds <= 20; });
    const bool any = std::ranges::any_of(ended, [](const Ended& arm) { return directional(arm.comparison); });
    const bool covered = std::ranges::all_of(ended, [](const Ended& arm) { return covers_zero(arm.comparison); });
    for (Errors* each : {&errors[kind], &errors[count]}) {
      ++each->studies;
      each->by_twenty += early;
      each->later += any;
      each->covered += covered;
    }
  });
  fmt::print(
      "| studies without a difference, 2 to 8 arms | studies | any false verdict by 20 seeds | continued to 80 | all intervals cover |\n"
      "|---|---|---|---|---|\n");
  for (std::size_t k = 0; k <= count; ++k)
    fmt::print("| {} | {} | {} | {} | {} |\n", k < count ? kinds()[k].name : "**all**", errors[k].studies.load(),
               share_text(errors[k].by_twenty, errors[k].studies), share_text(errors[k].later, errors[k].studies),
               share_text(errors[k].covered, errors[k].studies));
}

// Mean 0, deviation 1, skewness 2 and 6.2.
double exponential(Engine& engine) { return std::exponential_distribution<double>()(engine) - 1.0; }
double lognormal(Engine& engine) {
  return (std::lognormal_distribution<double>()(engine) - std::exp(0.5)) / std::sqrt((std::exp(1.0) - 1.0) * std::exp(1.0));
}

// An arm that is skewed beside a control that hardly varies, of equal mean: one of four arms.
void skewed_arms(int studies) {
  fmt::print("| the arm's scores | skewness | control's spread | called different by 20 seeds |\n|---|---|---|---|\n");
  for (const auto& [name, draw, skewness] :
       {std::tuple("normal", &normal, 0.0), {"gamma", &skewed, 1.0}, {"exponential", &exponential, 2.0}, {"lognormal", &lognormal, 6.2}})
    for (const double spread : {1.0, 0.2}) {
      std::atomic<int> wrong = 0;
      parallel(studies, 71, [&, draw = draw](int, Engine& engine) {
        Design design{.rules = {.arms = 4, .margin = 1e-9}, .arms = {{.spread = spread}, {.spread = spread}, {.draw = draw}}};
        wrong += directional(simulate(design, 20, engine).front().comparison);
      });
      fmt::print("| {} | {} | {} of the arm's | {} |\n", name, skewness, spread, share_text(wrong, studies));
    }
}

// The smallest level, scaled as trial/boundary.cc scales it, at which a look at `first` to `last` normal differences errs.
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
    early[static_cast<std::size_t>(study)] = smallest_level(
        5, 20, [](int n) { return 20.0 / n; }, engine);
  });
  parallel(static_cast<int>(late.size()), 7, [&](int study, Engine& engine) {
    late[static_cast<std::size_t>(study)] = smallest_level(
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

// Four arms; one has the effect, the others have none. In standard deviations of a pair (arm - control).
void effects(int studies) {
  fmt::print(
      "| effect, deviations of a pair | decided by 20 seeds | in the wrong direction | seeds, median (80%) | its interval covers |\n"
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
      seeds[static_cast<std::size_t>(study)] = directional(arm.comparison) ? arm.seeds : 999;
      decided += arm.comparison.verdict == Verdict::kHelps;
      wrong += arm.comparison.verdict == Verdict::kHurts;
      covered += arm.comparison.difference.lower <= 0.02 * shift && arm.comparison.difference.upper >= 0.02 * shift;
    });
    std::ranges::sort(seeds);
    const auto quantile = [&](double share) {
      const int found = seeds[static_cast<std::size_t>(share * (studies - 1))];
      return found == 999 ? std::string("> 20") : std::to_string(found);
    };
    fmt::print("| {} | {} | {} | {} ({}) | {} |\n", effect, share_text(decided, studies), share_text(wrong, studies), quantile(0.5),
               quantile(0.8), share_text(covered, studies));
  }
}

// An effect of exactly the margin must not be called the same; one of nothing should be.
void margins(int studies) {
  fmt::print(
      "| margin, deviations of a pair | an effect of exactly the margin is called the same | no effect is, by 20 seeds | seeds, median |\n"
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
      if (ended[1].comparison.verdict == Verdict::kSame) seeds[static_cast<std::size_t>(study)] = ended[1].seeds;
    });
    std::ranges::sort(seeds);
    const int median = seeds[seeds.size() / 2];
    fmt::print("| {} | {} | {} | {} |\n", margin, share_text(same_at_margin, studies), share_text(same_at_zero, studies),
               median == 999 ? std::string("> 20") : std::to_string(median));
  }
}

// Arms that are equally good on all examples there are, scored on the same few: each knows others of them. With a baseline of one half, as
// Baseline has it.
struct Crowd {
  std::vector<std::vector<bool>> known;  // of each arm, which examples
  std::deque<std::vector<float>> kept;
  double bound;

  Crowd(std::size_t arms, std::size_t examples, double accuracy, Engine& engine)
      : known(arms, std::vector<bool>(examples)), bound(0.5 + std::min(2.0 * std::sqrt(0.25 / static_cast<double>(examples)), 0.1)) {
    for (auto& each : known)
      for (std::size_t j = 0; j < examples; ++j) each[j] = std::bernoulli_distribution(accuracy)(engine);
  }

  TrialRun run(std::size_t arm, std::uint64_t seed, Engine& engine) {
    std::vector<float>& right = kept.emplace_back();
    for (const bool knows : known[arm]) right.push_back(knows != std::bernoulli_distribution(0.1)(engine) ? 1.0f : 0.0f);
    double score = 0.0;
    for (const float each : right) score += each / static_cast<double>(right.size());
    return {.seed = seed,
            .outcome = score > bound ? Outcome::kLearned : Outcome::kCollapsed,
            .score = score,
            .training_loss = std::uniform_real_distribution<double>()(engine),
            .examples = right};
  }
};

// Where every seed draws the split anew, training sets overlap: runs of an arm correlate by held out / all (Nadeau & Bengio 2003).
Design redrawn_design(int arms, Engine& engine) {
  Design design{.rules = {.arms = arms, .margin = 1e-9, .overlap = 0.25}, .arms = std::vector<Law>(static_cast<std::size_t>(arms + 2))};
  for (Law& law : design.arms) law = {.spread = std::sqrt(0.8), .mean = std::sqrt(0.2) * normal(engine)};
  return design;
}

void held_out_studies(int studies) {
  fmt::print("| scored on | accuracy | studies | any false verdict by 20 seeds |\n|---|---|---|---|\n");
  for (const std::size_t examples : {20, 100, 1000})
    for (const double accuracy : {0.55, 0.6, 0.7, 0.9}) {
      std::atomic<int> wrong = 0;
      parallel(studies, 41 + examples, [&](int, Engine& engine) {
        const int arms = std::uniform_int_distribution<int>(1, 4)(engine);
        Crowd crowd(static_cast<std::size_t>(arms + 2), examples, accuracy, engine);
        Design design{.rules = {.arms = arms, .margin = 1e-9, .examples = static_cast<std::int64_t>(examples)},
                      .arms = std::vector<Law>(static_cast<std::size_t>(arms + 2)),
                      .run = [&](std::size_t arm, std::uint64_t seed, Engine& own) { return crowd.run(arm, seed, own); }};
        const std::vector<Ended> ended = simulate(design, 20, engine);
        wrong += std::ranges::any_of(ended, [](const Ended& arm) { return directional(arm.comparison); });
      });
      fmt::print("| the same {} examples | {:.0f}% | {} | {} |\n", examples, 100.0 * (0.1 + 0.8 * accuracy), studies,
                 share_text(wrong, studies));
    }
  std::atomic<int> wrong = 0;
  parallel(studies, 97, [&](int, Engine& engine) {
    const std::vector<Ended> ended = simulate(redrawn_design(std::uniform_int_distribution<int>(1, 8)(engine), engine), 20, engine);
    wrong += std::ranges::any_of(ended, [](const Ended& arm) { return directional(arm.comparison); });
  });
  fmt::print("| a fifth, drawn anew for every seed | - | {} | {} |\n", studies, share_text(wrong, studies));
}

// Real trainings whose arms do the same: other draws of one activation, slopes that only chaos tells apart, labels that are noise.
struct Trainings {
  const char* name;
  const char* data;
  const char* model;
  bool noise = false;   // labels or targets in another order
  bool slopes = false;  // arms are slopes around 1e-6, else draws of relu
  double learning_rate = 0.1;
};

constexpr Trainings kTrainings[] = {{"draws of relu, classes", "spirals", "mlp:8x2", false, false, 0.1},
                                    {"slopes of 1e-6, classes", "spirals", "mlp:8x3", false, true, 0.3},
                                    {"draws of relu, values", "abs", "mlp:8x2", false, false, 0.02},
                                    {"slopes of 1e-6, values", "slowly-changing", "mlp:8x2", false, true, 0.02},
                                    {"labels are noise", "spirals", "mlp:8x2", true, false, 0.1}};

// A few hundred examples, half of them held out.
Split small_split(const Trainings& kind, Engine& engine) {
  Dataset data = *open_dataset(kind.data).train;
  std::vector<std::int32_t> labels = data.labels;
  HeldOut cut = hold_out_rows(data, 400.0 / static_cast<double>(data.size), engine());
  cut.held_out.name = data.name;
  if (kind.noise) std::ranges::shuffle(cut.held_out.labels, engine);
  HeldOut halves = hold_out_rows(cut.held_out, 0.5, engine());
  return {.train = std::make_shared<Dataset>(std::move(halves.rest)),
          .test = std::make_shared<Dataset>(std::move(halves.held_out)),
          .note = ""};
}

bool false_verdict(const Trainings& kind, int arms, Engine& engine) {
  const Split data = small_split(kind, engine);
  StudySettings settings{.data = kind.data, .model = kind.model};
  settings.margin = 1e-9;
  settings.threads = 1;
  settings.train = {.optimizer = Sgd{.learning_rate = static_cast<float>(kind.learning_rate), .momentum = 0.9f}, .batch = 25, .epochs = 5};
  settings.train.seed = 1 + engine() % 1'000'000;
  settings.train.loss = data.train->classes > 0 ? Loss::kSoftmaxCrossEntropy : Loss::kMeanSquaredError;
  settings.train.health = {.counters = false, .census = false};
  Study study = study::begin_study(settings, data);
  for (int a = 0; a < arms + 2; ++a) {
    Arm arm{.label = fmt::format("arm {}", a), .activation = "relu"};
    if (kind.slopes && a >= 2) arm.activation = Activation(fmt::format("leaky_relu:{}e-6", a));
    arm.role = a == 0 ? Role::kControl : a == 1 ? Role::kPlacebo : Role::kTreatment;
    study.arms.push_back(std::move(arm));
  }
  const auto train = [&](const Arm& arm, std::uint64_t seed, const Observer& observer, std::stop_token stop) {
    TrainSettings own = settings.train;
    own.threads = own.shards = 1;
    own.seed = seed;
    own.init_seed = seed + 7919 * static_cast<std::uint64_t>(&arm - study.arms.data());
    const std::int64_t outputs = data.train->classes > 0 ? data.train->classes : data.train->outputs;
    Trainer trainer(build_model(kind.model, data.train->shape, outputs, {.activation = arm.activation}), own);
    Run run = trainer.fit(*data.train, *data.test, observer, std::move(stop));
    if (run.status == RunStatus::kFinished) run.examples = trainer.example_scores(*data.test);
    return run;
  };
  study::train_arms(study, data, {.train = train}, nullptr, {});
  return std::ranges::any_of(study.arms, [](const Arm& arm) { return arm.role == Role::kTreatment && directional(arm.comparison); });
}

void real_studies(int studies) {
  std::vector<Errors> errors(std::size(kTrainings) + 1);
  parallel(studies, 53, [&](int study, Engine& engine) {
    const std::size_t kind = static_cast<std::size_t>(study) % std::size(kTrainings);
    const bool wrong = false_verdict(kTrainings[kind], std::uniform_int_distribution<int>(2, 8)(engine), engine);
    for (Errors* each : {&errors[kind], &errors.back()}) {
      ++each->studies;
      each->by_twenty += wrong;
    }
  });
  fmt::print("| trainings whose arms do the same, 2 to 8 arms, up to 20 seeds | studies | any false verdict |\n|---|---|---|\n");
  for (std::size_t k = 0; k < errors.size(); ++k)
    fmt::print("| {} | {} | {} |\n", k < std::size(kTrainings) ? kTrainings[k].name : "**all**", errors[k].studies.load(),
               share_text(errors[k].by_twenty, errors[k].studies));
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

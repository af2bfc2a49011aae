#include "study/reproduce/plasticity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "study/reproduce/common.h"
#include "trial/statistics.h"

namespace undying::study {
namespace {

constexpr float kRates[] = {0.01f, 0.003f, 0.001f};
// What is tried; and whether the statement names it, L2-init in the place of L2.
struct Tried {
  const char* rule;
  bool published;
};
constexpr Tried kRemedies[] = {{"cbp", true},
                               {"cbp:0.001", true},
                               {"redo", false},
                               {"l2-init", true},
                               {"shrink-perturb", true}};

constexpr float kLarger = 0.003f;     // the statement is of this step size and above
constexpr std::size_t kChooseOn = 4;  // every so manyth curve says which stretch is the best
constexpr std::size_t kWindow = 5;    // bins of 20,000: 100,000 examples

struct Size {
  int seeds;
  std::int64_t steps;
  std::size_t window;  // bins at the end, and at the best
  std::int64_t period;
};

constexpr Size kFull{30, 1'000'000, kWindow, 10'000};

Size size_of(const ReproduceSettings& settings) {
  Size size = settings.quick ? Size{4, 60'000, 1, 2'000} : kFull;
  if (settings.seeds > 0) size.seeds = settings.seeds;
  if (settings.steps > 0) size.steps = settings.steps;
  return size;
}

StudySettings study_of(const Size& size, float rate) {
  StudySettings study{.data = fmt::format("stream:slowly-changing:{}", size.period),
                      .model = "mlp:5x1",
                      .activations = {"relu"},
                      .seeds = size.seeds};
  study.train.optimizer = Sgd{.learning_rate = rate};
  study.train.loss = Loss::kMeanSquaredError;
  study.train.initializer = Initializer::kKaimingUniform;
  study.train.batch = 1;
  study.train.max_steps = size.steps;
  study.train.epochs = (size.steps + 19'999) / 20'000;
  study.train.shuffle = false;
  return study;
}

// What arms are called, and their online errors by seed and bin.
struct Errors {
  std::string label;
  float rate = 0.0f;
  bool remedy = false;
  bool published = false;  // a remedy that the statement names
  std::vector<std::vector<double>> curves;
  std::vector<double> dead;  // units of five, at the end
  std::vector<std::int64_t> steps;
};

Errors errors_of(const Arm& arm, float rate) {
  Errors errors{.label = label_of(arm), .rate = rate, .remedy = arm.keep_alive.any()};
  for (const Tried& tried : kRemedies)
    errors.published =
        errors.published || (tried.published && arm.keep_alive == parse_keep_alive(tried.rule));
  for (const ArmRun& run : arm.runs) {
    if (!run.present || run.run.status != RunStatus::kFinished) continue;
    std::vector<double> curve;
    errors.steps.clear();
    for (const EpochRecord& bin : run.run.epochs) {
      curve.push_back(bin.train_loss);
      errors.steps.push_back(bin.step);
    }
    errors.dead.push_back(static_cast<double>(run.run.epochs.back().dead));
    errors.curves.push_back(std::move(curve));
  }
  return errors;
}

double mean_of_bins(const std::vector<double>& curve, std::size_t first, std::size_t count) {
  return trial::mean_of(std::span(curve).subspan(first, count));
}

// Over the seeds, of the bins [first, first + count).
Estimate estimate(const Errors& errors, std::size_t first, std::size_t count) {
  std::vector<double> values;
  for (const auto& curve : errors.curves) values.push_back(mean_of_bins(curve, first, count));
  return trial::mean_interval(values);
}

Curve curve_of(const Errors& errors) {
  Curve curve{.label = errors.label};
  for (std::size_t bin = 0; bin < errors.steps.size(); ++bin)
    curve.add(static_cast<double>(errors.steps[bin]), estimate(errors, bin, 1));
  return curve;
}

Estimate exponential(const Estimate& logs) {
  return {std::exp(logs.mean), std::exp(logs.lower), std::exp(logs.upper), logs.n};
}

std::vector<std::string> row_of(const Errors& errors, std::size_t window) {
  const std::size_t bins = errors.steps.size();
  std::vector<std::string> row = {errors.label, fmt::format("{}", errors.rate),
                                  fmt::format("{}", errors.curves.size())};
  if (errors.curves.size() < 2 || bins < window) {
    row.resize(8, "-");
    return row;
  }
  row.push_back(interval_text(estimate(errors, 0, window), "{:.3f}"));
  row.push_back(interval_text(estimate(errors, bins - window, window), "{:.3f}"));
  row.push_back(interval_text(growth(errors.curves, window), "{:.3f}"));
  row.push_back(interval_text(rise(errors.curves, window), "{:.3f}"));
  row.push_back(fmt::format("{:.2f}", trial::mean_of(errors.dead)));
  return row;
}

// Every arm whose interval decides, and those that it does not.
Claim claim_of(const std::vector<Errors>& all, float rate, std::size_t window) {
  Claim claim{.published = fmt::format("at step size {} the error of every activation rises over a "
                                       "million examples",
                                       rate)};
  int rises = 0;
  int arms = 0;
  std::string falls;
  std::string open;
  for (const Errors& errors : all) {
    if (errors.rate != rate || errors.remedy) continue;
    ++arms;
    const Estimate up = growth(errors.curves, window);
    if (up.lower > 1.0)
      ++rises;
    else
      (up.upper < 1.05 ? falls : open) += (std::string(" ") + errors.label);
  }
  claim.found = fmt::format("the last stretch is above the first in {} of {}", rises, arms);
  if (!falls.empty()) claim.found += "; by less than 5%, or not at all, in" + falls;
  if (!open.empty()) claim.found += "; not known of" + open;
  claim.agreement = arms == 0        ? Agreement::kUndecided
                    : rises == arms  ? Agreement::kAgrees
                    : !falls.empty() ? Agreement::kDiffers
                                     : Agreement::kUndecided;
  return claim;
}

// Whether ReLU gets worse, and remedies end below it.
Claim remedy_claim(const std::vector<Errors>& all, float rate, std::size_t window) {
  Claim claim{.published = fmt::format(
                  "continual backpropagation, L2 and shrink and perturb keep plasticity (shown on "
                  "Continual ImageNet; here, at step size {}, L2 towards the initial weights for "
                  "L2: ReLU's error rises, and one of theirs ends below it)",
                  rate)};
  const auto relu = std::ranges::find_if(
      all, [&](const Errors& errors) { return errors.rate == rate && errors.label == "relu"; });
  const Estimate up = growth(relu->curves, window);
  claim.found = fmt::format("relu, last / first {}", interval_text(up, "{:.3f}"));
  bool below = false;
  bool above = true;
  for (const Errors& errors : all) {
    if (errors.rate != rate || !errors.remedy) continue;
    const Estimate ratio = end_ratio(errors.curves, relu->curves, window);
    claim.found +=
        fmt::format(", {} / relu at the end {}", errors.label, interval_text(ratio, "{:.3f}"));
    below = below || (errors.published && ratio.upper < 1.0);
    above = above && (!errors.published || ratio.lower > 1.0);
  }
  claim.agreement = up.upper < 1.05 || above  ? Agreement::kDiffers
                    : up.lower > 1.0 && below ? Agreement::kAgrees
                                              : Agreement::kUndecided;
  return claim;
}

// The arms of one study, into `all`; how many runs are missing.
int add_arms(const ReproduceSettings& reproduce, const Size& size, float rate, bool remedies,
             const ReproduceProgress& progress, const std::stop_token& stop,
             std::vector<Errors>& all) {
  StudySettings settings = study_of(size, rate);
  const Split data = open_dataset(settings.data, {.seed = settings.train.seed});
  if (remedies)
    for (const Tried& tried : kRemedies)
      settings.keep_alive.push_back(parse_keep_alive(tried.rule));
  else
    settings.activations = {"relu", "leaky_relu:0.01", "leaky_relu:0.1", "leaky_relu:0.25", "elu",
                            "tanh"};
  const Study study = run_arms(
      std::move(settings), data,
      {.name = fmt::format("step size {}, {}", rate, remedies ? "remedies" : "activations"),
       .stored = fmt::format("plasticity-{}-{}-{}", rate, size.steps, size.period)},
      reproduce, progress, stop);
  for (const Arm& arm : study.arms)
    if (arm.role == Role::kTreatment || (arm.role == Role::kControl && !remedies))
      all.push_back(errors_of(arm, rate));
  return study.missing;
}

// A run that is missing or diverged is part of no curve, and would be part of the answer.
std::vector<Claim> claims_of(const std::vector<Errors>& all, const Size& size,
                             const ReproduceSettings& settings, int missing) {
  const bool whole =
      missing == 0 && std::ranges::all_of(all, [&](const Errors& errors) {
        return std::ssize(errors.curves) == size.seeds && errors.steps.size() >= size.window;
      });
  if (!whole)
    return {{.published = "the error of every activation rises over a million examples, and "
                          "remedies keep plasticity",
             .found = "runs are missing, diverged or are too short: nothing is concluded",
             .agreement = Agreement::kUndecided}};
  std::vector<Claim> claims;
  for (const float rate : kRates) {
    if (rate < kLarger || (settings.quick && rate != kRates[0])) continue;
    claims.push_back(claim_of(all, rate, size.window));
    claims.push_back(remedy_claim(all, rate, size.window));
  }
  leave_open_if_short(claims, settings, {kFull.seeds, kFull.steps});
  return claims;
}

}  // namespace

Estimate growth(std::span<const std::vector<double>> curves, std::size_t window) {
  std::vector<double> ratios;
  for (const std::vector<double>& curve : curves)
    ratios.push_back(std::log(mean_of_bins(curve, curve.size() - window, window) /
                              mean_of_bins(curve, 0, window)));
  return exponential(trial::mean_interval(ratios));
}

Estimate end_ratio(std::span<const std::vector<double>> curves,
                   std::span<const std::vector<double>> others, std::size_t window) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(curves.size(), others.size()); ++i)
    ratios.push_back(std::log(mean_of_bins(curves[i], curves[i].size() - window, window) /
                              mean_of_bins(others[i], others[i].size() - window, window)));
  return exponential(trial::mean_interval(ratios));
}

Estimate rise(std::span<const std::vector<double>> curves, std::size_t window) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  if (curves.size() < 4 || curves.front().size() < 2 * window) return {nan, nan, nan, 0};
  const std::size_t bins = curves.front().size();
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t first = 0; first + 2 * window <= bins; ++first) {
    double sum = 0.0;
    for (std::size_t i = 0; i < curves.size(); i += kChooseOn)
      sum += mean_of_bins(curves[i], first, window);
    if (sum < least) best = first;
    least = std::min(least, sum);
  }
  std::vector<double> ratios;
  for (std::size_t i = 0; i < curves.size(); ++i)
    if (i % kChooseOn != 0)
      ratios.push_back(std::log(mean_of_bins(curves[i], bins - window, window) /
                                mean_of_bins(curves[i], best, window)));
  return exponential(trial::mean_interval(ratios));
}

Reproduction plasticity(const ReproduceSettings& settings, const ReproduceProgress& progress,
                        const std::stop_token& stop) {
  const Size size = size_of(settings);
  Reproduction found;
  found.setting = fmt::format(
      "slowly-changing regression, 20 bits, 15 slow ones of which one flips every {} examples; "
      "one hidden layer of 5 units, SGD, batch 1, Kaiming uniform; {} seeds (target, stream and "
      "draw) of {} examples, in bins of 20,000{}",
      size.period, size.seeds, size.steps,
      settings.quick ? "; quick: too short for the statement" : "");
  std::vector<Errors> all;
  for (const float rate : kRates)
    for (const bool remedies : {false, true}) {
      if (settings.quick && rate != kRates[0]) continue;
      if (!stop.stop_requested())
        found.missing += add_arms(settings, size, rate, remedies, progress, stop, all);
    }
  const std::size_t window = size.window;
  Table table{
      .title = fmt::format(
          "Squared error, mean over seeds with its 95% interval; the first "
          "and the last {} examples, the last over the first, and over the best {} before it",
          20'000 * window, 20'000 * window),
      .columns = {"arm", "step size", "seeds", "first", "last", "last / first", "last / best",
                  "dead of 5"}};
  for (const Errors& errors : all) {
    table.rows.push_back(row_of(errors, window));
    const std::string title = fmt::format("Squared error at step size {}", errors.rate);
    if (found.plots.empty() || found.plots.back().title != title)
      found.plots.push_back(
          {.title = title, .x = {.title = "examples"}, .y = {.title = "squared error, online"}});
    found.plots.back().curves.push_back(curve_of(errors));
  }
  found.tables.push_back(std::move(table));
  found.claims = claims_of(all, size, settings, found.missing);
  return found;
}

}  // namespace undying::study

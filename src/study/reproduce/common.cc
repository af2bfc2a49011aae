#include "study/reproduce/common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <thread>

#include "trial/statistics.h"

namespace undying::study {
namespace {

constexpr std::size_t kBins = 50;  // of a curve

}  // namespace

void Curve::add(double at, const Estimate& figure) {
  x.push_back(at);
  mean.push_back(figure.mean);
  lower.push_back(figure.lower);
  upper.push_back(figure.upper);
}

std::string interval_text(const Estimate& estimate, const char* form) {
  const auto figure = [&](double value) { return fmt::format(fmt::runtime(form), value); };
  if (std::isnan(estimate.mean)) return "-";
  if (std::isnan(estimate.lower)) return figure(estimate.mean);
  return fmt::format("{} [{}, {}]", figure(estimate.mean), figure(estimate.lower),
                     figure(estimate.upper));
}

std::string share_text(int count, int of) { return percent_text(trial::share_interval(count, of)); }

std::string percent_text(const Estimate& share) {
  if (share.n == 0) return "-";
  return fmt::format("{:.1f}% [{:.1f}, {:.1f}]", 100.0 * share.mean, 100.0 * share.lower,
                     100.0 * share.upper);
}

Study run_arms(StudySettings settings, const Split& data, const StudyOf& of,
               const ReproduceSettings& reproduce, const ReproduceProgress& progress,
               const std::stop_token& stop) {
  settings.threads = reproduce.threads;
  if (!reproduce.folder.empty()) settings.store = reproduce.folder / (of.stored + ".sqlite");
  std::size_t planned = 0;
  std::size_t done = 0;
  return run_study(
      settings, data,
      [&](const std::vector<Arm>& arms) {
        planned = 0;
        for (const Arm& arm : arms) planned += arm.runs.size();
      },
      [&](const StudyProgress& at) {
        done += at.finished ? 1 : 0;
        if (progress && planned > 0)
          progress(of.name, static_cast<double>(done) / static_cast<double>(planned));
      },
      stop);
}

std::string label_of(const Arm& arm) {
  return arm.role == Role::kControl ? arm.activation.specification() : arm.label;
}

bool is_shown(const Arm& arm) { return arm.role != Role::kPlacebo; }

std::vector<const ArmRun*> runs_of(const Arm& arm) {
  std::vector<const ArmRun*> runs;
  for (const ArmRun& run : arm.runs)
    if (run.present && run.run.status != RunStatus::kInterrupted) runs.push_back(&run);
  return runs;
}

Estimate mean_over(const Arm& arm, const std::function<double(const ArmRun&)>& figure) {
  std::vector<double> values;
  for (const ArmRun* run : runs_of(arm))
    if (run->run.status == RunStatus::kFinished) values.push_back(figure(*run));
  return trial::mean_interval(values);
}

Estimate of_share(Estimate estimate) {
  // A bound that is not there stays so.
  if (estimate.lower < 0.0) estimate.lower = 0.0;
  if (estimate.upper > 1.0) estimate.upper = 1.0;
  return estimate;
}

Curve loss_curve(const Arm& arm, const std::string& label) {
  Curve curve{.label = label};
  std::vector<std::int64_t> at_steps;
  std::vector<std::vector<double>> losses;  // by bin and run
  for (const ArmRun* run : runs_of(arm)) {
    if (run->run.status != RunStatus::kFinished) continue;
    const std::vector<StepRecord>& steps = run->run.steps;
    if (at_steps.empty())
      for (std::size_t i = 0; i < steps.size(); i += steps.size() / kBins + 1)
        at_steps.push_back(steps[i].step);
    losses.resize(at_steps.size());
    std::size_t at = 0;
    for (std::size_t bin = 0; bin < at_steps.size(); ++bin) {
      while (at + 1 < steps.size() && steps[at].step < at_steps[bin]) ++at;
      losses[bin].push_back(steps[at].loss);
    }
  }
  for (std::size_t bin = 0; bin < losses.size(); ++bin)
    curve.add(static_cast<double>(at_steps[bin]), trial::mean_interval(losses[bin]));
  return curve;
}

Plot loss_plot(const std::string& title, std::vector<Curve> curves) {
  return {.title = title,
          .x = {.title = "training step"},
          .y = {.title = "training loss"},
          .curves = std::move(curves)};
}

int count_of(const Arm& arm, const std::function<bool(const ArmRun&)>& what) {
  return static_cast<int>(
      std::ranges::count_if(runs_of(arm), [&](const ArmRun* run) { return what(*run); }));
}

void leave_open(std::vector<Claim>& claims, const std::string& reason) {
  for (Claim& claim : claims) {
    claim.agreement = Agreement::kUndecided;
    claim.found += "; " + reason;
  }
}

void leave_open_if_short(std::vector<Claim>& claims, const ReproduceSettings& settings,
                         const FullSize& full) {
  if (settings.quick) return leave_open(claims, "quick: too small for the statement");
  std::vector<std::string> parts;
  if (settings.seeds > 0 && settings.seeds < full.seeds)
    parts.push_back(fmt::format("{} of {} seeds", settings.seeds, full.seeds));
  if (settings.steps > 0 && settings.steps < full.steps)
    parts.push_back(fmt::format("{} of {} steps", settings.steps, full.steps));
  if (!parts.empty())
    leave_open(claims, fmt::format("{}: too few for the statement", fmt::join(parts, ", ")));
}

std::string Length::text() const {
  const auto counted = [](std::int64_t count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  return steps > 0 ? counted(steps, "step") : counted(epochs, "epoch");
}

Length length_of(std::int64_t own_epochs, std::int64_t steps, std::int64_t examples,
                 std::int64_t batch) {
  const std::int64_t in_epoch = (examples + batch - 1) / batch;
  return {.epochs = steps > 0 ? (steps + in_epoch - 1) / in_epoch : own_epochs,
          .steps = steps,
          .full = own_epochs * in_epoch};
}

void work_on_threads(const Work& work, int threads, const ReproduceProgress& progress,
                     const std::stop_token& stop) {
  if (threads == 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  std::atomic<int> next = 0;
  std::mutex mutex;
  int done = 0;
  std::exception_ptr error;
  const auto serve = [&] {
    for (int i = next++; i < work.count && !stop.stop_requested(); i = next++) {
      try {
        work.item(i);
        const std::lock_guard lock(mutex);
        ++done;
        if (progress) progress(work.name, static_cast<double>(done) / work.count);
      } catch (...) {
        const std::lock_guard lock(mutex);
        error = std::current_exception();
        next = work.count;
      }
    }
  };
  {
    std::vector<std::jthread> team;
    for (int t = 0; t < std::min(threads, work.count); ++t) team.emplace_back(serve);
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace undying::study

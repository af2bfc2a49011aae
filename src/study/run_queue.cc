#include "study/run_queue.h"

#include <chrono>
#include <optional>
#include <thread>

#include "base/stop.h"
#include "study/record.h"

namespace undying::study {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostSteps = 500;                            // kept of a run for its curves
constexpr auto kProgressInterval = std::chrono::milliseconds(50);  // between two reports of one run

}  // namespace

RunQueue::RunQueue(Study& study, const Hooks& hooks, Store* store, std::int64_t steps)
    : study_(study), hooks_(hooks), store_(store), progress_(hooks.progress), steps_(steps) {
  const StudyPart& part = study.settings.part;
  int index = 0;
  for (std::size_t seed = 0; seed < study.arms.front().runs.size(); ++seed)
    for (std::size_t arm = 0; arm < study.arms.size(); ++arm) {
      if (seed >= study.arms[arm].runs.size()) continue;
      if (index++ % part.count == part.index - 1 && !study.arms[arm].runs[seed].present)
        jobs_.push_back({arm, seed});
    }
}

void RunQueue::run(int threads, const std::stop_token& stop) {
  const std::stop_callback forward(stop, [this] { stop_.request_stop(); });
  {
    std::vector<std::jthread> team;
    for (int i = 0; i < threads; ++i) team.emplace_back([this] { work(); });
  }
  if (error_) std::rethrow_exception(error_);
}

void RunQueue::work() {
  for (std::size_t next = next_++; next < jobs_.size() && !stop_.stop_requested(); next = next_++) {
    try {
      const Stoppable stoppable(stop_.get_token());
      unless_stopped([&] { do_job(jobs_[next]); });
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      stop_.request_stop();
    }
  }
}

void RunQueue::do_job(const Job& job) {
  Arm& arm = study_.arms[job.arm];
  ArmRun& slot = arm.runs[job.run];
  std::optional<Run> run =
      store_ == nullptr ? std::nullopt : store_->find(arm.stored_as, slot.seed);
  const bool kept = run.has_value();
  if (!kept) {
    run = train(job);
    ++trained_;
  }
  if (run->status == RunStatus::kInterrupted) return;
  thin(run->steps, kMostSteps);
  if (!kept && store_ != nullptr) store_->put(arm.stored_as, slot.seed, *run);
  if (hooks_.baseline) slot.baseline = hooks_.baseline(slot.seed);
  const std::lock_guard lock(mutex_);
  slot.run = std::move(*run);
  slot.present = true;
  if (progress_) progress_({job.arm, slot.seed, steps_, steps_, 0.0, true, &slot});
}

Run RunQueue::train(const Job& job) {
  const Arm& arm = study_.arms[job.arm];
  const std::uint64_t seed = arm.runs[job.run].seed;
  Clock::time_point reported{};
  Observer observer;
  observer.step = [&](const StepRecord& record) {
    if (!progress_ || (record.step & 15) != 1 || Clock::now() - reported < kProgressInterval)
      return;
    reported = Clock::now();
    const std::lock_guard lock(mutex_);
    progress_({job.arm, seed, record.step, steps_, record.loss, false, nullptr});
  };
  return hooks_.train(arm, seed, observer, stop_.get_token());
}

}  // namespace undying::study

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "base/version.h"
#include "study/plan.h"
#include "study/record.h"
#include "study/store.h"
#include "undying/error.h"

namespace undying {
namespace study {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostSteps = 500;                            // kept of a run for its curves
constexpr auto kProgressInterval = std::chrono::milliseconds(50);  // between two reports of one run

struct Job {
  std::size_t arm;
  std::size_t run;
};

// The runs of a study, handed out to threads seed by seed, so that what an interrupted study leaves is paired.
class Schedule {
 public:
  Schedule(Study& study, const TrainArm& train, Store* store, const std::function<void(const StudyProgress&)>& progress, std::int64_t steps)
      : study_(study), train_(train), store_(store), progress_(progress), steps_(steps) {
    for (int seed = 0; seed < study.settings.seeds; ++seed)
      for (std::size_t arm = 0; arm < study.arms.size(); ++arm) jobs_.push_back({arm, static_cast<std::size_t>(seed)});
  }

  void run(int threads, const std::stop_token& stop) {
    const std::stop_callback forward(stop, [this] { stop_.request_stop(); });
    {
      std::vector<std::jthread> team;
      for (int i = 0; i < threads; ++i) team.emplace_back([this] { work(); });
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void work() {
    for (std::size_t next = next_++; next < jobs_.size() && !stop_.stop_requested(); next = next_++) {
      try {
        do_job(jobs_[next]);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
        stop_.request_stop();
      }
    }
  }

  void do_job(const Job& job) {
    Arm& arm = study_.arms[job.arm];
    ArmRun& slot = arm.runs[job.run];
    std::optional<Run> run = store_ == nullptr ? std::nullopt : store_->find(arm.label, slot.seed);
    const bool kept = run.has_value();
    if (!kept) run = train(job);
    if (run->status == RunStatus::kInterrupted) return;
    thin(run->steps, kMostSteps);
    if (!kept && store_ != nullptr) store_->put(arm.label, slot.seed, *run);
    const std::lock_guard lock(mutex_);
    slot.run = std::move(*run);
    slot.present = true;
    if (progress_) progress_({job.arm, slot.seed, steps_, steps_, 0.0, true, &slot});
  }

  Run train(const Job& job) {
    const Arm& arm = study_.arms[job.arm];
    const std::uint64_t seed = arm.runs[job.run].seed;
    Clock::time_point reported{};
    Observer observer;
    observer.step = [&](const StepRecord& record) {
      if (!progress_ || (record.step & 15) != 1 || Clock::now() - reported < kProgressInterval) return;
      reported = Clock::now();
      const std::lock_guard lock(mutex_);
      progress_({job.arm, seed, record.step, steps_, record.loss, false, nullptr});
    };
    return train_(arm, seed, observer, stop_.get_token());
  }

  Study& study_;
  const TrainArm& train_;
  Store* store_;
  const std::function<void(const StudyProgress&)>& progress_;
  std::int64_t steps_;
  std::vector<Job> jobs_;
  std::atomic<std::size_t> next_{0};
  std::stop_source stop_;
  std::mutex mutex_;  // guards the slots' publication, progress_ and error_
  std::exception_ptr error_;
};

double chance(const Dataset& test) {
  if (test.classes == 0) return 0.0;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(test.classes));
  for (const std::int32_t label : test.labels) ++counts[static_cast<std::size_t>(label)];
  return static_cast<double>(*std::max_element(counts.begin(), counts.end())) / static_cast<double>(test.size);
}

std::int64_t steps_of(const TrainSettings& train, const Dataset& data) {
  const std::int64_t all = train.epochs * ((data.size + train.batch - 1) / train.batch);
  return train.max_steps > 0 ? std::min(all, train.max_steps) : all;
}

std::int64_t outputs_of(const Dataset& data) { return data.classes > 0 ? data.classes : data.outputs; }

Graph build(const StudySettings& settings, const Arm& arm, const Dataset& data) {
  ModelOptions options = settings.model_options;
  options.activation = arm.activation;
  return build_model(settings.model, data.shape, outputs_of(data), options);
}

void check(const StudySettings& settings, const Split& data, const std::vector<Arm>& arms) {
  if (settings.seeds < 1 || settings.seeds > 1000)
    throw Error(ErrorCode::kInvalidArgument, "seeds", "is " + std::to_string(settings.seeds) + "; expected 1..1000");
  if (settings.threads < 0 || settings.threads > 1024)
    throw Error(ErrorCode::kInvalidArgument, "threads",
                "is " + std::to_string(settings.threads) + "; expected 1..1024, or 0 for one per core");
  if (!settings.train.evaluate) throw Error(ErrorCode::kInvalidArgument, "evaluate", "is off; a study needs the test set");
  for (const Arm& arm : arms) {
    const Trainer trainer(build(settings, arm, *data.train), run_settings(settings, arm, settings.train.seed));
    trainer.check(*data.train);
    trainer.check(*data.test);
  }
  learning_rate_factor(settings.train.schedule, 0, steps_of(settings.train, *data.train));  // throws on a schedule that does not fit
}

}  // namespace

Study begin_study(const StudySettings& settings, const Split& data) {
  Study study{.settings = settings, .machine = machine(), .version = kVersion};
  study.data_name = settings.data;
  study.train_examples = data.train->size;
  study.test_examples = data.test->size;
  study.data_note = data.note;
  study.chance = chance(*data.test);
  return study;
}

void train_arms(Study& study, const Split& data, const TrainArm& train, Store* store,
                const std::function<void(const StudyProgress&)>& progress, std::stop_token stop) {
  const auto start = Clock::now();
  const StudySettings& settings = study.settings;
  const int threads = settings.threads > 0 ? settings.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  Schedule(study, train, store, progress, steps_of(settings.train, *data.train)).run(threads, stop);
  study.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  analyse(study);
}

Study run_study_with(const StudySettings& settings, const Split& data, const TrainArm& train,
                     const std::function<void(const std::vector<Arm>&)>& planned, const std::function<void(const StudyProgress&)>& progress,
                     std::stop_token stop) {
  Study study = begin_study(settings, data);
  study.arms = plan_arms(settings);
  check(settings, data, study.arms);
  std::optional<Store> store;
  if (!settings.store.empty()) store.emplace(settings.store, fingerprint(settings, data));
  if (planned) planned(study.arms);
  train_arms(study, data, train, store ? &*store : nullptr, progress, std::move(stop));
  return study;
}

}  // namespace study

Study run_study(const StudySettings& settings, const Split& data, const std::function<void(const std::vector<Arm>&)>& planned,
                const std::function<void(const StudyProgress&)>& progress, std::stop_token stop) {
  const auto train = [&](const Arm& arm, std::uint64_t seed, const Observer& observer, std::stop_token stopping) {
    Trainer trainer(study::build(settings, arm, *data.train), study::run_settings(settings, arm, seed));
    return trainer.fit(*data.train, *data.test, observer, std::move(stopping));
  };
  return study::run_study_with(settings, data, train, planned, progress, std::move(stop));
}

}  // namespace undying

#ifndef UNDYING_STUDY_RUN_QUEUE_H_
#define UNDYING_STUDY_RUN_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <vector>

#include "study/plan.h"
#include "study/store.h"

namespace undying::study {

// The runs of a study that are still to be done, handed out to threads seed by seed, so that what
// an interrupted study leaves is paired.
class RunQueue {
 public:
  // `store`: null, or where finished runs are found and put.
  RunQueue(Study& study, const Hooks& hooks, Store* store, std::int64_t steps);

  std::size_t trained() const { return trained_; }

  // Returns when all are done or it was stopped; throws what a run has thrown.
  void run(int threads, const std::stop_token& stop);

 private:
  struct Job {
    std::size_t arm;
    std::size_t run;
  };

  void work();
  void do_job(const Job& job);
  Run train(const Job& job);

  Study& study_;
  const Hooks& hooks_;
  Store* store_;
  const std::function<void(const StudyProgress&)>& progress_;
  std::int64_t steps_;
  std::vector<Job> jobs_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> trained_{0};
  std::stop_source stop_;
  std::mutex mutex_;  // guards the slots' publication, progress_ and error_
  std::exception_ptr error_;
};

}  // namespace undying::study

#endif  // UNDYING_STUDY_RUN_QUEUE_H_

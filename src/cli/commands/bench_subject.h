#ifndef UNDYING_CLI_COMMANDS_BENCH_SUBJECT_H_
#define UNDYING_CLI_COMMANDS_BENCH_SUBJECT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cli/network.h"
#include "undying/trainer.h"

namespace undying::cli {

struct Workload {
  std::string name;
  std::string model;
  std::int64_t batch;
  std::optional<Network> network = {};  // from a file
};

// Random examples of about a thousand in whole batches, the bench's own data, so that it needs
// none: a part of a batch at the end of an epoch would count as a whole one. Pixels and labels; for
// a network from a file normal inputs, rows of tables where it takes those, and normal targets.
Dataset random_data(const Workload& workload, std::int64_t seed);

struct Contender {
  std::string label;
  Activation activation;
  bool counters = true;
  KeepAlive keep_alive = {};
};

// How it is trained, whatever the activation.
struct SubjectOptions {
  std::int64_t seed = 1;
  int threads = 0;
  Precision precision = Precision::kFloat32;
};

// A network of the workload, trained a window of steps at a time.
class Subject {
 public:
  Subject(const Workload& workload, const Contender& contender, const SubjectOptions& options);

  // One step; the time from the start of the process to its end.
  void first_step(const Dataset& data);

  // A measurement counts only if the network really learns: within some steps on one batch, its
  // loss there falls. Not at each step: an activation with a jump has a gradient that does not see
  // it. Throws Error{kInternal} where it does not.
  void verify(const Dataset& data);

  // Mean seconds of a step, over at least this many seconds after a first step.
  double window(const Dataset& data, double least);

  double multiply_adds() const {
    return undying::multiply_adds(trainer_.graph());
  }                                                        // of one example
  double first_step_ms() const { return first_step_ms_; }  // since the process started
  int threads() const { return threads_; }
  int shards() const { return shards_; }

 private:
  Run train(const Dataset& data, const std::function<bool(const StepRecord&)>& enough);

  std::int64_t batch_;
  double first_step_ms_ = 0.0;
  int threads_ = 0;
  int shards_ = 0;
  Trainer trainer_;
};

}  // namespace undying::cli

#endif  // UNDYING_CLI_COMMANDS_BENCH_SUBJECT_H_

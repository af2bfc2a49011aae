#ifndef UNDYING_CLI_PROGRESS_H_
#define UNDYING_CLI_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/host.h"
#include "undying/study.h"

namespace undying::cli {

// Lines on standard error that show how a job stands: redrawn in place on a terminal, at most ten
// times a second; elsewhere permanent lines alone, with a sign of life every ten seconds. Nothing
// at all when quiet. A standard error that cannot be written never ends a job. Where a host shows
// them itself it gets them all, as often.
class Screen {
 public:
  Screen(const Host& host, bool quiet);
  ~Screen() { close(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  bool quiet() const { return quiet_; }
  const Host& host() const { return *host_; }
  bool due();  // whether it is time for the next show()
  void show(const std::vector<std::string>&
                lines);                 // replaces the live lines; elsewhere prints the last one
  void print(const std::string& line);  // a line that stays
  void close();          // takes the live lines away and shows the cursor again, for good
  void abandon() const;  // shows the cursor again, from any thread: the program ends now

 private:
  std::string erasure();
  void write(const std::string& text) const;

  const Host* host_;
  bool quiet_;
  bool live_;
  std::size_t shown_ = 0;
  std::chrono::steady_clock::time_point last_;
  std::mutex mutex_;  // guards live_, shown_ and what is on the screen
};

// The width of the terminal on this descriptor, 100 where there is none.
int terminal_columns(int descriptor);

// "#####-----"
std::string bar(double share, int width);

// "1h 02m", "3m 05s", "12s"
std::string duration_text(double seconds);

// "950 samples/s", "12.3k samples/s", "4.56M samples/s"
std::string rate_text(double samples_per_second);

// "83.4% of 480 units dead", "12 of 480 ..." being harder to compare between layers and arms
std::string dead_text(std::int64_t dead, std::int64_t units);

// The progress of one run: a bar with loss, living share, rate and time left, and a line for each
// epoch.
class TrainDisplay {
 public:
  TrainDisplay(Screen& screen, const TrainSettings& settings, std::int64_t train_examples);

  void step(const StepRecord& record);
  void epoch(const EpochRecord& record);

 private:
  Screen& screen_;
  std::int64_t epochs_;
  std::int64_t batch_;
  std::int64_t steps_per_epoch_;
  std::int64_t steps_;
  std::string health_;  // of the last census
  std::chrono::steady_clock::time_point start_;
};

// The progress of a study: a bar for each running run and one for the whole, with the rate and the
// time left.
class StudyDisplay {
 public:
  // `scored`: the part of the data that runs are scored on.
  StudyDisplay(Screen& screen, const StudySettings& settings, std::int64_t train_examples,
               std::string scored = "test");

  void plan(const std::vector<Arm>& arms);
  void update(const StudyProgress& progress);

 private:
  using Key = std::pair<std::size_t, std::uint64_t>;  // arm, seed

  void tell(const StudyProgress& progress) const;
  void finish(const StudyProgress& progress);
  std::vector<std::string> lines() const;
  std::string overall() const;

  Screen& screen_;
  std::string scored_;
  std::int64_t batch_;
  std::vector<std::string> labels_;
  std::size_t label_width_ = 0;
  std::optional<Metric> metric_;
  StudyPart part_;
  bool tuning_ = false;  // learning rates are being chosen
  std::map<Key, StudyProgress> running_;
  std::size_t runs_ = 0;
  std::size_t done_ = 0;
  std::int64_t steps_trained_ = 0;  // by finished runs, without those that came from a store
  std::int64_t steps_per_run_ = 0;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace undying::cli

#endif  // UNDYING_CLI_PROGRESS_H_

#ifndef UNDYING_CLI_PROGRESS_H_
#define UNDYING_CLI_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "undying/study.h"

namespace undying::cli {

// Lines on standard error that show how a job stands: redrawn in place on a terminal, at most ten times a second; elsewhere permanent
// lines alone, with a sign of life every ten seconds. Nothing at all when quiet.
class Screen {
 public:
  explicit Screen(bool quiet);
  ~Screen();  // takes the live lines away and shows the cursor again

  bool live() const { return live_; }
  bool quiet() const { return quiet_; }
  bool due();                                        // whether it is time for the next show()
  void show(const std::vector<std::string>& lines);  // replaces the live lines; elsewhere prints the last one
  void print(const std::string& line);               // a line that stays

 private:
  void erase();

  bool quiet_;
  bool live_;
  std::size_t shown_ = 0;
  std::chrono::steady_clock::time_point last_;
};

// The width of the terminal on this descriptor, 100 where there is none.
int terminal_columns(int descriptor);

// "#####-----"
std::string bar(double share, int width);

// "1h 02m", "3m 05s", "12s"
std::string duration_text(double seconds);

// The progress of a study: a bar for each running run and one for the whole, with the rate and the time left.
class StudyDisplay {
 public:
  StudyDisplay(Screen& screen, const StudySettings& settings, std::int64_t train_examples);

  void plan(const std::vector<Arm>& arms);
  void update(const StudyProgress& progress);

 private:
  void finish(const StudyProgress& progress);
  std::vector<std::string> lines() const;

  Screen& screen_;
  std::int64_t batch_;
  std::int64_t train_examples_;
  std::vector<std::string> labels_;
  std::map<std::pair<std::size_t, std::uint64_t>, StudyProgress> running_;
  std::size_t runs_ = 0;
  std::size_t done_ = 0;
  std::int64_t steps_done_ = 0;
  std::int64_t steps_per_run_ = 0;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace undying::cli

#endif  // UNDYING_CLI_PROGRESS_H_

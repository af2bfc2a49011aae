#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace undying::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

Screen::Screen(bool quiet) : quiet_(quiet), live_(!quiet && isatty(STDERR_FILENO) == 1), last_(Clock::now()) {
  if (live_) fmt::print(stderr, "\x1b[?25l");
}

Screen::~Screen() {
  if (!live_) return;
  erase();
  fmt::print(stderr, "\x1b[?25h");
}

bool Screen::due() {
  if (quiet_) return false;
  const auto interval = live_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10'000);
  if (Clock::now() - last_ < interval) return false;
  last_ = Clock::now();
  return true;
}

void Screen::erase() {
  if (shown_ > 0) fmt::print(stderr, "\x1b[{}A\r\x1b[J", shown_);
  shown_ = 0;
}

void Screen::show(const std::vector<std::string>& lines) {
  if (quiet_ || lines.empty()) return;
  if (!live_) return print(lines.back());
  erase();
  const auto columns = static_cast<std::size_t>(std::max(20, terminal_columns(STDERR_FILENO) - 1));
  for (const std::string& line : lines) fmt::print(stderr, "{}\n", line.substr(0, columns));
  shown_ = lines.size();
}

void Screen::print(const std::string& line) {
  if (quiet_) return;
  if (live_) erase();
  fmt::print(stderr, "{}\n", line);
}

int terminal_columns(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 100;
  return size.ws_col;
}

std::string bar(double share, int width) {
  const int full = std::clamp(static_cast<int>(std::lround(share * width)), 0, width);
  return std::string(static_cast<std::size_t>(full), '#') + std::string(static_cast<std::size_t>(width - full), '-');
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole >= 3600) return fmt::format("{}h {:02}m", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

StudyDisplay::StudyDisplay(Screen& screen, const StudySettings& settings, std::int64_t train_examples)
    : screen_(screen), batch_(settings.train.batch), train_examples_(train_examples), start_(Clock::now()) {}

void StudyDisplay::plan(const std::vector<Arm>& arms) {
  for (const Arm& arm : arms) {
    labels_.push_back(arm.label);
    runs_ += arm.runs.size();
  }
  screen_.print(fmt::format("{} runs: {} arms x {} seeds", runs_, arms.size(), arms.empty() ? 0 : arms.front().runs.size()));
  start_ = Clock::now();
}

void StudyDisplay::update(const StudyProgress& progress) {
  if (screen_.quiet()) return;
  steps_per_run_ = progress.steps;
  if (progress.finished) return finish(progress);
  running_[{progress.arm, progress.seed}] = progress;
  if (screen_.due()) screen_.show(lines());
}

void StudyDisplay::finish(const StudyProgress& progress) {
  running_.erase({progress.arm, progress.seed});
  ++done_;
  const Run& run = progress.result->run;
  steps_done_ += run.epochs.empty() ? 0 : run.epochs.back().step;
  const std::int64_t units = run.ledger.units();
  std::string result = run.status == RunStatus::kDiverged ? fmt::format("diverged: {}", run.reason)
                       : std::isfinite(run.test_accuracy) ? fmt::format("test accuracy {:.2f}%", 100.0 * run.test_accuracy)
                                                          : fmt::format("test loss {:.4g}", run.test_loss);
  if (units > 0) result += fmt::format(", {} of {} units dead", run.ledger.dead(), units);
  screen_.print(fmt::format("[{:>{}}/{}] {:<20} seed {:<3} {}, {}", done_, fmt::formatted_size("{}", runs_), runs_, labels_[progress.arm],
                            progress.seed, result, duration_text(run.train_seconds)));
  if (screen_.live()) screen_.show(lines());
}

std::vector<std::string> StudyDisplay::lines() const {
  std::vector<std::string> text;
  std::int64_t steps = steps_done_;
  for (const auto& [key, progress] : running_) {
    steps += progress.step;
    text.push_back(fmt::format("  {:<20} seed {:<3} [{}] step {} of {}  loss {:.4f}", labels_[key.first], key.second,
                               bar(static_cast<double>(progress.step) / static_cast<double>(progress.steps), 20), progress.step,
                               progress.steps, progress.loss));
  }
  const double elapsed = seconds_since(start_);
  const double total = static_cast<double>(runs_) * static_cast<double>(steps_per_run_);
  const double share = total > 0.0 ? static_cast<double>(steps) / total : 0.0;
  const double per_step = std::min<double>(static_cast<double>(batch_), static_cast<double>(train_examples_));
  text.push_back(fmt::format("{} of {} runs [{}] {:.0f}k samples/s, {} left", done_, runs_, bar(share, 30),
                             1e-3 * per_step * static_cast<double>(steps) / std::max(elapsed, 1e-3),
                             share > 0.0 ? duration_text(elapsed * (1.0 - share) / share) : std::string("?")));
  return text;
}

}  // namespace undying::cli

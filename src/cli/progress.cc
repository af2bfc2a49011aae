#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "undying/report.h"

namespace undying::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kHideCursor = "\x1b[?25l";
constexpr std::string_view kShowCursor = "\x1b[?25h";

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool can_redraw() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

winsize terminal_size(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return {};
  return size;
}

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

std::string left_text(double done, double elapsed) {
  return done > 0.0 ? duration_text(elapsed * (1.0 - done) / done) + " left"
                    : std::string("time left unknown");
}

}  // namespace

Screen::Screen(const Host& host, bool quiet)
    : host_(&host),
      quiet_(quiet),
      live_(!quiet && !host.live && can_redraw()),
      last_(Clock::now()) {
  if (live_) write(std::string(kHideCursor));
}

// Straight to the descriptor: a failed write is nothing to end a job for.
void Screen::write(const std::string& text) const {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t written = ::write(STDERR_FILENO, text.data() + at, text.size() - at);
    if (written <= 0) return;
    at += static_cast<std::size_t>(written);
  }
}

bool Screen::due() {
  if (quiet_) return false;
  const auto interval =
      live_ || host_->live ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10'000);
  if (Clock::now() - last_ < interval) return false;
  last_ = Clock::now();
  return true;
}

std::string Screen::erasure() {
  std::string text = shown_ > 0 ? fmt::format("\x1b[{}A\r\x1b[J", shown_) : "";
  shown_ = 0;
  return text;
}

void Screen::show(const std::vector<std::string>& lines) {
  if (quiet_ || lines.empty()) return;
  const std::lock_guard lock(mutex_);
  if (host_->live) return host_->live(lines);
  if (!live_) return write(lines.back() + "\n");
  const winsize size = terminal_size(STDERR_FILENO);
  const std::size_t columns = size.ws_col > 20 ? size.ws_col - 1U : 99U;
  const std::size_t rows = size.ws_row > 2 ? size.ws_row - 1U : 23U;
  std::string text = erasure();
  shown_ = std::min(rows, lines.size());
  for (std::size_t i = lines.size() - shown_; i < lines.size(); ++i)
    text += lines[i].substr(0, columns) + '\n';
  write(text);
}

void Screen::print(const std::string& line) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  if (host_->message) return host_->message(line);
  write(erasure() + line + "\n");
}

void Screen::close() {
  const std::lock_guard lock(mutex_);
  if (live_) write(erasure() + std::string(kShowCursor));
  live_ = false;
}

void Screen::abandon() const {
  if (live_) write(std::string(kShowCursor) + "\n");
}

int terminal_columns(int descriptor) {
  const int columns = terminal_size(descriptor).ws_col;
  return columns == 0 ? 100 : columns;
}

std::string bar(double share, int width) {
  const int full = std::clamp(static_cast<int>(std::lround(share * width)), 0, width);
  return std::string(static_cast<std::size_t>(full), '#') +
         std::string(static_cast<std::size_t>(width - full), '-');
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole >= 3600) return fmt::format("{}h {:02}m", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

std::string rate_text(double samples_per_second) {
  if (samples_per_second >= 999'500.0)
    return fmt::format("{:.3g}M samples/s", 1e-6 * samples_per_second);
  if (samples_per_second >= 999.5)
    return fmt::format("{:.3g}k samples/s", 1e-3 * samples_per_second);
  return fmt::format("{:.0f} samples/s", samples_per_second);
}

std::string dead_text(std::int64_t dead, std::int64_t units) {
  return fmt::format("{:.1f}% of {} units dead", 100.0 * share(dead, units), units);
}

TrainDisplay::TrainDisplay(Screen& screen, const TrainSettings& settings,
                           std::int64_t train_examples)
    : screen_(screen),
      epochs_(settings.epochs),
      batch_(std::min(settings.batch, train_examples)),
      steps_per_epoch_((train_examples + settings.batch - 1) / settings.batch),
      steps_(settings.epochs * steps_per_epoch_),
      start_(Clock::now()) {
  if (settings.max_steps > 0) steps_ = std::min(steps_, settings.max_steps);
}

void TrainDisplay::step(const StepRecord& record) {
  if (!screen_.due()) return;
  const double elapsed = seconds_since(start_);
  const double done = share(record.step, steps_);
  screen_.show(
      {fmt::format("epoch {} of {} [{}] step {} of {}  loss {:.4f}{}  {}, {}",
                   1 + (record.step - 1) / steps_per_epoch_, epochs_, bar(done, 20), record.step,
                   steps_, record.loss, health_,
                   rate_text(static_cast<double>(record.step * batch_) / std::max(elapsed, 1e-3)),
                   left_text(done, elapsed))});
}

void TrainDisplay::epoch(const EpochRecord& record) {
  std::string text = fmt::format("epoch {} of {}: step {}, training loss {:.4f}", record.epoch,
                                 epochs_, record.step, record.train_loss);
  if (std::isfinite(record.test_loss)) text += fmt::format(", test loss {:.4f}", record.test_loss);
  if (std::isfinite(record.test_accuracy))
    text += fmt::format(", test accuracy {:.2f}%", 100.0 * record.test_accuracy);
  if (std::isfinite(record.validation_score))
    text += fmt::format(", validation {:.4g}", record.validation_score);
  if (record.units > 0) {
    text += ", " + dead_text(record.dead, record.units);
    health_ =
        fmt::format("  {:.1f}% alive", 100.0 * share(record.units - record.dead, record.units));
  }
  screen_.print(text + fmt::format(", {}", duration_text(record.seconds)));
  if (screen_.host().finished) screen_.host().finished(epoch_json(record));
}

StudyDisplay::StudyDisplay(Screen& screen, const StudySettings& settings,
                           std::int64_t train_examples, std::string scored)
    : screen_(screen),
      scored_(std::move(scored)),
      batch_(std::min(settings.train.batch, train_examples)),
      metric_(settings.train.metric),
      part_(settings.part),
      start_(Clock::now()) {}

void StudyDisplay::plan(const std::vector<Arm>& arms) {
  const bool first = labels_.empty() || tuning_;
  tuning_ = !arms.empty() && arms.front().role == Role::kCandidate;
  if (first) done_ = 0, steps_trained_ = 0, label_width_ = 0;
  const std::size_t before = std::exchange(runs_, 0);
  std::size_t open = 0;
  labels_.clear();
  for (const Arm& arm : arms) {
    labels_.push_back(arm.label);
    label_width_ = std::max(label_width_, arm.label.size());
    runs_ += arm.runs.size();
    open += arm.role == Role::kTreatment && arm.runs.size() == arms.front().runs.size();
  }
  const std::size_t seeds = arms.empty() ? 0 : arms.front().runs.size();
  if (!first)
    return screen_.print(fmt::format("{} arm{} undecided: {} more runs, to {} seeds", open,
                                     open == 1 ? "" : "s", runs_ - before, seeds));
  const std::size_t all = std::exchange(runs_, part_.of(runs_));
  if (!part_.whole())
    screen_.print(fmt::format("part {} of {}: {} of {} runs, {} arms x {} seeds", part_.index,
                              part_.count, runs_, all, arms.size(), seeds));
  else
    screen_.print(
        tuning_ ? fmt::format("choosing on validation rows: {} runs, {} candidates x {} seeds",
                              runs_, arms.size(), seeds)
                : fmt::format("{} runs: {} arms x {} seeds", runs_, arms.size(), seeds));
  start_ = Clock::now();
}

// A host, of the runs that are judged.
void StudyDisplay::tell(const StudyProgress& progress) const {
  if (progress.finished && !tuning_ && screen_.host().finished)
    screen_.host().finished(finished_run_json(labels_[progress.arm], *progress.result));
}

void StudyDisplay::update(const StudyProgress& progress) {
  tell(progress);
  if (screen_.quiet()) return;
  steps_per_run_ = progress.steps;
  if (progress.finished) return finish(progress);
  running_[{progress.arm, progress.seed}] = progress;
  if (screen_.due()) screen_.show(lines());
}

// A run that was never seen running comes from the store: every other one reports its first step.
void StudyDisplay::finish(const StudyProgress& progress) {
  const bool trained = running_.erase({progress.arm, progress.seed}) > 0;
  ++done_;
  const Run& run = progress.result->run;
  const std::string part = tuning_ ? "validation" : scored_;
  if (trained && !run.epochs.empty()) steps_trained_ += run.epochs.back().step;
  const Metric metric =
      metric_.value_or(std::isfinite(run.test_accuracy) ? Metric::kAccuracy : Metric::kLoss);
  const std::string score = (is_percent(metric) ? std::string(name(metric)) + " " : "") +
                            score_text(metric, score_of(run, metric));
  std::string result = run.status == RunStatus::kDiverged ? fmt::format("diverged: {}", run.reason)
                                                          : fmt::format("{} {}", part, score);
  if (run.ledger.units() > 0) result += ", " + dead_text(run.ledger.dead(), run.ledger.units());
  screen_.print(fmt::format("[{:>{}}/{}] {:<{}}  seed {:<3}  {}, {}", done_,
                            fmt::formatted_size("{}", runs_), runs_, labels_[progress.arm],
                            label_width_, progress.seed, result,
                            trained ? duration_text(run.train_seconds) : "kept from before"));
  if (screen_.due()) screen_.show(lines());
}

std::vector<std::string> StudyDisplay::lines() const {
  std::vector<std::string> text;
  for (const auto& [key, progress] : running_)
    text.push_back(fmt::format("  {:<{}}  seed {:<3} [{}] step {} of {}  loss {:.4f}",
                               labels_[key.first], label_width_, key.second,
                               bar(share(progress.step, progress.steps), 20), progress.step,
                               progress.steps, progress.loss));
  text.push_back(overall());
  return text;
}

// The time left follows from the pace so far; a diverged run counts as done, however early it
// ended.
std::string StudyDisplay::overall() const {
  std::int64_t running = 0;
  for (const auto& [key, progress] : running_) running += progress.step;
  const auto runs = static_cast<std::int64_t>(runs_);
  const std::int64_t done = static_cast<std::int64_t>(done_) * steps_per_run_ + running;
  const double left = static_cast<double>(runs * steps_per_run_ - done);
  const double pace =
      static_cast<double>(steps_trained_ + running) / std::max(seconds_since(start_), 1e-3);
  return fmt::format("{} of {} runs [{}] {}, {}", done_, runs_,
                     bar(share(done, runs * steps_per_run_), 30),
                     rate_text(pace * static_cast<double>(batch_)),
                     pace > 0.0 ? duration_text(left / pace) + " left" : "time left unknown");
}

}  // namespace undying::cli

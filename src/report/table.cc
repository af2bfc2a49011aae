#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "undying/report.h"

namespace undying {
namespace {

// One column: what it says of an arm, and how soon it is left out where the terminal is narrow (0: never).
struct Column {
  std::string title;
  int dispensable = 0;
  std::vector<std::string> cells;

  std::size_t width() const {
    std::size_t most = title.size();
    for (const std::string& cell : cells) most = std::max(most, cell.size());
    return most;
  }
};

std::string share_text(const Estimate& estimate) { return estimate.n == 0 ? "-" : fmt::format("{:.1f}%", 100.0 * estimate.mean); }

std::string interval(const Estimate& estimate, double scale, const char* format, const char* bounds) {
  if (estimate.n == 0) return "-";
  std::string text = fmt::format(fmt::runtime(format), scale * estimate.mean);
  if (std::isfinite(estimate.lower)) text += fmt::format(fmt::runtime(bounds), scale * estimate.lower, scale * estimate.upper);
  return text;
}

template <class Cell>
Column column(const Study& study, std::string title, int dispensable, Cell cell) {
  Column made{.title = std::move(title), .dispensable = dispensable};
  for (const Arm& arm : study.arms) made.cells.push_back(cell(arm));
  return made;
}

std::vector<Column> columns_of(const Study& study) {
  const bool regression = study.chance == 0.0;
  const double scale = regression ? 1.0 : 100.0;
  const char* value = regression ? "{:.4g}" : "{:.2f}";
  const char* bounds = regression ? " ({:.4g} to {:.4g})" : " ({:.2f} to {:.2f})";
  const char* signed_value = regression ? "{:+.4g}" : "{:+.2f}";
  const char* signed_bounds = regression ? " ({:+.4g} to {:+.4g})" : " ({:+.2f} to {:+.2f})";
  const auto compared = [](const Arm& arm) { return arm.role != Role::kControl; };
  return {
      column(study, "arm", 0, [](const Arm& arm) { return arm.label; }),
      column(study, regression ? "test loss (95%)" : "test accuracy % (95%)", 0,
             [=](const Arm& arm) { return interval(arm.accuracy, scale, value, bounds); }),
      column(study, "n", 6, [](const Arm& arm) { return fmt::format("{}", arm.accuracy.n); }),
      column(study, "against control (95%)", 3,
             [=](const Arm& arm) { return compared(arm) ? interval(arm.comparison.accuracy, scale, signed_value, signed_bounds) : "-"; }),
      column(study, "verdict", 0, [=](const Arm& arm) { return compared(arm) ? std::string(name(arm.comparison.verdict)) : "-"; }),
      column(study, "p (Holm)", 7, [=](const Arm& arm) { return compared(arm) ? fmt::format("{:.2g}", arm.comparison.p_adjusted) : "-"; }),
      column(study, "collapsed", 4, [](const Arm& arm) { return fmt::format("{}", arm.collapsed); }),
      column(study, "diverged", 8, [](const Arm& arm) { return fmt::format("{}", arm.diverged); }),
      column(study, "dead", 1, [](const Arm& arm) { return share_text(arm.dead_share); }),
      column(study, "born dead", 5, [](const Arm& arm) { return share_text(arm.born_dead_share); }),
      column(study, "revived", 9, [](const Arm& arm) { return share_text(arm.revived_share); }),
      column(study, "steps to target", 10,
             [](const Arm& arm) {
               return arm.steps_to_target.n == 0 ? "-" : fmt::format("{:.0f} (n = {})", arm.steps_to_target.mean, arm.steps_to_target.n);
             }),
      column(study, "log10 grad ratio", 11,
             [](const Arm& arm) { return arm.gradient_norm_ratio.n == 0 ? "-" : fmt::format("{:.1f}", arm.gradient_norm_ratio.mean); }),
      column(study, "us/step", 12,
             [](const Arm& arm) { return arm.seconds_per_step.n == 0 ? "-" : fmt::format("{:.0f}", 1e6 * arm.seconds_per_step.mean); })};
}

std::size_t total_width(const std::vector<Column>& columns) {
  std::size_t width = 0;
  for (const Column& column : columns) width += column.width() + 2;
  return width;
}

void fit(std::vector<Column>& columns, int limit) {
  while (total_width(columns) > static_cast<std::size_t>(std::max(limit, 1))) {
    const auto least =
        std::max_element(columns.begin(), columns.end(), [](const Column& a, const Column& b) { return a.dispensable < b.dispensable; });
    if (least->dispensable == 0) return;
    columns.erase(least);
  }
}

std::string paint(const std::string& text, const Arm& arm, bool color) {
  if (!color || arm.role == Role::kControl) return text;
  if (arm.comparison.verdict == Verdict::kHelps) return "\x1b[32m" + text + "\x1b[0m";
  if (arm.comparison.verdict == Verdict::kHurts) return "\x1b[31m" + text + "\x1b[0m";
  return text;
}

// Breaks a paragraph at spaces.
std::string wrap(const std::string& text, int columns) {
  std::string wrapped;
  std::size_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t word = end - at;
    if (line > 0 && line + 1 + word > static_cast<std::size_t>(std::max(columns, 20))) {
      wrapped += '\n';
      line = 0;
    } else if (line > 0) {
      wrapped += ' ';
      ++line;
    }
    wrapped += text.substr(at, word);
    line += word;
    at = end + 1;
  }
  return wrapped;
}

}  // namespace

std::string study_table(const Study& study, int columns, bool color) {
  std::string text;
  for (const std::string& paragraph : study.verdict) text += wrap(paragraph, columns) + "\n\n";
  std::vector<Column> shown = columns_of(study);
  fit(shown, columns);
  for (const Column& column : shown) text += fmt::format("{:<{}}  ", column.title, column.width());
  text += '\n';
  for (std::size_t row = 0; row < study.arms.size(); ++row) {
    for (const Column& column : shown) {
      const std::string cell = fmt::format("{:<{}}  ", column.cells[row], column.width());
      text += column.title == "verdict" ? paint(cell, study.arms[row], color) : cell;
    }
    text += '\n';
  }
  text += fmt::format("\n{} on {} ({} training, {} test examples); dead: fired on none of the {} training examples at the end of a run.\n",
                      study.settings.model, study.data_name, study.train_examples, study.test_examples, study.train_examples);
  return text;
}

}  // namespace undying

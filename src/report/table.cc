// The table of a study for a terminal: a row an arm, and of the columns those that the terminal has
// room for, the least dispensable first.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/wrap.h"
#include "undying/report.h"

namespace undying {
namespace {

using report::wrap;

constexpr std::size_t kGap = 2;
constexpr int kUnneeded = 99;  // as `dispensable`: a column that would say nothing

// One column: what it says of an arm, and how soon it is left out where the terminal is narrow (0:
// never).
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

std::string share_text(const Estimate& estimate) {
  return estimate.n == 0 ? "-" : fmt::format("{:.1f}%", 100.0 * estimate.mean);
}

std::string interval(const Estimate& estimate, double scale, const char* format,
                     const char* bounds) {
  if (estimate.n == 0) return "-";
  std::string text = fmt::format(fmt::runtime(format), scale * estimate.mean);
  if (std::isfinite(estimate.lower))
    text += fmt::format(fmt::runtime(bounds), scale * estimate.lower, scale * estimate.upper);
  return text;
}

template <class Cell>
Column column(const Study& study, std::string title, int dispensable, Cell cell) {
  Column made{.title = std::move(title), .dispensable = dispensable};
  for (const Arm& arm : study.arms) made.cells.push_back(cell(arm));
  return made;
}

// How scores of a metric are shown, and differences of two.
struct ScoreFormat {
  explicit ScoreFormat(Metric metric)
      : percent(is_percent(metric)),
        relative(is_relative(metric)),
        value(percent    ? "{:.2f}"
              : relative ? "{:.4g}"
                         : "{:.4f}"),
        bounds(percent    ? " ({:.2f} to {:.2f})"
               : relative ? " ({:.4g} to {:.4g})"
                          : " ({:.4f} to {:.4f})") {}

  std::string score(const Estimate& estimate) const {
    return interval(estimate, percent ? 100.0 : 1.0, value, bounds);
  }
  std::string difference(const Estimate& estimate) const {
    return percent || relative ? interval(estimate, 100.0, "{:+.2f}", " ({:+.2f} to {:+.2f})")
                               : interval(estimate, 1.0, "{:+.4f}", " ({:+.4f} to {:+.4f})");
  }
  const char* difference_title() const {
    return relative ? "difference (%)" : percent ? "difference (points)" : "difference";
  }

  bool percent;
  bool relative;
  const char* value;
  const char* bounds;
};

std::string count_text(int count) { return fmt::format("{}", count); }

// An estimate that some arms lack.
std::string mean_text(const Estimate& estimate, const char* format, double scale = 1.0) {
  return estimate.n == 0 ? "-" : fmt::format(fmt::runtime(format), scale * estimate.mean);
}

std::string epochs_text(const Arm& arm) {
  if (arm.most_epochs == 0) return "-";
  return arm.least_epochs == arm.most_epochs
             ? fmt::format("{}", arm.most_epochs)
             : fmt::format("{} to {}", arm.least_epochs, arm.most_epochs);
}

std::vector<Column> score_columns(const Study& study) {
  const Metric metric = study.rules.metric;
  const ScoreFormat format(metric);
  const bool differ = std::ranges::any_of(
      study.arms, [&](const Arm& arm) { return arm.score.n != study.arms.front().score.n; });
  return {column(study, "arm", 0, [](const Arm& arm) { return arm.label; }),
          column(study,
                 fmt::format("{} {}{} (95%)", study.part, name(metric), format.percent ? " %" : ""),
                 1, [&](const Arm& arm) { return format.score(arm.score); }),
          column(study, "lr", study.validation_examples > 0 ? 3 : kUnneeded,
                 [](const Arm& arm) { return fmt::format("{}", arm.learning_rate); }),
          column(study, "epochs", study.watched_examples > 0 ? 3 : kUnneeded, epochs_text),
          column(study, "n", differ ? 3 : 6,
                 [](const Arm& arm) { return fmt::format("{}", arm.score.n); }),
          column(study, format.difference_title(), 0,
                 [&](const Arm& arm) {
                   return arm.role == Role::kControl ? "-"
                                                     : format.difference(arm.comparison.difference);
                 }),
          column(study, "verdict", 0, [](const Arm& arm) {
            return arm.role == Role::kTreatment ? std::string(name(arm.comparison.verdict)) : "-";
          })};
}

std::vector<Column> run_columns(const Study& study) {
  const auto some = [&](int Arm::*count) {
    return std::ranges::any_of(study.arms, [=](const Arm& arm) { return arm.*count > 0; });
  };
  return {column(study, "collapsed", some(&Arm::collapsed) ? 4 : 8,
                 [](const Arm& arm) { return count_text(arm.collapsed); }),
          column(study, "diverged", some(&Arm::diverged) ? 3 : 8,
                 [](const Arm& arm) { return count_text(arm.diverged); }),
          column(study, "missing", study.missing > 0 ? 3 : kUnneeded,
                 [](const Arm& arm) { return count_text(arm.missing); })};
}

std::vector<Column> neuron_columns(const Study& study) {
  return {
      column(study, "dead", 2, [](const Arm& arm) { return share_text(arm.dead_share); }),
      column(study, "born dead", 5, [](const Arm& arm) { return share_text(arm.born_dead_share); }),
      column(study, "revived", 9, [](const Arm& arm) { return share_text(arm.revived_share); }),
      column(study, "steps to target", 10,
             [](const Arm& arm) {
               return arm.steps_to_target.n == 0
                          ? "-"
                          : fmt::format("{:.0f} (n = {})", arm.steps_to_target.mean,
                                        arm.steps_to_target.n);
             }),
      column(study, "log10 grad ratio", 11,
             [](const Arm& arm) { return mean_text(arm.gradient_norm_ratio, "{:.1f}"); }),
      column(study, "us/step", 12,
             [](const Arm& arm) { return mean_text(arm.seconds_per_step, "{:.0f}", 1e6); })};
}

std::vector<Column> columns_of(const Study& study) {
  std::vector<Column> all;
  for (const auto columns : {score_columns, run_columns, neuron_columns})
    std::ranges::move(columns(study), std::back_inserter(all));
  return all;
}

std::size_t total_width(const std::vector<Column>& columns) {
  std::size_t width = 0;
  for (const Column& column : columns) width += column.width() + kGap;
  return width - kGap;
}

// Takes columns out, the least important first, until the others fit. Returns the titles of those
// taken out; where not even the most important ones fit, they stay.
std::vector<std::string> fit(std::vector<Column>& columns, std::size_t limit) {
  std::vector<std::string> left_out;
  while (total_width(columns) > limit) {
    const auto least = std::max_element(
        columns.begin(), columns.end(),
        [](const Column& a, const Column& b) { return a.dispensable < b.dispensable; });
    if (least->dispensable == 0) break;
    left_out.insert(left_out.begin(), least->title);
    columns.erase(least);
  }
  return left_out;
}

std::string paint(const std::string& text, const char* code, bool color) {
  return color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
}

std::string paint_verdict(const std::string& text, const Arm& arm, bool color) {
  if (arm.role != Role::kTreatment) return text;
  if (arm.comparison.verdict == Verdict::kHelps) return paint(text, "32", color);
  if (arm.comparison.verdict == Verdict::kHurts) return paint(text, "31", color);
  return text;
}

// One line: cells padded to their columns' widths, but for the last.
template <class Cell>
std::string line_of(const std::vector<Column>& columns, Cell cell) {
  std::string line;
  for (const Column& column : columns) {
    const auto [plain, painted] = cell(column);
    line += painted;
    if (&column != &columns.back()) line.append(column.width() - plain.size() + kGap, ' ');
  }
  return line + "\n";
}

std::string rows_text(const Study& study, const std::vector<Column>& columns, bool color) {
  std::string text =
      line_of(columns, [](const Column& column) { return std::pair(column.title, column.title); });
  for (std::size_t row = 0; row < study.arms.size(); ++row)
    text += line_of(columns, [&](const Column& column) {
      const std::string& cell = column.cells[row];
      return std::pair(
          cell, column.title == "verdict" ? paint_verdict(cell, study.arms[row], color) : cell);
    });
  return text;
}

// For terminals too narrow for any table: each arm by itself.
std::string list_text(const Study& study, const std::vector<Column>& columns, bool color) {
  std::string text;
  for (std::size_t row = 0; row < study.arms.size(); ++row)
    for (const Column& column : columns) {
      if (column.title == "arm")
        text += column.cells[row] + "\n";
      else
        text += fmt::format("  {}: {}\n", column.title,
                            column.title == "verdict"
                                ? paint_verdict(column.cells[row], study.arms[row], color)
                                : column.cells[row]);
    }
  return text;
}

std::string verdict_text(const Study& study, std::size_t limit, bool color) {
  std::string text;
  for (std::size_t i = 0; i < study.verdict.size(); ++i) {
    const std::string paragraph = wrap(study.verdict[i], limit);
    text += (i == 0 ? paint(paragraph, "1", color) : paragraph) + "\n\n";
  }
  return text;
}

// "84.31 *", "diverged 3 of 3", "70.12, diverged 1 of 3"
std::string rate_cell(const Study& study, const RateTried& tried) {
  const Metric metric = study.rules.metric;
  std::string text = !std::isfinite(tried.score) ? std::string()
                     : is_percent(metric)        ? fmt::format("{:.2f}", 100.0 * tried.score)
                     : is_relative(metric)       ? fmt::format("{:.4g}", tried.score)
                                                 : fmt::format("{:.4f}", tried.score);
  const auto add = [&](const char* how, int count) {
    if (count > 0)
      text += fmt::format("{}{} {} of {}", text.empty() ? "" : ", ", how, count, tried.runs);
  };
  add("diverged", tried.diverged);
  add("collapsed", tried.collapsed);
  return text + (tried.chosen ? " *" : "");
}

// What each arm scored at each learning rate, where they were tuned.
std::string rates_text(const Study& study, std::size_t limit, bool color) {
  if (study.validation_examples == 0) return "";
  std::vector<Column> columns = {column(study, "arm", 0, [](const Arm& arm) { return arm.label; })};
  for (std::size_t i = 0; i < study.arms.front().rates.size(); ++i)
    columns.push_back(column(study, fmt::format("lr {}", study.arms.front().rates[i].learning_rate),
                             0, [&](const Arm& arm) {
                               return arm.role == Role::kPlacebo ? "as the control"
                                                                 : rate_cell(study, arm.rates[i]);
                             }));
  const std::string title = wrap(
      fmt::format("Learning rates: validation {}{}, mean of the runs that have one; * was taken.",
                  name(study.rules.metric), is_percent(study.rules.metric) ? " %" : ""),
      limit);
  return title + "\n" +
         (total_width(columns) > limit ? list_text(study, columns, color)
                                       : rows_text(study, columns, color)) +
         "\n";
}

// What a search tried, the chosen first.
std::string search_text(const Study& study, std::size_t limit) {
  if (study.search.size() < 2) return "";
  const Metric metric = study.rules.metric;
  const ScoreFormat format(metric);
  std::vector<Column> columns = {
      {.title = "tried"},
      {.title = fmt::format("validation {}{}", name(metric), format.percent ? " %" : "")},
      {.title = "runs"},
      {.title = format.difference_title()}};
  for (const Tried& tried : study.search) {
    columns[0].cells.push_back(tried.label);
    columns[1].cells.push_back(rate_cell(study, tried.figures));
    columns[2].cells.push_back(fmt::format("{}", tried.figures.runs));
    columns[3].cells.push_back(tried.figures.chosen ? "-" : format.difference(tried.difference));
  }
  std::string text = wrap(
                         "Search: means of the runs that have a score; * was taken; differences "
                         "from it over the seeds of both, each with an interval of its own.",
                         limit) +
                     "\n";
  text +=
      line_of(columns, [](const Column& column) { return std::pair(column.title, column.title); });
  for (std::size_t row = 0; row < study.search.size(); ++row)
    text += line_of(columns, [row](const Column& column) {
      return std::pair(column.cells[row], column.cells[row]);
    });
  return text + "\n";
}

std::string footer(const Study& study, const std::vector<std::string>& left_out,
                   std::size_t limit) {
  std::string text = wrap(
      fmt::format("{} on {} ({}). Baseline: {}. Dead: fired on none of "
                  "the {} training examples at the end of a run, "
                  "without a gradient there. Scores are over the runs that learned. Differences "
                  "are {}, their intervals simultaneous.",
                  study.settings.model, study.data_name,
                  study.part == "online"
                      ? std::string("a stream, scored by its online error")
                      : fmt::format("{} training, {} {} examples", study.train_examples,
                                    study.test_examples, study.part),
                  study.baseline.text(), study.train_examples,
                  study.placebo_is_treatment ? "from the control, paired by seed"
                                             : "from the mean of control and placebo (the "
                                               "placebo's from the control, 95%), paired by seed"),
      limit);
  if (std::ranges::any_of(study.arms, [&](const Arm& arm) {
        return arm.runs.size() != study.arms.front().runs.size();
      }))
    text += "\n" + wrap(
                       "An arm that was decided got no more seeds: its difference is over its own "
                       "seeds, of which the control has more.",
                       limit);
  if (study.watched_examples > 0)
    text += "\n" + wrap(fmt::format("Runs stop early, after {} {} without a better score on {} "
                                    "training examples set aside in each; epochs: after "
                                    "which the weights were kept, of at most {}.",
                                    study.settings.train.early_stop,
                                    study.settings.train.early_stop == 1 ? "epoch" : "epochs",
                                    study.watched_examples, study.settings.train.epochs),
                        limit);
  if (!left_out.empty())
    text += "\n" + wrap(fmt::format("Columns left out here: {}. All are in --report and --json.",
                                    fmt::join(left_out, ", ")),
                        limit);
  return text + "\n";
}

}  // namespace

std::string study_table(const Study& study, int columns, bool color) {
  const auto limit = static_cast<std::size_t>(std::max(columns, 20));
  std::vector<Column> all = columns_of(study);
  std::erase_if(all, [](const Column& column) { return column.dispensable == kUnneeded; });
  std::vector<Column> shown = all;
  const std::string rates = rates_text(study, limit, color) + search_text(study, limit);
  const std::vector<std::string> left_out = fit(shown, limit);
  if (total_width(shown) > limit)
    return verdict_text(study, limit, color) + list_text(study, all, color) + "\n" + rates +
           footer(study, {}, limit);
  return verdict_text(study, limit, color) + rows_text(study, shown, color) + "\n" + rates +
         footer(study, left_out, limit);
}

}  // namespace undying

#include "undying/score.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "undying/error.h"

namespace undying {
namespace {

struct Row {
  Metric metric;
  std::string_view name;
  bool higher;
  bool classes;
  bool percent;
  bool share;
};

constexpr std::array<Row, 9> kRows = {
    {{Metric::kAccuracy, "accuracy", true, true, true, true},
     {Metric::kBalancedAccuracy, "balanced accuracy", true, true, true, true},
     {Metric::kF1, "F1", true, true, false, true},
     {Metric::kAuc, "AUC", true, true, false, true},
     {Metric::kLogLoss, "log loss", false, true, false, false},
     {Metric::kRmse, "RMSE", false, false, false, false},
     {Metric::kMae, "MAE", false, false, false, false},
     {Metric::kR2, "R2", true, false, false, false},
     {Metric::kLoss, "loss", false, false, false, false}}};

const Row& row_of(Metric metric) { return *std::ranges::find(kRows, metric, &Row::metric); }

// As flags are written: "balanced-accuracy".
std::string flag_of(const Row& row) {
  std::string text(row.name);
  for (char& c : text)
    c = c == ' ' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::string_view name(Metric metric) { return row_of(metric).name; }

Metric parse_metric(std::string_view text) {
  for (const Row& row : kRows)
    if (row.metric != Metric::kLoss && flag_of(row) == text) return row.metric;
  throw Error(ErrorCode::kInvalidArgument, "metric",
              fmt::format("\"{}\" is not known; expected one of {}", text,
                          fmt::join(metric_names(), ", ")));
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const Row& row : kRows)
    if (row.metric != Metric::kLoss) names.push_back(flag_of(row));
  return names;
}

bool higher_is_better(Metric metric) { return row_of(metric).higher; }
bool is_of_classes(Metric metric) { return row_of(metric).classes; }
bool is_relative(Metric metric) { return !row_of(metric).higher; }
bool is_percent(Metric metric) { return row_of(metric).percent; }
bool is_share(Metric metric) { return row_of(metric).share; }

bool better(Metric metric, double score, double than) {
  return higher_is_better(metric) ? score > than : score < than;
}

std::string score_text(Metric metric, double score) {
  if (is_percent(metric)) return fmt::format("{:.2f}%", 100.0 * score);
  return is_relative(metric) ? fmt::format("{} {:.4g}", name(metric), score)
                             : fmt::format("{} {:.4f}", name(metric), score);
}

}  // namespace undying

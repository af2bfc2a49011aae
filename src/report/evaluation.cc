// How well a network does: for a terminal, and as JSON.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/version.h"
#include "report/json.h"
#include "undying/report.h"

namespace undying {

using report::Json;
using report::number;

namespace {

constexpr std::size_t kClassesShown = 12;

std::string confusion_text(const Evaluation& evaluation) {
  const std::size_t width = evaluation.classes.size();
  if (width > kClassesShown) return "";
  std::size_t longest = 4;
  for (const std::string& name : evaluation.classes) longest = std::min<std::size_t>(16, std::max(longest, name.size()));
  std::string text = fmt::format("\nRows: what they are. Columns: what the network says.\n{:<{}}", "", longest);
  for (const std::string& name : evaluation.classes) text += fmt::format(" {:>{}.{}}", name, longest, longest);
  for (std::size_t row = 0; row < width; ++row) {
    text += fmt::format("\n{:<{}.{}}", evaluation.classes[row], longest, longest);
    for (std::size_t column = 0; column < width; ++column)
      text += fmt::format(" {:>{}}", evaluation.confusion[row * width + column], longest);
  }
  return text + "\n";
}

std::string calibration_text(const Evaluation& evaluation) {
  std::string text =
      fmt::format("\nCalibration: of answers given with this probability, so many were right (mean difference {:.1f} points)\n",
                  100.0 * evaluation.calibration_error);
  for (const Evaluation::Bin& bin : evaluation.calibration)
    if (bin.examples > 0)
      text += fmt::format("  {:>5.1f}% said {:>5.1f}% right {:>8} examples\n", 100.0 * bin.confidence, 100.0 * bin.accuracy, bin.examples);
  return text;
}

bool is_share(const std::string& name) { return name == "accuracy" || name == "balanced accuracy"; }

}  // namespace

std::string evaluation_text(const std::string& data, const Evaluation& evaluation) {
  std::string text = fmt::format("On {} (n = {}), with 95% intervals:\n", data, evaluation.examples);
  for (const Measured& metric : evaluation.metrics) {
    const double scale = is_share(metric.name) ? 100.0 : 1.0;
    const char* unit = is_share(metric.name) ? "%" : "";
    text += fmt::format("  {:<18} {:.4g}{} ({:.4g} to {:.4g})\n", metric.name, scale * metric.value, unit, scale * metric.lower,
                        scale * metric.upper);
  }
  if (evaluation.classes.empty()) return text;
  return text + confusion_text(evaluation) + calibration_text(evaluation);
}

std::string evaluation_json(const std::string& command, const DataSummary& read, const std::string& data, const Evaluation& evaluation) {
  Json metrics = Json::object();
  for (const Measured& metric : evaluation.metrics)
    metrics[metric.name] = {{"value", number(metric.value)}, {"lower", number(metric.lower)}, {"upper", number(metric.upper)}};
  Json confusion = Json::array();
  const std::size_t width = evaluation.classes.size();
  for (std::size_t row = 0; row < width; ++row)
    confusion.push_back(std::vector<std::int64_t>(evaluation.confusion.begin() + static_cast<std::ptrdiff_t>(row * width),
                                                  evaluation.confusion.begin() + static_cast<std::ptrdiff_t>((row + 1) * width)));
  Json bins = Json::array();
  for (const Evaluation::Bin& bin : evaluation.calibration)
    bins.push_back({{"examples", bin.examples}, {"confidence", number(bin.confidence)}, {"accuracy", number(bin.accuracy)}});
  return report::text({{"format", "undying-evaluation 1"},
                       {"command", command},
                       {"version", kVersion},
                       {"data", {{"name", data}, {"examples", evaluation.examples}, {"read", report::summary_json(read)}}},
                       {"metrics", std::move(metrics)},
                       {"classes", evaluation.classes},
                       {"confusion", std::move(confusion)},
                       {"calibration", evaluation.classes.empty() ? Json(nullptr) : std::move(bins)},
                       {"calibration_error", number(evaluation.calibration_error)}},
                      1);
}

}  // namespace undying

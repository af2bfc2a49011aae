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
  for (const std::string& name : evaluation.classes)
    longest = std::min<std::size_t>(16, std::max(longest, name.size()));
  std::string text =
      fmt::format("\nRows: what they are. Columns: what the network says.\n{:<{}}", "", longest);
  for (const std::string& name : evaluation.classes)
    text += fmt::format(" {:>{}.{}}", name, longest, longest);
  for (std::size_t row = 0; row < width; ++row) {
    text += fmt::format("\n{:<{}.{}}", evaluation.classes[row], longest, longest);
    for (std::size_t column = 0; column < width; ++column)
      text += fmt::format(" {:>{}}", evaluation.confusion[row * width + column], longest);
  }
  return text + "\n";
}

std::string calibration_text(const Evaluation& evaluation) {
  std::string text = fmt::format(
      "\nCalibration: of answers given with this probability, so many were right (mean difference "
      "{:.1f} points)\n",
      100.0 * evaluation.calibration_error);
  for (const Evaluation::Bin& bin : evaluation.calibration)
    if (bin.examples > 0)
      text += fmt::format("  {:>5.1f}% said {:>5.1f}% right {:>8} examples\n",
                          100.0 * bin.confidence, 100.0 * bin.accuracy, bin.examples);
  return text;
}

std::string line_of(const Measured& metric) {
  const bool percent =
      metric.name == name(Metric::kAccuracy) || metric.name == name(Metric::kBalancedAccuracy);
  const double scale = percent ? 100.0 : 1.0;
  const char* unit = percent ? "%" : "";
  return fmt::format("  {:<18} {:.4g}{} ({:.4g} to {:.4g})\n", metric.name, scale * metric.value,
                     unit, scale * metric.lower, scale * metric.upper);
}

// Where the network names no more examples right than always naming the most frequent class would.
std::string majority_text(const Evaluation& evaluation) {
  const std::size_t width = evaluation.classes.size();
  std::int64_t right = 0;
  std::int64_t most = 0;
  std::size_t majority = 0;
  for (std::size_t row = 0; row < width; ++row) {
    std::int64_t truly = 0;
    for (std::size_t column = 0; column < width; ++column)
      truly += evaluation.confusion[row * width + column];
    right += evaluation.confusion[row * width + row];
    if (truly > most) most = truly, majority = row;
  }
  if (right > most) return "";
  return fmt::format(
      "The accuracy is {} that of always naming \"{}\", {:.2f}%: by that measure nothing was "
      "learned. Balanced accuracy{} says what is "
      "made "
      "of the other classes; train with --class-weights balanced makes them count as much.\n",
      right == most ? "just" : "below", evaluation.classes[majority],
      100.0 * static_cast<double>(most) / static_cast<double>(evaluation.examples),
      width == 2 ? " (or AUC)" : "");
}

}  // namespace

std::string evaluation_text(const std::string& data, const Evaluation& evaluation,
                            std::optional<Metric> metric) {
  std::string text =
      fmt::format("On {} (n = {}), with 95% intervals:\n", data, evaluation.examples);
  const auto asked = [&](const Measured& each) { return metric && each.name == name(*metric); };
  for (const bool first : {true, false})
    for (const Measured& each : evaluation.metrics)
      if (asked(each) == first) text += line_of(each);
  if (evaluation.classes.empty()) return text;
  return text + majority_text(evaluation) + confusion_text(evaluation) +
         calibration_text(evaluation);
}

std::string evaluation_json(const std::string& command, const DataSummary& read,
                            const std::string& data, const Evaluation& evaluation,
                            std::optional<Metric> metric) {
  Json metrics = Json::object();
  for (const Measured& each : evaluation.metrics)
    metrics[each.name] = {{"value", number(each.value)},
                          {"lower", number(each.lower)},
                          {"upper", number(each.upper)}};
  Json confusion = Json::array();
  const std::size_t width = evaluation.classes.size();
  for (std::size_t row = 0; row < width; ++row)
    confusion.push_back(std::vector<std::int64_t>(
        evaluation.confusion.begin() + static_cast<std::ptrdiff_t>(row * width),
        evaluation.confusion.begin() + static_cast<std::ptrdiff_t>((row + 1) * width)));
  Json bins = Json::array();
  for (const Evaluation::Bin& bin : evaluation.calibration)
    bins.push_back({{"examples", bin.examples},
                    {"confidence", number(bin.confidence)},
                    {"accuracy", number(bin.accuracy)}});
  return report::text(
      {{"format", "undying-evaluation 1"},
       {"command", command},
       {"version", kVersion},
       {"data",
        {{"name", data}, {"examples", evaluation.examples}, {"read", report::summary_json(read)}}},
       {"metric", metric ? Json(name(*metric)) : Json(nullptr)},
       {"metrics", std::move(metrics)},
       {"classes", evaluation.classes},
       {"confusion", std::move(confusion)},
       {"calibration", evaluation.classes.empty() ? Json(nullptr) : std::move(bins)},
       {"calibration_error", number(evaluation.calibration_error)}},
      1);
}

}  // namespace undying

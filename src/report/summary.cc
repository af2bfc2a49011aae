// What was read: for a terminal, and as JSON.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "report/json.h"
#include "report/wrap.h"
#include "undying/report.h"

namespace undying {

using report::Json;
using report::number;

namespace {

constexpr std::size_t kNamed = 12;  // columns or classes in a line; all of them are in the JSON

template <class T, class Text>
std::string first_few(const std::vector<T>& all, Text text) {
  std::string line;
  for (std::size_t i = 0; i < std::min(kNamed, all.size()); ++i)
    line += (i > 0 ? ", " : "") + text(all[i]);
  return line + (all.size() > kNamed ? fmt::format(" and {} more", all.size() - kNamed) : "");
}

std::string inputs_text(const DataSummary& summary) {
  if (summary.columns.empty()) return fmt::format("{}", fmt::join(summary.shape, " x "));
  return fmt::format("{} columns as {} values: {}", summary.columns.size(), summary.shape.at(0),
                     first_few(summary.columns, [](const std::string& name) { return name; }));
}

std::string target_text(const DataSummary& summary) {
  if (summary.task == "no targets") return summary.task;
  if (summary.classes.empty())
    return fmt::format("{} from {:.6g} to {:.6g}, mean {:.6g}", summary.task, summary.target_lowest,
                       summary.target_highest, summary.target_mean);
  return fmt::format("{}: {}", summary.task,
                     first_few(summary.classes, [&](const DataSummary::ClassCount& each) {
                       if (!summary.stream.empty())
                         return fmt::format("{} ({})", each.name, each.train);
                       return fmt::format("{} ({} + {})", each.name, each.train, each.test);
                     }));
}

}  // namespace

std::string summary_text(const DataSummary& summary, int columns) {
  const auto limit = static_cast<std::size_t>(std::clamp(columns, 40, 120));
  std::string text;
  const auto line = [&](const char* title, const std::string& what) {
    if (!what.empty())
      text += report::wrap(fmt::format("{:<10} {}", title, what), limit, 11) + "\n";
  };
  line("Read", !summary.stream.empty()
                   ? summary.name + ": " + summary.stream
                   : fmt::format("{}: {} + {} examples for training and testing", summary.name,
                                 summary.train, summary.test));
  line("inputs", inputs_text(summary));
  line("left out", first_few(summary.dropped, [](const auto& each) {
         return fmt::format("{} ({})", each.first, each.second);
       }));
  line("predicted", target_text(summary));
  line("testing", summary.held_out);
  line("scaling", summary.scaling);
  line("to beat", summary.baseline);
  for (const std::string& remark : summary.remarks) line("note", remark);
  for (const std::string& warning : summary.warnings) line("warning", warning);
  return text;
}

Json report::summary_json(const DataSummary& summary) {
  Json dropped = Json::array();
  for (const auto& [name, reason] : summary.dropped)
    dropped.push_back({{"column", name}, {"reason", reason}});
  Json classes = Json::array();
  for (const DataSummary::ClassCount& each : summary.classes)
    classes.push_back({{"name", each.name}, {"train", each.train}, {"test", each.test}});
  const bool values = summary.classes.empty();
  return {{"name", summary.name},
          {"train", summary.train},
          {"test", summary.test},
          {"shape", summary.shape},
          {"columns", summary.columns},
          {"dropped", std::move(dropped)},
          {"target", summary.target},
          {"task", summary.task},
          {"classes", std::move(classes)},
          {"range", values ? Json{{"lowest", number(summary.target_lowest)},
                                  {"highest", number(summary.target_highest)},
                                  {"mean", number(summary.target_mean)}}
                           : Json(nullptr)},
          {"stream", summary.stream},
          {"held_out", summary.held_out},
          {"scaling", summary.scaling},
          {"baseline", summary.baseline},
          {"remarks", summary.remarks},
          {"warnings", summary.warnings}};
}

}  // namespace undying

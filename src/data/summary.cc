// A data set as people are told it was read: columns, targets, scaling, what is held out, and what
// looks wrong.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "undying/dataset.h"

namespace undying {
namespace {

constexpr std::int64_t kFewTested = 30;  // below it a score is known to a few tenths only

std::vector<DataSummary::ClassCount> count_classes(const Dataset& train, const Dataset& test) {
  std::vector<DataSummary::ClassCount> counts(static_cast<std::size_t>(train.classes));
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i].name = i < train.class_names.size() ? train.class_names[i] : std::to_string(i);
  for (const std::int32_t label : train.labels) ++counts[label].train;
  for (const std::int32_t label : test.labels) ++counts[label].test;
  return counts;
}

std::vector<std::string> column_texts(const std::vector<TableColumn>& columns) {
  std::vector<std::string> texts;
  for (const TableColumn& column : columns)
    texts.push_back(column.values.empty()
                        ? column.name
                        : fmt::format("{} ({})", column.name, fmt::join(column.values, ", ")));
  return texts;
}

std::string scaling_text(const Split& split) {
  const Dataset& train = *split.train;
  std::string text;
  const auto all = [](const std::vector<float>& values, float wanted) {
    return std::ranges::all_of(values, [&](float value) { return value == wanted; });
  };
  if (train.bytes.empty() && all(train.mean, 0.0f) && all(train.deviation, 1.0f)) {
    text = "inputs as they are";
  } else if (train.mean.empty() ||
             (train.mean.size() == 1 && train.mean[0] == 0.0f && train.deviation[0] == 255.0f)) {
    text = "images to [0, 1]";
  } else {
    text = fmt::format("inputs to mean 0 and variance 1 a {}, with figures of the training rows",
                       train.bytes.empty() ? "column" : "channel");
    if (std::ranges::any_of(split.reading.columns,
                            [](const TableColumn& column) { return !column.values.empty(); }))
      text += "; texts 0 or 1";
  }
  if (train.outputs > 0 && !train.target_mean.empty())
    text += fmt::format(
        "; targets likewise inside (mean {:.6g}, deviation {:.6g}), losses and predictions in "
        "their own units",
        train.target_mean[0], train.target_deviation);
  return text;
}

void describe_targets(DataSummary& summary, const Split& split) {
  double sum = 0.0;
  summary.target_lowest = summary.target_highest = split.train->targets[0];
  std::size_t count = 0;
  std::set<const Dataset*> parts = {split.train.get(), split.test.get()};
  for (const Dataset* part : parts)
    for (const float target : part->targets) {
      summary.target_lowest = std::min<double>(summary.target_lowest, target);
      summary.target_highest = std::max<double>(summary.target_highest, target);
      sum += target;
      ++count;
    }
  summary.target_mean = sum / static_cast<double>(count);
}

void warn_of_classes(DataSummary& summary) {
  for (const DataSummary::ClassCount& each : summary.classes)
    if (each.train == 0 && each.test > 0)
      summary.warnings.push_back(fmt::format(
          "the class \"{}\" is tested ({} examples) and never trained", each.name, each.test));
}

void describe_stream(DataSummary& summary, const DataStream& stream) {
  summary.name = stream.name;
  summary.train = stream.examples;
  summary.test = 0;
  summary.stream = fmt::format(
      "a stream {}, in stretches of {} examples",
      stream.examples == 0 ? "without end" : fmt::format("of {} examples", stream.examples),
      stream.stretch);
}

}  // namespace

DataSummary summarise(const Split& split) {
  const Dataset& train = *split.train;
  const bool apart = split.train != split.test;
  DataSummary summary{
      .name = train.name, .train = train.size, .test = split.test->size, .shape = train.shape};
  if (split.stream != nullptr) describe_stream(summary, *split.stream);
  if (apart && summary.name.ends_with(" train")) summary.name.resize(summary.name.size() - 6);
  summary.columns = column_texts(split.reading.columns);
  summary.dropped = split.reading.dropped;
  summary.target = train.target;
  summary.task = train.classes > 0    ? fmt::format("{} classes", train.classes)
                 : train.outputs == 0 ? "no targets"
                 : train.outputs == 1 ? "values"
                                      : fmt::format("{} values each", train.outputs);
  if (!split.reading.task.empty()) summary.task += fmt::format(" ({})", split.reading.task);
  const Dataset nothing;
  if (train.classes > 0)
    summary.classes = count_classes(train, split.stream != nullptr ? nothing : *split.test);
  if (train.outputs > 0) describe_targets(summary, split);
  summary.held_out = !split.note.empty() ? split.note
                     : split.given       ? "the source's own test part"
                                         : "";
  summary.scaling = scaling_text(split);
  summary.remarks = split.reading.remarks;
  summary.warnings = split.reading.warnings;
  warn_of_classes(summary);
  if (apart && summary.test < kFewTested)
    summary.warnings.push_back(
        fmt::format("{} examples are tested on{}, so small differences say nothing", summary.test,
                    train.classes > 0 ? fmt::format(": one of them is {:.3g} points of accuracy",
                                                    100.0 / static_cast<double>(summary.test))
                                      : ""));
  return summary;
}

}  // namespace undying

// Columns of a table as the inputs and targets of a network, by its names.

#include "data/named.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <optional>

#include "data/read_common.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using Shape = std::vector<std::int64_t>;

// Whether a column is one of what is called NAME: NAME, NAME_0, NAME.0, NAME[0], NAME=text.
bool is_of(const std::string& column, const std::string& name) {
  if (column == name) return true;
  if (!column.starts_with(name) || column.size() < name.size() + 2) return false;
  const char separator = column[name.size()];
  if (separator == '=') return true;
  if (separator != '_' && separator != '.' && separator != '[') return false;
  const std::string number =
      column.substr(name.size() + 1, column.size() - name.size() - (separator == '[' ? 2 : 1));
  return !number.empty() &&
         std::ranges::all_of(number, [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::vector<std::size_t> columns_of(const Dataset& data, const std::string& name) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < data.columns.size(); ++i)
    if (is_of(data.columns[i], name)) columns.push_back(i);
  return columns;
}

// What is known of each feature's column, with one entry a feature.
std::vector<TableColumn> by_feature(const std::vector<TableColumn>& columns) {
  std::vector<TableColumn> features;
  for (const TableColumn& column : columns) {
    if (column.values.empty()) features.push_back(column);
    for (const std::string& value : column.values)
      features.push_back({.name = column.name + "=" + value, .values = {}, .fill = {}});
  }
  return features;
}

// The features in another order, or fewer.
void take_columns(Dataset& data, Reading& reading, const std::vector<std::size_t>& order) {
  const std::vector<TableColumn> features = by_feature(reading.columns);
  reading.columns.clear();
  for (const std::size_t at : order) reading.columns.push_back(features.at(at));
  const auto width = static_cast<std::size_t>(data.features());
  std::vector<float> values;
  std::vector<std::string> columns;
  for (std::int64_t row = 0; row < data.size; ++row)
    for (const std::size_t at : order)
      values.push_back(data.values[static_cast<std::size_t>(row) * width + at]);
  for (const std::size_t at : order) columns.push_back(data.columns[at]);
  std::vector<std::uint8_t> missing;
  for (std::int64_t row = 0; row < data.size && !data.missing.empty(); ++row)
    for (const std::size_t at : order)
      missing.push_back(data.missing[static_cast<std::size_t>(row) * width + at]);
  data.missing = std::move(missing);
  data.values = std::move(values);
  data.columns = std::move(columns);
  data.shape = {static_cast<std::int64_t>(order.size())};
}

// Whole numbers in one column, for an output of several elements: classes.
void become_classes(Dataset& part, const TargetPart& output, const std::string& column) {
  for (const float value : part.targets) {
    if (value < 0.0f || value >= static_cast<float>(output.width) || value != std::floor(value))
      bad_data(
          "data " + part.name,
          fmt::format(
              "column {} holds {}; the output {} has {} elements: expected classes from 0 to {}",
              column, value, output.name, output.width, output.width - 1));
    part.labels.push_back(static_cast<std::int32_t>(value));
  }
  part.classes = output.width;
  part.outputs = 0;
}

// The targets of one output, of these columns and, with `last`, of the one to predict.
Dataset part_of(const Dataset& data, const TargetPart& output,
                const std::vector<std::size_t>& columns, bool last) {
  Dataset part{.name = data.name, .size = data.size};
  if (last && columns.empty() && data.classes > 0) {
    part.classes = data.classes;
    part.labels = data.labels;
    return part;
  }
  const auto width = static_cast<std::size_t>(data.features());
  part.outputs = static_cast<std::int64_t>(columns.size()) + (last ? 1 : 0);
  for (std::size_t row = 0; row < static_cast<std::size_t>(data.size); ++row) {
    for (const std::size_t column : columns)
      part.targets.push_back(data.values[row * width + column]);
    if (last)
      part.targets.push_back(data.classes > 0 ? static_cast<float>(data.labels[row])
                                              : data.targets[row]);
  }
  if (!last && columns.size() == 1 && output.width > 1)
    become_classes(part, output, data.columns[columns[0]]);
  return part;
}

// Columns called after outputs, and the column to predict, become the targets of several outputs.
void bind_targets(Dataset& data, Reading& reading, const NetworkInterface& network) {
  std::vector<Dataset> parts;
  std::vector<const TargetPart*> outputs;
  std::vector<bool> taken(data.columns.size(), false);
  for (const TargetPart& output : network.outputs) {
    const std::vector<std::size_t> columns = columns_of(data, output.name);
    const bool last = is_of(data.target, output.name);
    if (columns.empty() && !last) continue;
    outputs.push_back(&output);
    parts.push_back(part_of(data, output, columns, last));
    for (const std::size_t column : columns) taken[column] = true;
  }
  if (outputs.size() < 2) return;
  data.classes = data.outputs = 0;
  data.labels.clear();
  data.targets.clear();
  data.class_names.clear();
  reading.task.clear();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    add_part(data, *outputs[i], parts[i], "data " + data.name);
    reading.task += fmt::format("{}{}", i == 0 ? "" : ", ", outputs[i]->name);
  }
  join_targets(data, parts);
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < taken.size(); ++i)
    if (!taken[i]) rest.push_back(i);
  take_columns(data, reading, rest);
}

void bind_inputs(Dataset& data, Reading& reading, const NetworkInterface& network) {
  std::vector<std::size_t> order;
  std::int64_t wanted = 0;
  bool named = false;
  for (const InputPart& input : network.inputs) {
    wanted += count(input.shape);
    named = named || !columns_of(data, input.name).empty();
  }
  for (const InputPart& input : network.inputs) {
    const std::vector<std::size_t> columns = columns_of(data, input.name);
    if (named && static_cast<std::int64_t>(columns.size()) != count(input.shape))
      bad_data("data " + data.name,
               fmt::format("has {} columns for the input {} of the network, which "
                           "takes {}; expected {}_0, {}_1, ...; it has {}",
                           columns.size(), input.name, count(input.shape), input.name, input.name,
                           fmt::join(data.columns, ", ")));
    order.insert(order.end(), columns.begin(), columns.end());
  }
  std::string names;
  for (const InputPart& input : network.inputs)
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", input.name, count(input.shape));
  if (!named && data.features() != wanted)
    bad_data("data " + data.name,
             fmt::format("has {} columns beside the targets, none called after an "
                         "input of the network; expected {} for {}",
                         data.features(), wanted, names));
  if (named && order.size() != data.columns.size()) {
    for (std::size_t i = 0; i < data.columns.size(); ++i)
      if (std::ranges::find(order, i) == order.end())
        bad_data("data " + data.name,
                 fmt::format("has a column {} that belongs to no input of the network; they are {}",
                             data.columns[i], names));
  }
  if (named) take_columns(data, reading, order);
  reading.remarks.push_back(fmt::format(
      "columns {} inputs {}", named ? "go by name to the" : "go in their order to the", names));
  data.inputs = network.inputs;
}

}  // namespace

// How the targets of one output become columns. Of an output of one element, classes are 0 and 1,
// which are values too.
void add_part(Dataset& data, const TargetPart& output, const Dataset& part,
              const std::string& source) {
  const bool classes = part.classes > 0 && output.width > 1;
  if (classes && part.classes > output.width)
    bad_data(source, fmt::format("has {} classes; the output {} has {} elements", part.classes,
                                 output.name, output.width));
  if (part.classes == 0 && part.outputs != output.width)
    bad_data(source,
             fmt::format("has {} values an example; the output {} has {} elements: expected as "
                         "many, or a class each",
                         part.outputs, output.name, output.width));
  if (output.classes > 0 && !classes)
    bad_data(
        source,
        fmt::format("has values; the output {} is judged by cross-entropy, which needs classes",
                    output.name));
  data.parts.push_back({output.name, output.width, classes ? output.width : 0, data.outputs});
  data.outputs += data.parts.back().columns();
}

void join_targets(Dataset& data, const std::vector<Dataset>& parts) {
  for (std::int64_t row = 0; row < data.size; ++row)
    for (const Dataset& part : parts) {
      const auto at = static_cast<std::size_t>(row);
      if (part.classes > 0) data.targets.push_back(static_cast<float>(part.labels[at]));
      for (std::int64_t i = 0; part.classes == 0 && i < part.outputs; ++i)
        data.targets.push_back(part.targets[at * static_cast<std::size_t>(part.outputs) +
                                            static_cast<std::size_t>(i)]);
    }
}

void bind_columns(Dataset& data, Reading& reading, const NetworkInterface& network) {
  if (network.outputs.size() > 1) bind_targets(data, reading, network);
  if (network.inputs.size() > 1) bind_inputs(data, reading, network);
  if (network.inputs.size() == 1 && network.inputs[0].integer) data.inputs = network.inputs;
}

}  // namespace undying::data

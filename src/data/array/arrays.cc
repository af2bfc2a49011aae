#include "data/array/arrays.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "data/axes.h"
#include "data/named.h"
#include "data/read_common.h"
#include "data/read_file.h"
#include "data/scaling.h"
#include "undying/error.h"

namespace undying::data {
namespace {

void fill_inputs(Dataset& data, Array& x, const std::string& source) {
  if (x.shape.size() < 2 || x.count() == 0)
    bad_data(source, fmt::format("has {} dimensions, {} values; expected (examples, features...)",
                                 x.shape.size(), x.count()));
  data.size = x.shape[0];
  data.shape.assign(x.shape.begin() + 1, x.shape.end());
  if (x.bytes && data.shape.size() >= 2) {
    data.bytes = std::move(x.raw);
  } else if (x.bytes) {
    data.values.assign(x.raw.begin(), x.raw.end());
  } else {
    data.values.assign(x.values.begin(), x.values.end());
  }
}

double value_at(const Array& y, std::int64_t i) { return y.bytes ? y.raw[i] : y.values[i]; }

void set_labels(Dataset& data, const Array& y, const std::string& source) {
  for (std::int64_t i = 0; i < y.count(); ++i) {
    const double value = value_at(y, i);
    if (value < 0 || value > 1e6)
      bad_data(source,
               fmt::format("entry {} is {}; expected class labels from 0 to 1000000", i, value));
    data.labels.push_back(static_cast<std::int32_t>(value));
  }
  data.classes =
      std::max<std::int64_t>(2, *std::max_element(data.labels.begin(), data.labels.end()) + 1);
}

// Whether every value is 0 or 1, and both occur.
bool only_zeros_and_ones(const Array& y) {
  bool met[2] = {};
  for (std::int64_t i = 0; i < y.count(); ++i) {
    const double value = value_at(y, i);
    if (value != 0.0 && value != 1.0) return false;
    met[value == 1.0] = true;
  }
  return met[0] && met[1];
}

// The class of each row of zeros with a single one; empty where a row is none such.
std::vector<std::int32_t> one_hot_labels(const Array& y, std::int64_t outputs) {
  if (outputs < 2 || !only_zeros_and_ones(y)) return {};
  std::vector<std::int32_t> labels;
  for (std::int64_t row = 0; row < y.shape[0]; ++row) {
    std::int32_t label = -1;
    for (std::int64_t i = 0; i < outputs; ++i) {
      if (value_at(y, row * outputs + i) == 0.0) continue;
      if (label >= 0) return {};
      label = static_cast<std::int32_t>(i);
    }
    if (label < 0) return {};
    labels.push_back(label);
  }
  return labels;
}

}  // namespace

void fill_targets(Dataset& data, const Array& y, const std::string& source, Reading& reading) {
  if (y.shape.empty() || y.shape[0] != data.size)
    bad_data(source, fmt::format("has {} entries; expected one for each of the {} examples",
                                 y.shape.empty() ? 1 : y.shape[0], data.size));
  const std::int64_t outputs = y.count() / data.size;
  const std::string name = data.target.empty() ? "y" : data.target;
  if (outputs == 1 && (y.integers || only_zeros_and_ones(y))) {
    reading.task =
        name + (y.integers ? ": whole numbers" : ": only 0 and 1, though of a type with fractions");
    return set_labels(data, y, source);
  }
  if (data.labels = one_hot_labels(y, outputs); !data.labels.empty()) {
    reading.task = fmt::format("{}: one-hot rows of {}", name, outputs);
    data.classes = outputs;
    return;
  }
  reading.task = fmt::format("{}: {} to predict", name,
                             outputs == 1 ? "values" : fmt::format("{} values each", outputs));
  data.outputs = outputs;
  data.targets.assign(y.values.begin(), y.values.end());
  if (y.bytes) data.targets.assign(y.raw.begin(), y.raw.end());
}

namespace {

std::shared_ptr<Dataset> make_dataset(Array x, const std::string& x_source, const Array& y,
                                      const std::string& y_source, std::string name,
                                      Reading& reading) {
  auto data = std::make_shared<Dataset>();
  data->name = std::move(name);
  fill_inputs(*data, x, x_source);
  fill_targets(*data, y, y_source, reading);
  validate(*data);
  return data;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

// Parts that are read together have examples of one form.
void check_parts(Dataset& train, Dataset& test, const std::string& source) {
  if (train.shape != test.shape)
    bad_data(
        source,
        fmt::format("has examples of shape {} for training and {} for testing; expected the same",
                    shape_text(train.shape), shape_text(test.shape)));
  if (train.bytes.empty() != test.bytes.empty())
    bad_data(source, fmt::format("has {} for training and {} for testing; expected the same type: "
                                 "bytes are scaled to [0, 1], other values are not",
                                 train.bytes.empty() ? "numbers" : "bytes",
                                 test.bytes.empty() ? "numbers" : "bytes"));
  const auto kind = [](const Dataset& data) {
    return data.classes > 0
               ? std::string("class labels")
               : fmt::format("targets of {} value{}", data.outputs, data.outputs == 1 ? "" : "s");
  };
  if ((train.classes > 0) != (test.classes > 0) || train.outputs != test.outputs)
    bad_data(source, fmt::format("has {} for training and {} for testing; expected the same",
                                 kind(train), kind(test)));
  train.classes = test.classes = std::max(train.classes, test.classes);
}

std::pair<std::string_view, Move> parse_channels(std::string_view text) {
  for (const auto& [option, move] :
       {std::pair{std::string_view(":channels=first"), Move::kLastToFront},
        {std::string_view(":channels=last"), Move::kFirstToEnd}})
    if (text.ends_with(option)) return {text.substr(0, text.size() - option.size()), move};
  return {text, Move::kNone};
}

const Member* member(const std::vector<Member>& members, std::initializer_list<const char*> names) {
  for (const char* name : names)
    for (const Member& each : members)
      if (each.first == std::string(name) + ".npy") return &each;
  return nullptr;
}

std::string names_of(const std::vector<Member>& members) {
  std::string names;
  for (const auto& [name, content] : members)
    names += (names.empty() ? "" : ", ") + name.substr(0, name.rfind(".npy"));
  return names.empty() ? "none" : names;
}

}  // namespace

std::string_view array_files(std::string_view text) { return parse_channels(text).first; }

ArrayParts read_npy(std::string_view text) {
  const auto [files, move] = parse_channels(text);
  const auto comma = files.find(',');
  if (comma == std::string_view::npos)
    throw Error(ErrorCode::kInvalidArgument, fmt::format("data npy:{}", text),
                "names one file; expected npy:X.npy,Y.npy");
  const std::string x_file(files.substr(0, comma));
  const std::string y_file(files.substr(comma + 1));
  ArrayParts parts;
  Array x = parse_npy(read_file(x_file), x_file);
  const Array y = parse_npy(read_file(y_file), y_file);
  parts.train = make_dataset(std::move(x), x_file, y, y_file,
                             std::filesystem::path(x_file).filename().string(), parts.reading);
  move_axis(*parts.train, move);
  return parts;
}

std::shared_ptr<Dataset> open_npy_inputs(const std::filesystem::path& file,
                                         const std::optional<DataForm>& form) {
  const std::string source = file.string();
  auto data = std::make_shared<Dataset>();
  data->name = file.filename().string();
  Array x = parse_npy(read_file(source), source);
  fill_inputs(*data, x, source);
  for (std::size_t i = 0; i < data->values.size(); ++i)
    if (!std::isfinite(data->values[i])) bad_data(source, fmt::format("value {} is not finite", i));
  if (form) apply_form(*data, *form);
  return data;
}

ArrayParts read_npz(std::string_view text, const NetworkInterface* network) {
  const auto [name, move] = parse_channels(text);
  const std::filesystem::path file(name);
  const std::string source = file.string();
  const auto members = unzip(read_file(file), source, kMostBytes);
  if (network != nullptr && is_named(members, *network)) {
    ArrayParts named = read_named(members, source, *network);
    move_axis(*named.train, move);
    if (named.test != nullptr) move_axis(*named.test, move);
    return named;
  }
  ArrayParts parts;
  Reading& reading = parts.reading;
  const auto load = [&](std::initializer_list<const char*> x_names,
                        std::initializer_list<const char*> y_names, const char* part) {
    const Member* x = member(members, x_names);
    const Member* y = member(members, y_names);
    if (x == nullptr || y == nullptr) return std::shared_ptr<Dataset>();
    const std::string x_source = source + ": " + x->first;
    const std::string y_source = source + ": " + y->first;
    return make_dataset(parse_npy(x->second, x_source), x_source, parse_npy(y->second, y_source),
                        y_source, file.filename().string() + part, reading);
  };
  const bool tested =
      member(members, {"X_test", "x_test"}) != nullptr && member(members, {"y_test"}) != nullptr;
  parts.train =
      load({"X", "x", "X_train", "x_train"}, {"y", "Y", "y_train"}, tested ? " train" : "");
  if (parts.train == nullptr)
    bad_data(source, fmt::format("has no arrays X and y, nor x_train and y_train; it has {}",
                                 names_of(members)));
  if (tested) {
    const Reading of_training = reading;
    parts.test = load({"X_test", "x_test"}, {"y_test"}, " test");
    reading = of_training;
    check_parts(*parts.train, *parts.test, source);
    move_axis(*parts.test, move);
  }
  move_axis(*parts.train, move);
  return parts;
}

}  // namespace undying::data

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

Shape without_ones(Shape shape) {
  std::erase(shape, 1);
  return shape;
}

const Member* member(const std::vector<Member>& members, const std::string& name) {
  const auto found = std::ranges::find(members, name + ".npy", &Member::first);
  return found == members.end() ? nullptr : &*found;
}

// An array of this part, by the first of these names that is there.
const Member* member(const std::vector<Member>& members, const std::vector<std::string>& names,
                     const std::vector<std::string>& suffixes) {
  for (const std::string& name : names)
    for (const std::string& suffix : suffixes)
      if (const Member* found = member(members, name + suffix); found != nullptr) return found;
  return nullptr;
}

bool any_named(const std::vector<Member>& members, const auto& parts) {
  return std::ranges::any_of(parts, [&](const auto& part) {
    return member(members, {part.name}, {"", "_train"}) != nullptr;
  });
}

std::string names_of(const std::vector<Member>& members) {
  std::string names;
  for (const auto& [name, content] : members)
    names += (names.empty() ? "" : ", ") + name.substr(0, name.rfind(".npy"));
  return names.empty() ? "none" : names;
}

// One part of an NPZ file, for training or testing.
class NamedPart {
 public:
  NamedPart(const std::vector<Member>& members, const std::string& file,
            const NetworkInterface& network, std::vector<std::string> suffixes)
      : members_(members), file_(file), network_(network), suffixes_(std::move(suffixes)) {}

  // Of one input at least: others that are not there are an error then.
  bool is_there() const {
    for (std::size_t i = 0; i < network_.inputs.size(); ++i)
      if (input(i) != nullptr) return true;
    return false;
  }

  std::shared_ptr<Dataset> read(const std::string& name, Reading& reading) {
    auto data = std::make_shared<Dataset>();
    data->name = name;
    read_inputs(*data);
    read_targets(*data, reading);
    const bool targets = data->classes > 0 || data->outputs > 0;
    if (targets) validate(*data);
    return data;
  }

 private:
  std::string source(const Member& of) const { return file_ + ": " + of.first; }

  const Member* input(std::size_t i) const {
    const bool by_place =
        network_.inputs.size() > 1 && member(members_, "x1") != nullptr && !all_named();
    if (!by_place && any_named(members_, network_.inputs))
      return member(members_, {network_.inputs[i].name}, suffixes_);
    if (network_.inputs.size() == 1) return member(members_, {"X", "x"}, suffixes_);
    return member(members_, {i == 0 ? "x" : "x" + std::to_string(i)}, suffixes_);
  }

  bool all_named() const {
    return std::ranges::all_of(network_.inputs, [&](const InputPart& part) {
      return member(members_, {part.name}, suffixes_) != nullptr;
    });
  }

  void check_inputs() const {
    std::vector<std::string> missing;
    for (std::size_t i = 0; i < network_.inputs.size(); ++i)
      if (input(i) == nullptr) missing.push_back(network_.inputs[i].name);
    if (missing.empty()) return;
    bad_data(
        file_,
        fmt::format("has no {}array for the input{} {} of the network; expected one of that name "
                    "for each of its inputs; it has {}",
                    suffixes_[0].empty() ? "" : suffixes_[0].substr(1) + " ",
                    missing.size() == 1 ? "" : "s", fmt::join(missing, ", "), names_of(members_)));
  }

  void read_inputs(Dataset& data) {
    check_inputs();
    std::vector<Array> arrays;
    for (std::size_t i = 0; i < network_.inputs.size(); ++i) {
      const Member* found = input(i);
      arrays.push_back(parse_npy(found->second, source(*found)));
      add_batch(network_.inputs[i], arrays.back());
      check_input(network_.inputs[i], arrays.back(), source(*found), arrays.front());
    }
    if (arrays.size() == 1) return read_only(data, arrays[0]);
    data.size = arrays[0].shape[0];
    data.inputs = network_.inputs;
    std::int64_t width = 0;
    for (const InputPart& part : network_.inputs) width += count(part.shape);
    data.shape = {width};
    data.values.reserve(static_cast<std::size_t>(data.size * width));
    for (std::int64_t row = 0; row < data.size; ++row)
      for (std::size_t i = 0; i < arrays.size(); ++i)
        append_row(network_.inputs[i], arrays[i], row, data.values);
  }

  // Images stay bytes.
  void read_only(Dataset& data, Array& array) {
    data.size = array.shape[0];
    data.shape.assign(array.shape.begin() + 1, array.shape.end());
    if (data.shape.empty()) data.shape = {1};
    if (network_.inputs[0].integer) data.inputs = network_.inputs;
    if (array.bytes && data.shape.size() >= 2 && !network_.inputs[0].integer) {
      data.bytes = std::move(array.raw);
    } else if (array.bytes) {
      data.values.assign(array.raw.begin(), array.raw.end());
    } else {
      data.values.assign(array.values.begin(), array.values.end());
    }
  }

  // Of several inputs, images of bytes are brought to [0, 1] here.
  static void append_row(const InputPart& part, const Array& array, std::int64_t row,
                         std::vector<float>& values) {
    const std::int64_t width = count(part.shape);
    const bool image = array.bytes && array.shape.size() > 2 && !part.integer;
    for (std::int64_t i = row * width; i < (row + 1) * width; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double value = array.bytes ? array.raw[at] : array.values[at];
      values.push_back(static_cast<float>(image ? value / 255.0 : value));
    }
  }

  // An array of the shape of one example is one.
  static void add_batch(const InputPart& part, Array& array) {
    if (array.shape == part.shape && (array.shape.size() > 1 || part.shape[0] > 1))
      array.shape.insert(array.shape.begin(), 1);
  }

  static void check_input(const InputPart& part, const Array& array, const std::string& source,
                          const Array& first) {
    if (array.shape.empty() || array.count() == 0)
      bad_data(source, fmt::format("holds {} values; expected (examples, ...)", array.count()));
    const Shape example(array.shape.begin() + 1, array.shape.end());
    const bool flat = (example.size() <= 1 || without_ones(part.shape).size() <= 1) &&
                      count(example) == count(part.shape);
    if (!flat && without_ones(example) != without_ones(part.shape))
      bad_data(source,
               fmt::format("has examples of shape {}; the input {} of the network takes {}",
                           fmt::join(example, " x "), part.name, fmt::join(part.shape, " x ")));
    if (array.shape[0] != first.shape[0])
      bad_data(source, fmt::format("has {} examples; the first input has {}", array.shape[0],
                                   first.shape[0]));
    for (std::size_t i = 0; part.integer && i < array.values.size(); ++i)
      if (array.values[i] != std::floor(array.values[i]))
        bad_data(
            source,
            fmt::format("is {} in example {}; the input {} of the network takes whole numbers",
                        array.values[i], i / static_cast<std::size_t>(count(example)), part.name));
  }

  void read_targets(Dataset& data, Reading& reading) {
    std::vector<std::pair<const TargetPart*, const Member*>> found;
    for (const TargetPart& output : network_.outputs)
      if (const Member* of = member(members_, {output.name}, suffixes_); of != nullptr)
        found.emplace_back(&output, of);
    const bool by_place = found.empty() && !network_.chosen;
    for (std::size_t i = 0; by_place && i < network_.outputs.size(); ++i)
      if (const Member* of = member(members_, {"y" + std::to_string(i)}, suffixes_); of != nullptr)
        found.emplace_back(&network_.outputs[i], of);
    if (found.empty()) {
      const Member* y = member(members_, {"y", "Y"}, suffixes_);
      if (y != nullptr) fill_targets(data, targets_of(*y, data), source(*y), reading);
      return;
    }
    if (network_.chosen && found.size() < network_.outputs.size()) fail_missing(found);
    if (found.size() > 1) return read_parts(data, found, reading);
    data.target = found[0].first->name;
    fill_targets(data, targets_of(*found[0].second, data), source(*found[0].second), reading);
  }

  Array targets_of(const Member& of, const Dataset& data) const {
    Array array = parse_npy(of.second, source(of));
    if (data.size == 1 && (array.shape.empty() || array.shape[0] != 1))
      array.shape.insert(array.shape.begin(), 1);
    return array;
  }

  [[noreturn]] void fail_missing(
      const std::vector<std::pair<const TargetPart*, const Member*>>& found) const {
    std::vector<std::string> missing;
    for (const TargetPart& output : network_.outputs)
      if (std::ranges::none_of(found, [&](const auto& each) { return each.first == &output; }))
        missing.push_back(output.name);
    const bool one = missing.size() == 1;
    bad_data(file_, fmt::format("has no array{} {}, the targets of {}; it has {}", one ? "" : "s",
                                fmt::join(missing, ", "), one ? "that output" : "these outputs",
                                names_of(members_)));
  }

  void read_parts(Dataset& data,
                  const std::vector<std::pair<const TargetPart*, const Member*>>& found,
                  Reading& reading) {
    std::vector<Dataset> parts;
    for (const auto& [output, of] : found) {
      Dataset& part = parts.emplace_back(Dataset{.name = data.name, .size = data.size});
      Reading own;
      fill_targets(part, targets_of(*of, data), source(*of), own);
      add_part(data, *output, part, source(*of));
      reading.task += fmt::format(
          "{}{}: {}", reading.task.empty() ? "" : "; ", output->name,
          data.parts.back().classes > 0 ? fmt::format("{} classes", output->width) : "values");
    }
    join_targets(data, parts);
  }

 public:
 private:
  const std::vector<Member>& members_;
  const std::string& file_;
  const NetworkInterface& network_;
  std::vector<std::string> suffixes_;
};

}  // namespace

bool is_named(const std::vector<Member>& members, const NetworkInterface& network) {
  const auto has = [&](const char* name) { return member(members, name) != nullptr; };
  const bool inputs_alone = (has("X") || has("x")) && !has("y") && !has("Y");
  return inputs_alone || network.inputs.size() > 1 || any_named(members, network.inputs) ||
         any_named(members, network.outputs) ||
         (network.inputs.size() == 1 && network.inputs[0].integer) ||
         member(members, "y0") != nullptr;
}

ArrayParts read_named(const std::vector<Member>& members, const std::string& file,
                      const NetworkInterface& network) {
  const NamedPart testing(members, file, network, {"_test"});
  ArrayParts parts;
  const std::string name = std::filesystem::path(file).filename().string();
  if (network.inputs.size() > 1) {
    std::string names;
    for (const InputPart& input : network.inputs)
      names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", input.name,
                           fmt::join(input.shape, " x "));
    parts.reading.remarks.push_back("the network's inputs: " + names);
  }
  parts.train = NamedPart(members, file, network, {"", "_train"})
                    .read(name + (testing.is_there() ? " train" : ""), parts.reading);
  if (!testing.is_there()) return parts;
  Reading ignored;
  parts.test = NamedPart(members, file, network, {"_test"}).read(name + " test", ignored);
  if (parts.test->outputs != parts.train->outputs ||
      (parts.test->classes > 0) != (parts.train->classes > 0))
    bad_data(file, "has other targets for testing than for training; expected the same");
  parts.train->classes = parts.test->classes = std::max(parts.train->classes, parts.test->classes);
  return parts;
}

Dataset targets_alone(const Dataset& data, std::int64_t first, std::int64_t columns,
                      std::int64_t classes) {
  Dataset part{.name = data.name,
               .size = data.size,
               .shape = data.shape,
               .classes = classes,
               .outputs = classes > 0 ? 0 : columns};
  for (std::int64_t row = 0; row < data.size; ++row) {
    const float* from = data.targets.data() + row * data.outputs + first;
    if (classes > 0) part.labels.push_back(static_cast<std::int32_t>(*from));
    if (classes == 0) part.targets.insert(part.targets.end(), from, from + columns);
  }
  return part;
}

}  // namespace undying::data

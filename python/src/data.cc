#include "data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "data/axes.h"
#include "data/open.h"
#include "data/scaling.h"
#include "module.h"
#include "undying/error.h"

namespace undying::python {

namespace nb = nanobind;

namespace {

using Inputs = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using Targets = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;

std::vector<std::int64_t> shape_of(const auto& array) {
  std::vector<std::int64_t> shape;
  for (std::size_t i = 0; i < array.ndim(); ++i)
    shape.push_back(static_cast<std::int64_t>(array.shape(i)));
  return shape;
}

data::Move move_of(const std::string& channels) {
  if (channels.empty()) return data::Move::kNone;
  if (channels == "first") return data::Move::kLastToFront;
  if (channels == "last") return data::Move::kFirstToEnd;
  throw Error(ErrorCode::kInvalidArgument, "channels",
              fmt::format("is \"{}\"; expected first or last", channels));
}

void fill_inputs(Dataset& data, const Inputs& x) {
  const std::vector<std::int64_t> shape = shape_of(x);
  if (shape.size() < 2 || x.size() == 0)
    throw Error(ErrorCode::kBadData, data.name,
                fmt::format("has {} dimension{}, {} values; expected (examples, features...)",
                            shape.size(), shape.size() == 1 ? "" : "s", x.size()));
  data.size = shape.front();
  data.shape.assign(shape.begin() + 1, shape.end());
  if (x.dtype() == nb::dtype<float>()) {
    const auto* values = static_cast<const float*>(x.data());
    data.values.assign(values, values + x.size());
  } else if (x.dtype() == nb::dtype<std::uint8_t>()) {
    const auto* values = static_cast<const std::uint8_t*>(x.data());
    data.bytes.assign(values, values + x.size());
  } else {
    throw Error(ErrorCode::kInternal, data.name, "is neither of float32 nor of uint8");
  }
}

// `y`: null for inputs alone. `integers`: of an integer type. `classes`: their names, where labels
// stand for something.
std::shared_ptr<Dataset> make_dataset(const std::string& name, const Inputs& x,
                                      const std::optional<Targets>& y, bool integers,
                                      const std::vector<std::string>& classes,
                                      const std::string& channels, Reading& reading) {
  auto data = std::make_shared<Dataset>();
  data->name = name;
  fill_inputs(*data, x);
  if (y) {
    data::Array array{.shape = shape_of(*y),
                      .integers = integers,
                      .values = {y->data(), y->data() + y->size()},
                      .raw = {}};
    data::fill_targets(*data, array, "y", reading);
    if (!classes.empty()) {
      data->class_names = classes;
      data->classes = std::max<std::int64_t>(2, std::ssize(classes));
    }
  }
  data::move_axis(*data, move_of(channels));
  return data;
}

void check_finite(const Dataset& data) {
  for (std::size_t i = 0; i < data.values.size(); ++i)
    if (!std::isfinite(data.values[i]))
      throw Error(ErrorCode::kBadData, data.name,
                  fmt::format("value {} of example {} is not finite; expected numbers, for "
                              "instance of a frame with missing=\"mean\"",
                              i % static_cast<std::size_t>(data.features()),
                              i / static_cast<std::size_t>(data.features())));
}

std::shared_ptr<Arrays> make_arrays(const std::string& name, const Inputs& x,
                                    const std::optional<Targets>& y, bool integers,
                                    const std::vector<std::string>& classes,
                                    const std::string& channels,
                                    const std::optional<Inputs>& test_x,
                                    const std::optional<Targets>& test_y) {
  Reading reading;
  auto train = make_dataset(name, x, y, integers, classes, channels, reading);
  check_finite(*train);
  if (y) validate(*train);
  std::shared_ptr<Dataset> test;
  if (test_x) {
    Reading ignored;
    test = make_dataset(name + " test", *test_x, test_y, integers, classes, channels, ignored);
    check_finite(*test);
    validate(*test);
    if (test->shape != train->shape || test->bytes.empty() != train->bytes.empty())
      throw Error(ErrorCode::kBadData, "test",
                  "has examples of another shape or type than X; expected the same");
    train->classes = test->classes = std::max(train->classes, test->classes);
  }
  return std::make_shared<Arrays>(std::move(train), std::move(test), std::move(reading));
}

std::shared_ptr<data::Frame> make_frame(const std::string& name, const nb::list& columns) {
  std::vector<data::FrameColumn> made;
  for (const nb::handle each : columns) {
    const auto pair = nb::cast<nb::tuple>(each);
    data::FrameColumn column{.name = nb::cast<std::string>(pair[0]), .numbers = {}, .texts = {}};
    if (nb::isinstance<nb::list>(pair[1])) {
      column.texts = nb::cast<std::vector<std::optional<std::string>>>(pair[1]);
    } else {
      const auto numbers = nb::cast<Targets>(pair[1]);
      column.numbers.assign(numbers.data(), numbers.data() + numbers.size());
    }
    made.push_back(std::move(column));
  }
  return std::make_shared<data::Frame>(name, std::move(made));
}

data::Missing missing_of(const std::string& text) {
  if (text.empty() || text == "refuse") return data::Missing::kRefuse;
  if (text == "drop") return data::Missing::kDrop;
  if (text == "mean") return data::Missing::kMean;
  if (text == "keep") return data::Missing::kKeep;
  throw Error(ErrorCode::kInvalidArgument, "missing",
              fmt::format("is \"{}\"; expected drop, mean or keep", text));
}

std::shared_ptr<Table> make_table(
    const std::string& name, const nb::list& columns, const std::optional<nb::list>& test,
    const std::optional<std::string>& predicted, bool values, const std::vector<std::string>& drop,
    const std::vector<std::string>& keep, const std::vector<std::string>& text,
    const std::vector<std::string>& numbers, const std::string& missing, std::size_t most_values) {
  data::CsvSource source{.file = name,
                         .column = predicted,
                         .kind = values ? data::CsvLabel::kValue : data::CsvLabel::kAny,
                         .drop = drop,
                         .keep = keep,
                         .text = text,
                         .numbers = numbers,
                         .missing = missing_of(missing),
                         .separator = std::nullopt,
                         .inputs_alone = !predicted,
                         .most_values = most_values};
  return std::make_shared<Table>(make_frame(name, columns),
                                 test ? make_frame(name + " test", *test) : nullptr,
                                 std::move(source));
}

// The class of a network that a label's name stands for: that of this name, else of this number.
// -1: none.
std::int32_t class_of(const std::string& name, const std::vector<std::string>& classes) {
  if (!classes.empty()) {
    const auto found = std::ranges::find(classes, name);
    return found == classes.end() ? -1 : static_cast<std::int32_t>(found - classes.begin());
  }
  std::int32_t number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : -1;
}

// Labels become those of a network at hand, whose classes need not all occur among them.
void match_classes(Dataset& data, const std::vector<std::string>& classes) {
  std::vector<std::int32_t> matched;
  for (const std::string& name : data.class_names) matched.push_back(class_of(name, classes));
  if (classes.empty() && std::ranges::count(matched, -1) > 0) return;  // names, by their order
  for (std::int32_t& label : data.labels) {
    if (matched[label] < 0)
      throw Error(ErrorCode::kBadData, "y",
                  fmt::format("holds \"{}\"; expected a class of the network: {}",
                              data.class_names[label], fmt::join(classes, ", ")));
    label = matched[label];
  }
  data.class_names = classes;
  data.classes = classes.empty() ? 1 + *std::ranges::max_element(matched) : std::ssize(classes);
}

}  // namespace

Split Arrays::open(const DataOptions& options) const {
  data::ArrayParts parts{.train = std::make_shared<Dataset>(*train_),
                         .test = test_ ? std::make_shared<Dataset>(*test_) : nullptr,
                         .reading = reading_};
  if (options.network && !train_->class_names.empty())
    for (Dataset* part : {parts.train.get(), parts.test.get()})
      if (part != nullptr)
        match_classes(*part, options.form ? options.form->class_names : std::vector<std::string>());
  return data::open_arrays_in_memory(std::move(parts), options);
}

std::shared_ptr<const Dataset> Arrays::open_inputs(const std::optional<DataForm>& form) const {
  if (!form) return train_;
  auto data = std::make_shared<Dataset>(*train_);
  data::apply_form(*data, *form);
  return data;
}

Split Table::open(const DataOptions& options) const {
  return data::open_table_in_memory(*rows_, test_.get(), columns_, options);
}

std::shared_ptr<const Dataset> Table::open_inputs(const std::optional<DataForm>& form) const {
  return data::open_inputs_in_memory(*rows_, columns_, form);
}

void bind_data(nb::module_& module) {
  nb::class_<Source>(module, "Source");
  nb::class_<Arrays, Source>(module, "Arrays");
  nb::class_<Table, Source>(module, "Table");
  module.def("arrays", &make_arrays, nb::arg("name"), nb::arg("x"), nb::arg("y").none(),
             nb::arg("integers"), nb::arg("classes"), nb::arg("channels"), nb::arg("test_x").none(),
             nb::arg("test_y").none());
  module.def("table", &make_table, nb::arg("name"), nb::arg("columns"), nb::arg("test").none(),
             nb::arg("predicted").none(), nb::arg("values"), nb::arg("drop"), nb::arg("keep"),
             nb::arg("text"), nb::arg("numbers"), nb::arg("missing"), nb::arg("most_values"));
}

}  // namespace undying::python

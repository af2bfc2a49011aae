#include "data/array/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/axes.h"
#include "data/named.h"
#include "data/read_file.h"
#include "data/scaling.h"
#include "undying/error.h"

namespace undying::data {
namespace {

constexpr std::size_t kMostHeader = 1 << 20;

[[noreturn]] void fail(const std::string& source, const std::string& message) {
  throw Error(ErrorCode::kBadData, source, message);
}

struct Header {
  std::string type;  // "<f4"
  bool fortran = false;
  std::vector<std::int64_t> shape;
  std::size_t size = 0;  // of the header, magic included
};

// What stands behind 'key': in the header, a Python dictionary of fixed form.
std::string_view value_of(std::string_view text, std::string_view key, const std::string& source) {
  const auto at = text.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) fail(source, fmt::format("its NPY header has no '{}'", key));
  text.remove_prefix(at + key.size() + 3);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

std::vector<std::int64_t> parse_shape(std::string_view text, const std::string& source) {
  std::vector<std::int64_t> shape;
  const auto close = text.find(')');
  if (text.empty() || text[0] != '(' || close == std::string_view::npos)
    fail(source, "its NPY header has no shape in parentheses");
  std::uint64_t total = 1;
  for (std::size_t i = 1; i < close; ++i) {
    if (text[i] == ' ' || text[i] == ',') continue;
    std::int64_t extent = 0;
    for (; i < close && text[i] >= '0' && text[i] <= '9'; ++i) {
      extent = extent * 10 + (text[i] - '0');
      if (extent > (std::int64_t{1} << 40))
        fail(source, "its NPY header declares an absurd dimension");
    }
    if (i < close && text[i] != ',' && text[i] != ' ')
      fail(source, fmt::format("its NPY shape has the character '{}'", text[i]));
    shape.push_back(extent);
    if (!multiply(total, static_cast<std::uint64_t>(std::max<std::int64_t>(extent, 1))))
      fail(source, "its NPY header declares more values than a file here may hold");
  }
  return shape;
}

Header parse_header(std::string_view content, const std::string& source) {
  if (content.size() < 10 || content.substr(0, 6) != "\x93NUMPY")
    fail(source, "does not start as an NPY file; expected one saved by numpy.save");
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<std::uint8_t>(content[i]));
  };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3)
    fail(source, fmt::format("is NPY version {}; expected 1, 2 or 3", version));
  if (version > 1 && content.size() < 12) fail(source, "is truncated within its header");
  const std::size_t prefix = version == 1 ? 10 : 12;
  const std::size_t length = version == 1
                                 ? byte(8) | byte(9) << 8
                                 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  if (length > kMostHeader || content.size() < prefix + length)
    fail(source, fmt::format("declares a header of {} bytes, which it does not hold", length));
  const std::string_view text = content.substr(prefix, length);
  Header header{.size = prefix + length};
  const std::string_view type = value_of(text, "descr", source);
  if (type.empty() || type[0] != '\'')
    throw Error(ErrorCode::kUnsupported, source,
                "has a structured type; expected a plain array of numbers");
  header.type = type.substr(1, std::min(type.find('\'', 1), type.size()) - 1);
  header.fortran = value_of(text, "fortran_order", source).starts_with("True");
  header.shape = parse_shape(value_of(text, "shape", source), source);
  return header;
}

template <class T>
double read_as(const char* from, bool swap) {
  std::array<char, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if (swap) std::reverse(bytes.begin(), bytes.end());
  return static_cast<double>(std::bit_cast<T>(bytes));
}

// IEEE 754 binary16.
double read_half(const char* from, bool swap) {
  const auto bits = static_cast<unsigned>(read_as<std::uint16_t>(from, swap));
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const auto fraction = static_cast<double>(bits & 1023);
  const double magnitude =
      exponent == 31  ? (fraction == 0.0 ? std::numeric_limits<double>::infinity() : std::nan(""))
      : exponent == 0 ? std::ldexp(fraction, -24)
                      : std::ldexp(1024.0 + fraction, exponent - 25);
  return bits >> 15 != 0 ? -magnitude : magnitude;
}

using Reader = double (*)(const char*, bool);

Reader reader_of(const std::string& type, const std::string& source) {
  const std::string kind = type.size() == 3 ? type.substr(1) : "";
  if (kind == "f2") return read_half;
  if (kind == "f4") return read_as<float>;
  if (kind == "f8") return read_as<double>;
  if (kind == "i1") return read_as<std::int8_t>;
  if (kind == "i2") return read_as<std::int16_t>;
  if (kind == "i4") return read_as<std::int32_t>;
  if (kind == "i8") return read_as<std::int64_t>;
  if (kind == "u1" || kind == "b1") return read_as<std::uint8_t>;
  if (kind == "u2") return read_as<std::uint16_t>;
  if (kind == "u4") return read_as<std::uint32_t>;
  if (kind == "u8") return read_as<std::uint64_t>;
  throw Error(
      ErrorCode::kUnsupported, source,
      fmt::format("has elements of type '{}'; expected f2, f4, f8, i1..i8, u1..u8 or b1", type));
}

// Where element `index` of the row-major order stands in Fortran order.
std::int64_t fortran_position(const std::vector<std::int64_t>& shape, std::int64_t index) {
  std::int64_t position = 0;
  std::int64_t stride = 1;
  for (const std::int64_t extent : shape) stride *= extent;
  std::int64_t below = stride;
  std::int64_t step = 1;
  for (const std::int64_t extent : shape) {
    below /= extent;
    position += index / below % extent * step;
    step *= extent;
  }
  return position;
}

}  // namespace

std::int64_t Array::count() const {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

Array parse_npy(std::string_view content, const std::string& source) {
  const Header header = parse_header(content, source);
  const Reader read = reader_of(header.type, source);
  const char order = header.type[0];
  if (order != '<' && order != '>' && order != '|' && order != '=')
    fail(source, fmt::format("has the unknown byte order '{}'", order));
  const auto width = static_cast<std::size_t>(header.type[2] - '0');
  Array array{.shape = header.shape,
              .integers = header.type[1] != 'f',
              .bytes = header.type.substr(1) == "u1"};
  const auto count = static_cast<std::size_t>(array.count());
  const std::string_view body = content.substr(header.size);
  if (body.size() != count * width)
    fail(source, fmt::format("holds {} bytes behind its header; its shape and type need {}",
                             body.size(), count * width));
  const auto at = [&](std::size_t i) {
    return header.fortran ? static_cast<std::size_t>(
                                fortran_position(array.shape, static_cast<std::int64_t>(i)))
                          : i;
  };
  if (array.bytes) array.raw.resize(count);
  if (!array.bytes) array.values.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double value = read(body.data() + at(i) * width, order == '>');
    if (array.bytes) array.raw[i] = static_cast<std::uint8_t>(value);
    if (!array.bytes) array.values[i] = value;
  }
  return array;
}

namespace {

void fill_inputs(Dataset& data, Array& x, const std::string& source) {
  if (x.shape.size() < 2 || x.count() == 0)
    fail(source, fmt::format("has {} dimensions, {} values; expected (examples, features...)",
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
      fail(source,
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
    fail(source, fmt::format("has {} entries; expected one for each of the {} examples",
                             y.shape.empty() ? 1 : y.shape[0], data.size));
  const std::int64_t outputs = y.count() / data.size;
  if (outputs == 1 && (y.integers || only_zeros_and_ones(y))) {
    reading.task =
        y.integers ? "y: whole numbers" : "y: only 0 and 1, though of a type with fractions";
    return set_labels(data, y, source);
  }
  if (data.labels = one_hot_labels(y, outputs); !data.labels.empty()) {
    reading.task = fmt::format("y: one-hot rows of {}", outputs);
    data.classes = outputs;
    return;
  }
  reading.task = fmt::format("y: {} to predict",
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
    fail(source,
         fmt::format("has examples of shape {} for training and {} for testing; expected the same",
                     shape_text(train.shape), shape_text(test.shape)));
  if (train.bytes.empty() != test.bytes.empty())
    fail(source, fmt::format("has {} for training and {} for testing; expected the same type: "
                             "bytes are scaled to [0, 1], other values are not",
                             train.bytes.empty() ? "numbers" : "bytes",
                             test.bytes.empty() ? "numbers" : "bytes"));
  const auto kind = [](const Dataset& data) {
    return data.classes > 0
               ? std::string("class labels")
               : fmt::format("targets of {} value{}", data.outputs, data.outputs == 1 ? "" : "s");
  };
  if ((train.classes > 0) != (test.classes > 0) || train.outputs != test.outputs)
    fail(source, fmt::format("has {} for training and {} for testing; expected the same",
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
    if (!std::isfinite(data->values[i])) fail(source, fmt::format("value {} is not finite", i));
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
    fail(source, fmt::format("has no arrays X and y, nor x_train and y_train; it has {}",
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

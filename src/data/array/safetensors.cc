// The safetensors format: 8 bytes of little-endian header length, a JSON header {"name": {"dtype",
// "shape", "data_offsets"}, ...}, the values. Only float32 is read and written. The rules checked
// are those of the reference implementation: header at most 100 MB, offsets contiguous in the order
// of the data without holes or overlap, sizes that match, no duplicate keys.

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/atomic_file.h"
#include "data/read_common.h"
#include "data/read_file.h"
#include "undying/dataset.h"
#include "undying/error.h"

namespace undying {
namespace {

using data::bad_data;
using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "tensors are written as they lie in memory");

constexpr std::uint64_t kMostHeader = 100'000'000;

struct Entry {
  Tensor tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Parses the header, refusing keys that stand twice at its top level.
Json parse_header(std::string_view text, const std::string& source) {
  std::set<std::string> keys;
  std::string twice;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 &&
        !keys.insert(parsed.get<std::string>()).second)
      twice = parsed.get<std::string>();
    return true;
  };
  Json header = Json::parse(text.begin(), text.end(), watch, false);
  if (header.is_discarded() || !header.is_object())
    bad_data(source, "its header is not a JSON object");
  if (!twice.empty()) bad_data(source, fmt::format("names the tensor {} twice", twice));
  return header;
}

bool is_natural(const Json& value) {
  return value.is_number_unsigned() && value.get<std::uint64_t>() < (std::uint64_t{1} << 40);
}

Entry parse_entry(const std::string& name, const Json& description, const std::string& source) {
  const auto bad = [&](const char* what) {
    bad_data(source, fmt::format("tensor {}: {}", name, what));
  };
  if (!description.is_object() || !description.contains("dtype") ||
      !description.contains("shape") || !description.contains("data_offsets"))
    bad("expected dtype, shape and data_offsets");
  if (description["dtype"] != "F32")
    throw Error(
        ErrorCode::kUnsupported, source,
        fmt::format("tensor {} is of type {}; expected F32", name, description["dtype"].dump()));
  const Json& offsets = description["data_offsets"];
  const Json& shape = description["shape"];
  if (!offsets.is_array() || offsets.size() != 2 || !is_natural(offsets[0]) ||
      !is_natural(offsets[1]))
    bad("data_offsets are not two offsets");
  if (!shape.is_array() || !std::all_of(shape.begin(), shape.end(), is_natural))
    bad("its shape is not a list of extents");
  Entry entry{.tensor = {.name = name}, .begin = offsets[0], .end = offsets[1]};
  std::uint64_t size = sizeof(float);
  for (const Json& extent : shape) {
    entry.tensor.shape.push_back(extent.get<std::int64_t>());
    if (!data::multiply(size, std::max<std::uint64_t>(extent.get<std::uint64_t>(), 1)))
      bad("its shape is absurdly large");
  }
  if (std::find(entry.tensor.shape.begin(), entry.tensor.shape.end(), 0) !=
      entry.tensor.shape.end())
    size = 0;
  if (entry.begin > entry.end || entry.end - entry.begin != size)
    bad("its offsets and its shape disagree about its size");
  return entry;
}

void check_contiguous(std::vector<Entry>& entries, std::uint64_t size, const std::string& source) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  std::uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end)
      bad_data(source, fmt::format("tensor {} starts at {}; expected {}, without holes or overlap",
                                   entry.tensor.name, entry.begin, end));
    end = entry.end;
  }
  if (end != size)
    bad_data(source, fmt::format("holds {} bytes of values; its tensors take {}", size, end));
}

}  // namespace

std::vector<Tensor> read_safetensors(const std::filesystem::path& file) {
  const std::string source = file.string();
  const std::string content = data::read_file(file);
  std::uint64_t length = 0;
  if (content.size() < sizeof length)
    bad_data(source,
             fmt::format("has {} bytes; a safetensors file starts with 8 bytes of header length",
                         content.size()));
  std::memcpy(&length, content.data(), sizeof length);
  if (length > kMostHeader)
    bad_data(source,
             fmt::format("is not a safetensors file, which starts with the length of a header, "
                         "at most {}; found {}",
                         kMostHeader, length));
  if (length > content.size() - sizeof length)
    bad_data(source, fmt::format("is truncated: its header of {} bytes is not whole", length));
  const Json header = parse_header(std::string_view(content).substr(sizeof length, length), source);
  const std::string_view body = std::string_view(content).substr(sizeof length + length);
  std::vector<Entry> entries;
  for (const auto& [name, description] : header.items())
    if (name != "__metadata__") entries.push_back(parse_entry(name, description, source));
  check_contiguous(entries, body.size(), source);
  std::vector<Tensor> tensors;
  for (Entry& entry : entries) {
    entry.tensor.values.resize((entry.end - entry.begin) / sizeof(float));
    if (entry.end > entry.begin)
      std::memcpy(entry.tensor.values.data(), body.data() + entry.begin, entry.end - entry.begin);
    tensors.push_back(std::move(entry.tensor));
  }
  return tensors;
}

void write_safetensors(const std::filesystem::path& file, std::span<const Tensor> tensors) {
  nlohmann::ordered_json header;
  std::uint64_t at = 0;
  for (const Tensor& tensor : tensors) {
    const std::uint64_t size = tensor.values.size() * sizeof(float);
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {at, at + size}}};
    at += size;
  }
  std::string text = tensors.empty() ? "{}" : header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // values start on a multiple of 8
  const std::uint64_t length = text.size();
  std::string content(sizeof length, '\0');
  std::memcpy(content.data(), &length, sizeof length);
  content += text;
  for (const Tensor& tensor : tensors)
    content.append(reinterpret_cast<const char*>(tensor.values.data()),
                   tensor.values.size() * sizeof(float));
  write_file(file, content);
}

}  // namespace undying

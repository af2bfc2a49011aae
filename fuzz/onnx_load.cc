// Any bytes as a model file, read in any of the ways that options ask for: a model or one Error,
// nothing else; and a small model computes its outputs from any inputs, and is written and read
// again or refused.
//
// Where the input ends in 0xff 'W', a Way and a number, these say how, and which value is the
// output. Tensors outside lie in a file called "w".

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "mutate_model.h"
#include "onnx/load.h"
#include "onnx/read/read.h"
#include "onnx/run.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

namespace fs = std::filesystem;

enum Way : std::uint8_t { kWhole = 1, kFresh = 2, kInside = 4, kShaped = 8, kWritten = 16 };
constexpr std::string_view kMark = "\xffW";
constexpr std::int64_t kMostElements = 1 << 18;  // of all values of a model that is computed
constexpr std::int64_t kMostWork = std::int64_t{1} << 24;

const fs::path& folder() {
  static const fs::path path = [] {
    const fs::path made =
        fs::temp_directory_path() / ("undying_fuzz_" + std::to_string(::getpid()));
    fs::create_directories(made);
    std::string values(1 << 18, '\0');
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<char>(i % 4 == 3 ? 0x3e : i * 37);
    std::ofstream(made / "w", std::ios::binary) << values;
    return made;
  }();
  return path;
}

LoadOptions options_of(int way, std::uint8_t which, const pb::GraphProto& graph) {
  LoadOptions options{.batched = (way & kWhole) == 0, .fresh = (way & kFresh) != 0};
  if ((way & kInside) != 0 && graph.node_size() > 0) {
    const auto& node = graph.node(which % graph.node_size());
    if (node.output_size() > 0) options.outputs = {node.output(which % node.output_size())};
  }
  if ((way & kShaped) == 0) return options;
  for (const auto& input : graph.input()) {
    Shape shape;
    const auto& dims = input.type().tensor_type().shape();
    for (int i = options.batched ? 1 : 0; i < dims.dim_size(); ++i)
      shape.push_back(dims.dim(i).dim_value() > 0 ? dims.dim(i).dim_value() : which % 8 + 1);
    options.shapes[input.name()] = shape;
  }
  return options;
}

// Whether it is soon computed: by what its values hold, and what each element of a product takes.
bool is_small(const Model& model) {
  std::int64_t elements = 0;
  std::int64_t weights = 1;
  for (const Shape& shape : model.graph.shapes()) elements += ops::element_count(shape);
  for (const Tensor& tensor : model.weights)
    weights = std::max(weights, static_cast<std::int64_t>(tensor.values.size()));
  return elements < kMostElements && elements * weights < kMostWork;
}

// Halves, ones, whole numbers beyond any table, and what is no number.
void compute(const Model& model) {
  constexpr float kNumbers[] = {0.5f, -1.0f, 3.0f, 0.0f, 1e9f, -7.0f, __builtin_nanf(""), -1e30f};
  constexpr std::int64_t kRows = 2;
  std::vector<std::vector<float>> inputs;
  for (const int id : model.graph.inputs()) {
    std::vector<float> values(
        static_cast<std::size_t>(kRows * ops::element_count(model.graph.shapes()[id])));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = kNumbers[(i * i + inputs.size()) % std::size(kNumbers)];
    inputs.push_back(std::move(values));
  }
  evaluate(model, inputs, kRows);
}

void write_and_read(const Model& model) {
  const fs::path file = folder() / "written.onnx";
  SaveOptions options = like(model);
  save(file, model.graph, model.weights, options);
  load(file);
}

struct Parts {
  std::string_view model;
  std::uint8_t way = 0;
  std::uint8_t which = 0;
};

Parts parts_of(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  if (size < kMark.size() + 2 || all.substr(size - kMark.size() - 2, kMark.size()) != kMark)
    return {all};
  return {all.substr(0, size - kMark.size() - 2), data[size - 2], data[size - 1]};
}

void read(const std::uint8_t* data, std::size_t size) {
  const Parts parts = parts_of(data, size);
  pb::ModelProto proto;
  if ((parts.way & (kInside | kShaped)) != 0) proto = parse_model(parts.model);
  const Model model = load_bytes(std::string(parts.model), folder(),
                                 options_of(parts.way, parts.which, proto.graph()));
  if (!is_small(model)) return;
  compute(model);
  if ((parts.way & kWritten) != 0) write_and_read(model);
}

// Bytes changed at random are seldom a model: most changes are made to what the bytes say.
std::string mutate(const std::uint8_t* data, std::size_t size, unsigned int seed) {
  Parts parts = parts_of(data, size);
  if (seed % 4 == 1) parts.way = static_cast<std::uint8_t>(seed >> 8);
  if (seed % 4 == 2) parts.which = static_cast<std::uint8_t>(seed >> 8);
  std::string changed = mutate_model(parts.model, seed);
  if (changed.empty()) return changed;
  return changed.append(kMark) + static_cast<char>(parts.way) + static_cast<char>(parts.which);
}

}  // namespace
}  // namespace undying::onnx

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    undying::onnx::read(data, size);
  } catch (const undying::Error&) {
    return 0;
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed) {
  const std::string changed =
      seed % 16 == 0 ? std::string() : undying::onnx::mutate(data, size, seed / 16);
  if (changed.empty() || changed.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::ranges::copy(changed, data);
  return changed.size();
}

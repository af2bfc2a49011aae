// check_exports FOLDER...: loads every NAME.onnx of the folders, runs it on the inputs x, x1, ...
// of NAME.npz beside it, and compares what it gives with the outputs y0, y1, ... there. Prints one
// line a model; returns 1 where one is refused or differs. For runs by hand: tests/onnx/README.md.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "data/array/npy.h"
#include "onnx/run.h"
#include "undying/error.h"
#include "undying/onnx.h"

namespace {

using namespace undying;  // a test tool of its own
namespace fs = std::filesystem;

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

float from_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const auto fraction = static_cast<float>(bits & 1023);
  const float value =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024.0f, exponent - 25);
  return (bits & 0x8000) != 0 ? -value : value;
}

// An array of float16 as one of float32.
std::string widened(const std::string& npy) {
  const std::size_t at = npy.find("'<f2'");
  if (at == std::string::npos) return npy;
  const std::size_t head = npy.find('\n', at) + 1;
  std::string wide = npy.substr(0, head);
  wide.replace(at, 5, "'<f4'");
  for (std::size_t i = head; i + 1 < npy.size(); i += 2) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, npy.data() + i, 2);
    const float value = from_half(bits);
    wide.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return wide;
}

std::map<std::string, std::vector<float>> arrays_of(const fs::path& file) {
  std::map<std::string, std::vector<float>> arrays;
  for (const auto& [name, content] :
       data::unzip(content_of(file), file.string(), std::uint64_t{1} << 30)) {
    const data::Array array = data::parse_npy(widened(content), name);
    arrays[name.substr(0, name.find('.'))] =
        std::vector<float>(array.values.begin(), array.values.end());
  }
  return arrays;
}

// max |difference| / max |expected|.
double difference(const std::vector<float>& found, const std::vector<float>& expected) {
  if (found.size() != expected.size()) return HUGE_VAL;
  double most = 0.0;
  double scale = 1e-30;
  for (std::size_t i = 0; i < found.size(); ++i) {
    most =
        std::max(most, std::fabs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
    scale = std::max(scale, std::fabs(static_cast<double>(expected[i])));
    if (std::isnan(found[i])) return HUGE_VAL;
  }
  return most / scale;
}

double worst_difference(const onnx::Model& model, const fs::path& file) {
  const auto arrays = arrays_of(fs::path(file).replace_extension(".npz"));
  std::vector<std::vector<float>> inputs;
  for (std::size_t i = 0; i < model.inputs.size(); ++i)
    inputs.push_back(arrays.at(i == 0 ? "x" : "x" + std::to_string(i)));
  std::int64_t size = 1;
  for (const std::int64_t extent : model.graph.shapes()[model.graph.inputs()[0]]) size *= extent;
  const auto outputs =
      onnx::evaluate(model, inputs, static_cast<std::int64_t>(inputs[0].size()) / size);
  double worst = 0.0;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (const auto expected = arrays.find("y" + std::to_string(i)); expected != arrays.end())
      worst = std::max(worst, difference(outputs[i], expected->second));
  return worst;
}

struct Count {
  int models = 0;
  int loaded = 0;
  int equal = 0;
};

void check(const fs::path& file, Count& count) {
  const std::string name = file.stem().string();
  ++count.models;
  try {
    const onnx::Model model = onnx::load(file);
    ++count.loaded;
    const double worst = worst_difference(model, file);
    const fs::path copy =
        fs::temp_directory_path() / fmt::format("undying_{}_copy.onnx", ::getpid());
    onnx::save(copy, model.graph, model.weights,
               {.inputs = model.inputs, .outputs = model.outputs});
    const double again = worst_difference(onnx::load(copy), file);
    fs::remove(copy);
    const bool equal =
        std::max(worst, again) <= (name.find("half") != std::string::npos ? 1e-3 : 1e-5);
    count.equal += equal ? 1 : 0;
    fmt::print("{:24} {:7} {:.1e}, written and read again {:.1e}\n", name,
               equal ? "equal" : "DIFFERS", worst, again);
    for (const std::string& note : model.notes) fmt::print("{:24}         {}\n", "", note);
  } catch (const std::exception& error) {
    fmt::print("{:24} REFUSED {}\n", name, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  Count count;
  for (int i = 1; i < argc; ++i) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(argv[i]))
      if (entry.path().extension() == ".onnx" &&
          fs::exists(fs::path(entry.path()).replace_extension(".npz")))
        files.push_back(entry.path());
    std::ranges::sort(files);
    for (const fs::path& file : files) check(file, count);
  }
  fmt::print("{} models, {} loaded, {} equal\n", count.models, count.loaded, count.equal);
  return count.equal == count.models ? 0 : 1;
}

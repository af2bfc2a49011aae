// Writes FOLDER/NAME.onnx and, beside each, NAME.safetensors with an `input` and the `output` that
// undying computes for it: networks trained here, plain and folded, and the networks of
// tests/onnx/models after a round trip.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "undying/undying.h"

namespace {

using namespace undying;  // a test tool of its own
namespace fs = std::filesystem;

constexpr std::int64_t kExamples = 16;
constexpr std::int64_t kClasses = 10;

std::int64_t count(const Shape& shape) {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

// Values of a fixed linear congruential sequence in [-1, 1), and labels that follow from them.
Dataset examples(const Shape& shape) {
  Dataset data{.name = "fixture", .size = kExamples, .shape = shape, .classes = kClasses};
  std::uint32_t state = 1;
  for (std::int64_t i = 0; i < kExamples * count(shape); ++i) {
    state = state * 1664525U + 1013904223U;
    data.values.push_back(static_cast<float>(state >> 8U) / static_cast<float>(1U << 23U) - 1.0f);
  }
  for (std::int64_t i = 0; i < kExamples; ++i)
    data.labels.push_back(static_cast<std::int32_t>(i % kClasses));
  return data;
}

Trainer trainer_for(const Graph& graph) {
  return {graph,
          {.optimizer = Sgd{.learning_rate = 0.02f},
           .batch = kExamples / 2,
           .epochs = 4,
           .threads = 1,
           .health = {}}};
}

void write(const fs::path& folder, const std::string& name, const Graph& graph,
           const std::vector<Tensor>& weights, const Dataset& data, bool fold) {
  onnx::save(folder / (name + ".onnx"), graph, weights, {.fold = fold, .doc = "a fixture"});
  Trainer trainer = trainer_for(graph);
  trainer.load(weights);
  Shape shape = graph.input_shape();
  shape.insert(shape.begin(), data.size);
  const Tensor input{"input", shape, data.values};
  const std::vector<float> outputs = trainer.predict(data);
  const Tensor output{
      "output", {data.size, static_cast<std::int64_t>(outputs.size()) / data.size}, outputs};
  write_safetensors(folder / (name + ".safetensors"), std::vector<Tensor>{input, output});
}

void write_trained(const fs::path& folder, std::string name, const Graph& graph) {
  std::ranges::replace(name, ':', '_');
  const Dataset data = examples(graph.input_shape());
  Trainer trainer = trainer_for(graph);
  trainer.fit(data, data);  // so that running statistics and slopes are not those of the draw
  for (const bool fold : {false, true})
    write(folder, name + (fold ? "_folded" : "_plain"), trainer.graph(), trainer.tensors(), data,
          fold);
}

// A table whose columns and values to predict differ in scale by 1e6: the file takes the numbers as
// they stand there and answers in their units, which is what undying predict says.
void write_table(const fs::path& folder, const std::string& name, const std::string& role,
                 Activation activation) {
  const fs::path file = folder / (name + ".csv");
  std::ofstream table(file);
  table << "age,income,share,y\n";
  for (int i = 0; i < 64; ++i) {
    const double age = 20 + i * 7 % 41;
    const double income = 1e6 * (1 + i * 13 % 29);
    const double share = 1e-3 * (i * 5 % 17);
    table << age << ',' << income << ',' << share << ','
          << (role == "label" ? double(i % 3) : 1e5 + 300 * age + 0.002 * income + 0.5) << '\n';
  }
  table.close();
  const Split split = open_dataset("csv:" + file.string() + ":" + role + "=y");
  const Graph graph = build_model("mlp:16-16", split.train->shape, role == "label" ? 3 : 1,
                                  {.activation = activation});
  Trainer trainer(graph,
                  {.optimizer = Sgd{.learning_rate = 0.02f},
                   .loss = role == "label" ? Loss::kSoftmaxCrossEntropy : Loss::kMeanSquaredError,
                   .batch = 16,
                   .epochs = 4,
                   .threads = 1,
                   .health = {}});
  trainer.fit(*split.train, *split.test);
  onnx::save(folder / (name + ".onnx"), graph, trainer.tensors(), {.form = form_of(split)});
  const Dataset& data = *split.train;
  const std::vector<float> outputs = role == "label"
                                         ? trainer.predict(data)
                                         : predict(graph, trainer.tensors(), data, {}, 1).values;
  const std::int64_t width = std::ssize(outputs) / data.size;
  write_safetensors(folder / (name + ".safetensors"),
                    std::vector<Tensor>{{"input", {data.size, data.features()}, data.values},
                                        {"output", {data.size, width}, outputs}});
}

void write_again(const fs::path& folder, const fs::path& file) {
  const onnx::Model model = onnx::load(file);
  const auto tensors = read_safetensors(fs::path(file).replace_extension(".safetensors"));
  const auto input = std::ranges::find(tensors, "input", &Tensor::name);
  Dataset data{.name = "fixture",
               .size = input->shape[0],
               .shape = model.graph.input_shape(),
               .values = input->values};
  data.classes = count(model.graph.output_shape());
  data.labels.assign(static_cast<std::size_t>(data.size), 0);
  for (const bool fold : {false, true})
    write(folder, "again_" + file.stem().string() + (fold ? "_folded" : "_plain"), model.graph,
          model.weights, data, fold);
}

// A chain of operators that no built-in network has, and a linear layer.
void write_chain(const fs::path& folder, const std::string& name, const Shape& shape,
                 std::vector<Node> nodes) {
  nodes.insert(nodes.begin(), {"x", "input", {}, {{"shape", shape}}});
  nodes.push_back({"flat", "flatten", {}, {}});
  nodes.push_back({"fc", "linear", {}, {{"outputs", kClasses}}});
  for (std::size_t i = 1; i < nodes.size(); ++i) nodes[i].inputs = {static_cast<int>(i) - 1};
  write_trained(folder, name, Graph(std::move(nodes)));
}

// Networks with dead and constant units, and what is left of them: both give the outputs that the
// whole one gives here.
void write_pruned(const fs::path& folder) {
  const Dataset data = examples({1, 28, 28});
  for (const char* model : {"mlp:32-32", "lenet", "resnet:20", "mobilenet:small"}) {
    Trainer trainer = trainer_for(build_model(model, data.shape, kClasses, {.activation = "relu"}));
    trainer.fit(data, data);
    std::vector<Tensor> weights = trainer.tensors();
    for (Tensor& tensor :
         weights)  // every third unit of each hidden layer; of a residual stream the same ones
      for (std::size_t unit = 0; tensor.name.ends_with(".bias") &&
                                 tensor.values.size() != kClasses && unit < tensor.values.size();
           unit += 3)
        tensor.values[unit] = -1000.0f;
    const Pruning pruned =
        prune(trainer.graph(), weights, data, {.threads = 1, .measure_time = false});
    if (!pruned.changed() || !pruned.sound())
      throw Error(ErrorCode::kInternal, model, "is not pruned");
    std::string name = std::string("pruned_") + model;
    std::ranges::replace(name, ':', '_');
    for (const bool fold : {false, true}) {
      const std::string file = name + (fold ? "_folded" : "_plain");
      write(folder, file, trainer.graph(), weights, data,
            fold);  // its tensors beside it are what is compared
      onnx::save(folder / (file + ".onnx"), pruned.graph, pruned.weights,
                 {.fold = fold, .doc = "a fixture"});
    }
  }
}

void write_operators(const fs::path& folder) {
  using List = std::vector<std::int64_t>;
  const std::int64_t one = 1, two = 2, hidden = 5;
  write_chain(
      folder, "recurrent", {6, 4},
      {{"lstm", "lstm", {}, {{"hidden", hidden}, {"directions", two}, {"cells", one}}},
       {"gru", "gru", {}, {{"hidden", hidden}, {"directions", two}}},
       {"gru_after", "gru", {}, {{"hidden", hidden}, {"reverse", one}, {"reset_after", one}}},
       {"rnn", "rnn", {}, {{"hidden", hidden}, {"relu", one}}},
       {"rnn_both", "rnn", {}, {{"hidden", hidden}, {"directions", two}}}});
  write_chain(folder, "volumes", {2, 6, 7, 8},
              {{"conv",
                "conv",
                {},
                {{"outputs", hidden}, {"kernel", List{3, 2, 3}}, {"pads", List{1, 0, 1, 1, 1, 1}}}},
               {"bn", "batch_norm", {}, {}},
               {"max", "max_pool", {}, {{"kernel", List{2, 2, 2}}, {"strides", List{2, 2, 1}}}},
               {"up",
                "conv_transpose",
                {},
                {{"outputs", two}, {"kernel", List{2, 3, 2}}, {"strides", List{2, 1, 2}}}},
               {"average",
                "average_pool",
                {},
                {{"kernel", List{3, 2, 2}}, {"pads", List{1, 1, 0, 1, 0, 1}}}}});
  write_chain(folder, "choices", {6, 4},
              {{"top", "top_k", {}, {{"k", std::int64_t{3}}, {"axis", std::int64_t{0}}}},
               {"take", "take", {}, {{"axis", std::int64_t{0}}, {"indices", List{2, 0, 2}}}}});
  write_chain(folder, "places", {6, 4},
              {{"arg", "arg_max", {}, {{"axis", std::int64_t{0}}, {"keepdims", std::int64_t{0}}}}});
}

}  // namespace

int main(int, char** arguments) {
  const fs::path folder = arguments[1];
  fs::create_directories(folder);
  for (const ActivationInfo& info : activation_family())
    write_trained(folder, "mlp_" + std::string(info.name),
                  build_model("mlp:16x3", {12}, kClasses,
                              {.activation = info.name, .batch_norm = true, .dropout = 0.1}));
  for (const char* model : {"lenet", "vgg:small", "resnet:20", "mobilenet:small"})
    for (const char* activation : {"relu", "leaky_relu:0.1", "prelu"})
      write_trained(folder, std::string(model) + "_" + activation,
                    build_model(model, {1, 28, 28}, kClasses,
                                {.activation = activation, .batch_norm = true}));
  write_operators(folder);
  write_pruned(folder);
  for (const char* activation : {"relu", "leaky_relu:0.1"})
    for (const char* role : {"label", "target"})
      write_table(folder, std::string("table_") + role + "_" + activation, role, activation);
  for (const auto& entry : fs::directory_iterator(arguments[2]))
    if (entry.path().extension() == ".onnx") write_again(folder, entry.path());
}

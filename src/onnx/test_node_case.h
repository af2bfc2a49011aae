#ifndef UNDYING_ONNX_TEST_NODE_CASE_H_
#define UNDYING_ONNX_TEST_NODE_CASE_H_

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "onnx/read/parse.h"
#include "onnx/read/tensor.h"
#include "undying/error.h"

// One of ONNX's node cases: a model of one operator, its inputs and its outputs, as they lie in a
// folder of their own.
namespace undying::onnx {

namespace fs = std::filesystem;

inline std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The same numbers as floats.
inline void become_floats(pb::TensorProto& tensor) {
  const ConstantPtr values = TensorReader({}).read(tensor, {});
  tensor.clear_raw_data();
  tensor.clear_int32_data();
  tensor.set_data_type(pb::TensorProto::FLOAT);
  for (const Integer& value : values->integers)
    tensor.add_float_data(static_cast<float>(value.value));
  tensor.clear_double_data();
  for (const float value : values->floats) tensor.add_float_data(value);
}

struct Case {
  std::string name;
  fs::path folder;
  pb::ModelProto model;
  std::vector<pb::TensorProto> inputs;
  std::vector<ConstantPtr> outputs;
  bool as_floats = false;

  // Some cases give small integers, or doubles, to operators that do not care.
  void take_integers_as_floats() {
    const std::string& op = model.graph().node(0).op_type();
    if (inputs.empty() ||
        (op != "Pad" && op != "MaxPool" && op != "Clip" && op != "ReduceLogSumExp"))
      return;
    const auto type = inputs[0].data_type();
    as_floats = type == pb::TensorProto::DOUBLE || type == pb::TensorProto::INT8 ||
                type == pb::TensorProto::UINT8 || type == pb::TensorProto::INT32;
    for (std::size_t i = 0; i < inputs.size() && as_floats; ++i) {
      if (inputs[i].data_type() != type) continue;
      become_floats(inputs[i]);
      model.mutable_graph()
          ->mutable_input(static_cast<int>(i))
          ->mutable_type()
          ->mutable_tensor_type()
          ->set_elem_type(pb::TensorProto::FLOAT);
    }
  }

  // False where an input or output is no tensor of numbers.
  bool read() {
    if (!model.ParseFromString(bytes_of(folder / "model.onnx"))) return false;
    for (int i = 0; fs::exists(data("input", i)); ++i)
      if (!inputs.emplace_back().ParseFromString(bytes_of(data("input", i)))) return false;
    try {
      take_integers_as_floats();
      TensorReader reader({});
      for (const pb::TensorProto& tensor : inputs) reader.read(tensor, {});
      for (int i = 0; fs::exists(data("output", i)); ++i) {
        pb::TensorProto tensor;
        if (!tensor.ParseFromString(bytes_of(data("output", i)))) return false;
        if (as_floats) become_floats(tensor);
        outputs.push_back(reader.read(tensor, {}));
      }
    } catch (const Error&) {
      return false;
    }
    // Masks, indices and statistics beside the value itself are what import does not give.
    while (model.graph().output_size() > 1 && model.graph().node(0).op_type() != "Split")
      model.mutable_graph()->mutable_output()->RemoveLast();
    return !outputs.empty();
  }

  fs::path data(const char* what, int index) const {
    return folder / "test_data_set_0" / (std::string(what) + "_" + std::to_string(index) + ".pb");
  }
};

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_TEST_NODE_CASE_H_

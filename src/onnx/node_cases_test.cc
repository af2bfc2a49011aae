// The cases that ship with ONNX: models of single operators, and exports of PyTorch, each with
// inputs and outputs.
//
// The files say which values are inputs, not which of them an exporter would have made constants,
// nor whether their first dimension is a batch. So every case is read in several ways: all inputs
// computed at run time, only the first, none; the first dimension as a batch, or the whole as one
// example. A way may be refused as unsupported. One that is not must give the outputs of the file.
// A case passes if one does.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "onnx/lower/lower.h"
#include "onnx/normalise/evaluate.h"
#include "onnx/normalise/fold.h"
#include "onnx/read/parse.h"
#include "onnx/read/tensor.h"
#include "onnx/run.h"
#include "onnx/test_model.h"
#include "onnx/test_node_case.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

const fs::path kData = UNDYING_ONNX_TESTDATA;

// Cases of supported operators that cannot pass, and why.
const std::map<std::string, std::string>& skipped() {
  static const std::map<std::string, std::string> kSkipped = {
#include "onnx/node_cases_skipped.inc"
  };
  return kSkipped;
}

// Operators that are parts of composites, and of which nothing is promised alone.
bool is_part_only(const std::string& op) { return op == "Erf" || op == "ReduceMax"; }

// Whether an operator is one that models may hold: it becomes operators of the engine, is computed
// at import, or is a part of composites.
bool is_readable(const std::string& op) {
  return find_rule(op) != nullptr || Evaluator::knows(op) || is_part_only(op);
}

// The group a case is counted in: its operator, or what it is an expansion of.
std::string group_of(const Case& each) {
  const auto& graph = each.model.graph();
  if (graph.node_size() == 1) return graph.node(0).op_type();
  const std::string suffix = "_expanded";
  if (each.name.ends_with(suffix)) {
    pb::ModelProto whole;
    const std::string name = each.folder.filename().string();
    whole.ParseFromString(bytes_of(each.folder.parent_path() /
                                   name.substr(0, name.size() - suffix.size()) / "model.onnx"));
    if (whole.graph().node_size() == 1) return whole.graph().node(0).op_type() + " in its parts";
  }
  return "several";
}

// ---- Ways to read a case.

enum class Known { kNothing, kAllButFirst, kAll };
struct Way {
  Known known;
  bool batched;
  bool second = false;  // dimension, of the first input and of the output, counts examples, as of
                        // recurrent layers
};
constexpr std::array kWays = {Way{Known::kNothing, true},           Way{Known::kNothing, false},
                              Way{Known::kAllButFirst, true},       Way{Known::kAllButFirst, false},
                              Way{Known::kAllButFirst, true, true}, Way{Known::kAll, true}};

bool is_of(const Case& each, std::initializer_list<std::string_view> ops) {
  return std::ranges::find(ops, each.model.graph().node(0).op_type()) != ops.end();
}

bool is_known(const Case& each, const Way& way, int input) {
  if (way.known == Known::kAllButFirst && input == 0 &&
      is_of(each, {"QLinearConv", "QLinearMatMul", "DequantizeLinear"}))
    return false;  // whole numbers that are computed
  if (way.known == Known::kAll || (way.known == Known::kAllButFirst && input > 0)) return true;
  return each.inputs[input].data_type() != pb::TensorProto::FLOAT;
}

// The inputs of the file that are no initializers, in order; those that are to be known become
// initializers.
pb::ModelProto arranged(const Case& each, const Way& way, std::vector<int>& computed) {
  pb::ModelProto model = each.model;
  auto& graph = *model.mutable_graph();
  std::set<std::string> initializers;
  for (const auto& tensor : graph.initializer()) initializers.insert(tensor.name());
  int next = 0;
  for (const auto& info : each.model.graph().input()) {
    if (initializers.contains(info.name())) continue;
    if (is_known(each, way, next)) {
      auto& tensor = *graph.add_initializer();
      tensor = each.inputs[next];
      tensor.set_name(info.name());
    } else {
      computed.push_back(next);
    }
    ++next;
  }
  return model;
}

Constant as_floats(const Constant& whole) {
  Constant result{.dims = whole.dims};
  for (const Integer& value : whole.integers)
    result.floats.push_back(static_cast<float>(value.value));
  return result;
}

bool close(float found, float expected) {
  if (std::isnan(expected)) return std::isnan(found);
  if (found == expected) return true;
  return std::abs(found - expected) <= 1e-6f + 1e-5f * std::abs(expected);
}

// Truth values are 0 and 1 here, and what is left of an example without dimensions is (1).
std::string compare(const std::vector<float>& found, const Shape& shape, const Constant& expected) {
  if (expected.integer) return compare(found, shape, as_floats(expected));
  const bool scalars = shape.size() == expected.dims.size() + 1 && shape.back() == 1;
  if (scalars) return compare(found, expected.dims, expected);
  if (shape != expected.dims)
    return "its shape is " + ops::to_string(shape) + "; expected " + ops::to_string(expected.dims);
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!close(found[i], expected.floats[i]))
      return "element " + std::to_string(i) + " is " + std::to_string(found[i]) + "; expected " +
             std::to_string(expected.floats[i]);
  return {};
}

// Lists alone: a model of them is taken for one without a batch.
bool counts_no_examples(const Case& each, const std::vector<int>& computed) {
  return std::ranges::all_of(computed, [&](int input) {
    const auto& dims = each.inputs[input].dims();
    return dims.size() == 1 && dims[0] > 1;
  });
}

// Of a recurrent layer: with the dimension that counts examples, the last but one, first.
Constant turned(const Constant& value) {
  const std::size_t axis = value.dims.size() - 2;
  const auto examples = static_cast<std::size_t>(value.dims[axis]),
             width = static_cast<std::size_t>(value.dims.back());
  Constant result{.dims = value.dims};
  std::rotate(result.dims.begin(), result.dims.begin() + static_cast<std::ptrdiff_t>(axis),
              result.dims.end() - 1);
  for (std::size_t example = 0; example < examples; ++example)
    for (std::size_t row = 0; row < value.floats.size() / (examples * width); ++row)
      for (std::size_t i = 0; i < width; ++i)
        result.floats.push_back(value.floats[(row * examples + example) * width + i]);
  return result;
}

// The inputs that are computed, with the dimension that counts examples marked.
std::map<std::string, Shape> marked(const Case& each, const std::vector<int>& computed) {
  std::map<std::string, Shape> shapes;
  for (const int input : computed) {
    const auto& dims = each.inputs[input].dims();
    shapes[each.model.graph().input(input).name()] = {dims[0], 0, dims[2]};
  }
  return shapes;
}

// What is wrong with the outputs; empty: nothing. Throws Error where the way is refused.
std::string run(const Case& each, const Way& way) {
  std::vector<int> computed;
  const pb::ModelProto proto = arranged(each, way, computed);
  if (computed.empty()) throw Error(ErrorCode::kUnsupported, each.name, "has no float inputs");
  if (way.batched && counts_no_examples(each, computed))
    throw Error(ErrorCode::kUnsupported, each.name, "counts no examples");
  if (way.second && !is_of(each, {"LSTM", "GRU", "RNN"}))
    throw Error(ErrorCode::kUnsupported, each.name, "is read otherwise");
  const Model model =
      load(proto, {.batched = way.batched,
                   .shapes = way.second ? marked(each, computed) : std::map<std::string, Shape>{}});
  std::vector<std::vector<float>> inputs;
  std::int64_t rows = 1;
  TensorReader reader({});
  for (const int input : computed) {
    const ConstantPtr value = reader.read(each.inputs[input], {});
    if (way.batched) rows = value->dims.at(way.second ? 1 : 0);
    inputs.push_back(way.second       ? turned(*value).floats
                     : value->integer ? as_floats(*value).floats
                                      : value->floats);
  }
  const auto outputs = evaluate(model, inputs, rows);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Shape shape = model.graph.shapes()[model.graph.outputs()[i]];
    const bool dropped =
        rows == 1 &&
        shape.size() ==
            each.outputs[i]->dims.size();  // a file of one example may have none in its output
    if (way.batched && !dropped) shape.insert(shape.begin(), rows);
    const Constant& expected = *each.outputs[i];
    if (std::string wrong = compare(outputs[i], shape, way.second ? turned(expected) : expected);
        !wrong.empty())
      return wrong;
  }
  return {};
}

// All inputs are constants: what import computes.
std::string run_known(const Case& each) {
  std::vector<int> computed;
  pb::ModelProto model = arranged(each, kWays.back(), computed);
  TestModel dummy;
  dummy.input("undying_unused", {1, 1});
  *model.mutable_graph()->add_input() = dummy.proto.graph().input(0);
  Net net = parse(model, {}, LoadOptions{});
  fold(net);
  for (std::size_t i = 0; i < net.outputs.size(); ++i) {
    const ConstantPtr found = net.value(net.outputs[i]).constant;
    if (found == nullptr)
      throw Error(ErrorCode::kUnsupported, each.name, "is not computed at import");
    const Constant& expected = *each.outputs.at(i);
    if (found->integer != expected.integer) return "is of the wrong type";
    if (!found->integer) {
      if (std::string wrong = compare(found->floats, found->dims, expected); !wrong.empty())
        return wrong;
    } else if (found->dims != expected.dims || found->integers != expected.integers) {
      return "the integers differ";
    }
  }
  return {};
}

struct Outcome {
  bool at_run_time = false;
  bool at_import = false;
  std::string wrong;  // a way gave other outputs
  std::string refused;
};

Outcome run_all_ways(const Case& each) {
  Outcome outcome;
  for (const Way& way : kWays) {
    try {
      const std::string wrong = way.known == Known::kAll ? run_known(each) : run(each, way);
      if (wrong.empty())
        (way.known == Known::kAll ? outcome.at_import : outcome.at_run_time) = true;
      if (!wrong.empty()) outcome.wrong = wrong;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnsupported) outcome.wrong = error.what();
      if (way.known != Known::kAll && outcome.refused.find(error.what()) == std::string::npos)
        outcome.refused += std::string("\n  ") + error.what();
    }
  }
  return outcome;
}

// ---- Counting.

struct Count {
  int at_run_time = 0;
  int at_import = 0;  // and not at run time: integers, and operators that are only computed there
  int there = 0;
};

std::string table(const std::map<std::string, Count>& counts) {
  std::ostringstream text;
  text << "| operator | pass at run time | pass at import | there |\n|---|---|---|---|\n";
  Count all;
  for (const auto& [group, count] : counts) {
    text << "| " << group << " | " << count.at_run_time << " | " << count.at_import << " | "
         << count.there << " |\n";
    all.at_run_time += count.at_run_time;
    all.at_import += count.at_import;
    all.there += count.there;
  }
  text << "| all | " << all.at_run_time << " | " << all.at_import << " | " << all.there << " |\n";
  return text.str();
}

std::vector<Case> cases_of(const fs::path& folder) {
  std::vector<Case> cases;
  for (const auto& entry : fs::directory_iterator(folder)) {
    Case each{.name = folder.filename().string() + "/" + entry.path().filename().string().substr(5),
              .folder = entry.path()};
    if (!each.read()) continue;
    const auto& nodes = each.model.graph().node();
    if (nodes.size() == 1 && is_part_only(nodes[0].op_type())) continue;
    if (std::all_of(nodes.begin(), nodes.end(), [](const auto& node) {
          return is_readable(node.op_type()) && node.domain().empty();
        }))
      cases.push_back(std::move(each));
  }
  std::ranges::sort(cases, {}, &Case::name);
  return cases;
}

std::map<std::string, Count> run_suite(const std::string& suite) {
  std::map<std::string, Count> counts;
  for (const Case& each : cases_of(kData / suite)) {
    Count& count = counts[group_of(each)];
    ++count.there;
    const Outcome outcome = run_all_ways(each);
    const bool passed = (outcome.at_run_time || outcome.at_import) && outcome.wrong.empty();
    const bool expected = !skipped().contains(each.name);
    EXPECT_EQ(passed, expected) << each.name << ": "
                                << (outcome.wrong.empty() ? outcome.refused : outcome.wrong);
    if (passed) ++(outcome.at_run_time ? count.at_run_time : count.at_import);
  }
  return counts;
}

class OnnxNodeCases : public testing::TestWithParam<const char*> {};

// The table stands in docs/onnx.md.
TEST_P(OnnxNodeCases, GiveTheirOutputs) {
  if (!fs::exists(kData)) GTEST_SKIP() << "libonnx-testdata is not installed";
  const std::string suite = GetParam();
  const std::string made = table(run_suite(suite));
  EXPECT_NE(bytes_of(UNDYING_ONNX_DOC).find(made), std::string::npos)
      << "docs/onnx.md has another table for " << suite << "; this is it:\n"
      << made;
}

// By hand: the cases of another version of ONNX, which tests/onnx/node_cases writes. None may give
// other outputs; those that are refused are named.
TEST(OnnxNodeCasesOfAFolder, GiveTheirOutputsOrAreRefused) {
  const char* folder = std::getenv("UNDYING_NODE_CASES");
  if (folder == nullptr) GTEST_SKIP() << "runs by hand: tests/onnx/node_cases";
  std::map<std::string, Count> counts;
  std::map<std::string, std::string> refused;
  for (const Case& each : cases_of(folder)) {
    const std::string group = group_of(each);
    const Outcome outcome = run_all_ways(each);
    const bool passed = (outcome.at_run_time || outcome.at_import) && outcome.wrong.empty();
    Count& count = counts[group];
    ++count.there;
    if (passed) ++(outcome.at_run_time ? count.at_run_time : count.at_import);
    if (!passed)
      refused[group] +=
          (refused[group].empty() ? "" : ", ") + each.name.substr(each.name.find('/') + 1);
    if (!outcome.wrong.empty())
      std::cout << "other outputs: " << each.name << ": " << outcome.wrong << "\n";
    if (!passed && outcome.wrong.empty()) std::cout << each.name << outcome.refused << "\n";
  }
  std::cout << table(counts);
  std::cout << "\n| operator | cases that do not pass |\n|---|---|\n";
  for (const auto& [group, names] : refused) std::cout << "| " << group << " | " << names << " |\n";
}

INSTANTIATE_TEST_SUITE_P(Suites, OnnxNodeCases,
                         testing::Values("node", "pytorch-converted", "pytorch-operator"),
                         [](const auto& suite) {
                           std::string name = suite.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace undying::onnx

// External data, functions and subgraphs that are damaged or hostile.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "onnx/test_model.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

using testing::HasSubstr;

TEST(OnnxRobustness, DeepNesting) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) {  // graph in attribute in node in graph ...
    const auto wrapped = [&](int field) {
      std::string length;
      for (std::size_t rest = bytes.size();; rest >>= 7) {
        length += static_cast<char>((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
        if (rest < 0x80) break;
      }
      bytes.insert(0, length);
      bytes.insert(0, 1, static_cast<char>(field << 3 | 2));
    };
    if (bytes.size() > 4000) break;
    wrapped(6);
    wrapped(5);
    wrapped(1);
  }
  EXPECT_EQ(code_of(std::string("\x3a") + static_cast<char>((bytes.size() & 0x7f) | 0x80) +
                    static_cast<char>(bytes.size() >> 7) + bytes),
            ErrorCode::kBadData);
}

TEST(OnnxRobustness, SubgraphsStringsAndOtherDomains) {
  TestModel branch;
  branch.input("x", {0, 2}).node("If", {"x"}, {"y"}).output("y");
  auto* attribute = branch.proto.mutable_graph()->mutable_node(0)->add_attribute();
  attribute->set_name("then_branch");
  attribute->set_type(pb::AttributeProto::GRAPH);
  EXPECT_THAT(branch.error(), HasSubstr("node y (If): has a branch of 0 outputs; expected 1"));
  // Without the name of its condition.
  attribute->mutable_g()->add_output()->set_name("x");
  auto* node = branch.proto.mutable_graph()->mutable_node(0);
  node->mutable_attribute()->Add()->CopyFrom(node->attribute(0));
  node->mutable_attribute(1)->set_name("else_branch");
  node->set_input(0, "");
  EXPECT_THAT(branch.error(), HasSubstr("lacks its condition"));
  TestModel loop;
  loop.input("x", {0, 2}).node("Loop", {"x"}, {"y"}).output("y");
  attribute = loop.proto.mutable_graph()->mutable_node(0)->add_attribute();
  attribute->set_name("body");
  attribute->set_type(pb::AttributeProto::GRAPH);
  EXPECT_THAT(loop.error(), HasSubstr("y (Loop): has a sub-graph"));
  TestModel foreign;
  foreign.input("x", {0, 2}).node("FusedGemm", {"x"}, {"y"}).output("y");
  foreign.proto.mutable_graph()->mutable_node(0)->set_domain("com.microsoft");
  EXPECT_THAT(foreign.error(), HasSubstr("com.microsoft.FusedGemm"));
}

TEST(OnnxRobustness, ExternalDataOutsideTheFolder) {
  TestModel model;
  model.input("x", {0, 1}).floats("w", {1, 1}).node("MatMul", {"x", "w"}, {"y"}).output("y");
  auto* tensor = model.proto.mutable_graph()->mutable_initializer(0);
  tensor->clear_float_data();
  tensor->set_data_location(pb::TensorProto::EXTERNAL);
  auto* entry = tensor->add_external_data();
  entry->set_key("location");
  for (const char* location :
       {"/etc/passwd", "../../../../../../etc/passwd", "a/../../passwd", ""}) {
    entry->set_value(location);
    EXPECT_THAT(model.error(), HasSubstr("tensor w")) << location;
  }
}

// Elementwise operations that double the size of a formula.
// Offsets beyond the file, a length that is not the shape's, a file that is not there, half of one.
TEST(OnnxRobustness, ExternalDataThatIsNotThere) {
  const auto error = [](const std::string& location, const std::string& offset,
                        const std::string& length) {
    TestModel model;
    model.input("x", {0, 2}).floats("w", {2, 4}).node("MatMul", {"x", "w"}, {"y"}).output("y");
    auto* tensor = model.proto.mutable_graph()->mutable_initializer(0);
    tensor->clear_raw_data();
    tensor->clear_float_data();
    tensor->set_data_location(pb::TensorProto::EXTERNAL);
    for (const auto& [key, value] :
         {std::pair{"location", location}, {"offset", offset}, {"length", length}}) {
      auto* entry = tensor->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    return model.error();
  };
  const auto data = test_path("weights.data");
  std::ofstream(data, std::ios::binary) << std::string(40, '\0');
  EXPECT_EQ(error("weights.data", "8", "32"), "");
  EXPECT_THAT(error("weights.data", "16", "32"),
              HasSubstr("takes 32 bytes from byte 16 of weights.data, which has 40"));
  EXPECT_THAT(error("weights.data", "9223372036854775807", "32"), HasSubstr("which has 40"));
  EXPECT_THAT(error("weights.data", "-1", "32"), HasSubstr("offset"));
  EXPECT_THAT(error("weights.data", "0", "16"), HasSubstr("its shape takes 32"));
  EXPECT_THAT(error("gone.data", "0", "32"), HasSubstr("which is not there"));
  EXPECT_THAT(error("../weights.data", "0", "32"), HasSubstr("stored in ../weights.data"));
  std::ofstream(data, std::ios::binary) << std::string(20, '\0');  // truncated
  EXPECT_THAT(error("weights.data", "0", "32"), HasSubstr("which has 20"));
}

// Functions of a model that call each other: their operators are of another domain, and none is
// expanded.
TEST(OnnxRobustness, FunctionsInACircle) {
  TestModel model;
  model.input("x", {0, 2}).node("f", {"x"}, {"y"}).output("y");
  model.proto.mutable_graph()->mutable_node(0)->set_domain("own");
  for (const auto& [name, calls] : {std::pair{"f", "g"}, {"g", "f"}}) {
    auto& function = *model.proto.add_functions();
    function.set_name(name);
    function.set_domain("own");
    function.add_input("a");
    function.add_output("b");
    auto& node = *function.add_node();
    node.set_op_type(calls);
    node.set_domain("own");
    node.add_input("a");
    node.add_output("b");
  }
  EXPECT_THAT(model.error(), HasSubstr("own.f"));
}

}  // namespace
}  // namespace undying::onnx

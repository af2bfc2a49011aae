#include "onnx/read/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "onnx/test_model.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

pb::TensorProto tensor(pb::TensorProto::DataType type, const std::vector<std::int64_t>& dims,
                       const std::string& raw = {}) {
  pb::TensorProto made;
  made.set_name("t");
  made.set_data_type(type);
  for (const std::int64_t extent : dims) made.add_dims(extent);
  if (!raw.empty()) made.set_raw_data(raw);
  return made;
}

pb::TensorProto outside(const std::string& location, std::int64_t offset = 0,
                        std::int64_t length = -1) {
  pb::TensorProto made = tensor(pb::TensorProto::FLOAT, {2});
  made.set_data_location(pb::TensorProto::EXTERNAL);
  const auto add = [&](const char* key, const std::string& value) {
    auto* entry = made.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  };
  add("location", location);
  add("offset", std::to_string(offset));
  if (length >= 0) add("length", std::to_string(length));
  return made;
}

std::string error_of(const pb::TensorProto& made, const fs::path& folder = {}) {
  try {
    TensorReader(folder).read(made, "t");
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(OnnxTensor, FloatTypesBecomeFloat32) {
  TensorReader reader({});
  EXPECT_THAT(
      reader
          .read(tensor(pb::TensorProto::FLOAT16, {4}, {"\x00\x3c\x00\xc0\x01\x00\xff\x7b", 8}), "t")
          ->floats,
      ElementsAre(1.0f, -2.0f, 0x1p-24f, 65504.0f));
  EXPECT_THAT(
      reader.read(tensor(pb::TensorProto::BFLOAT16, {2}, {"\x80\x3f\x00\xc0", 4}), "t")->floats,
      ElementsAre(1.0f, -2.0f));
  pb::TensorProto doubles = tensor(pb::TensorProto::DOUBLE, {1});
  doubles.add_double_data(0.1);
  EXPECT_THAT(reader.read(doubles, "t")->floats, ElementsAre(0.1f));
  EXPECT_THAT(reader.converted(),
              ElementsAre(testing::Pair("BFLOAT16", 1), testing::Pair("DOUBLE", 1),
                          testing::Pair("FLOAT16", 1)));
}

TEST(OnnxTensor, WhatIsDeclaredMustBeThere) {
  EXPECT_THAT(error_of(tensor(pb::TensorProto::FLOAT, {3}, "12345678")),
              HasSubstr("takes 3 elements; the file holds 2"));
  EXPECT_THAT(error_of(tensor(pb::TensorProto::FLOAT, {2}, "1234567")),
              HasSubstr("takes 2 elements"));
  EXPECT_THAT(error_of(tensor(pb::TensorProto::FLOAT, {1000000000})),
              HasSubstr("the file holds 0"));
  EXPECT_THAT(error_of(tensor(pb::TensorProto::FLOAT, {1 << 20, 1 << 20, 1 << 20, 1 << 20})),
              HasSubstr("absurdly large"));
  EXPECT_THAT(error_of(tensor(pb::TensorProto::FLOAT, {-1})), HasSubstr("negative"));
  EXPECT_THAT(error_of(tensor(pb::TensorProto::STRING, {1})), HasSubstr("STRING"));
  EXPECT_THAT(error_of(tensor(pb::TensorProto::UNDEFINED, {1})), HasSubstr("UNDEFINED"));
}

class External : public testing::Test {
 protected:
  External() : folder_(test_path("external")) {
    fs::create_directories(folder_ / "model" / "weights");
    std::ofstream(folder_ / "model" / "weights" / "data.bin", std::ios::binary)
        << std::string("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40", 12);
    std::ofstream(folder_ / "secret", std::ios::binary) << "12345678";
    fs::create_symlink("../secret", folder_ / "model" / "link");
    fs::create_symlink("..", folder_ / "model" / "up");
    fs::create_symlink("weights/data.bin", folder_ / "model" / "inside");
  }
  ~External() override { fs::remove_all(folder_); }
  std::string error(const pb::TensorProto& made) const { return error_of(made, folder_ / "model"); }

  fs::path folder_;
};

TEST_F(External, BesideTheModelIsRead) {
  TensorReader reader(folder_ / "model");
  EXPECT_THAT(reader.read(outside("weights/data.bin"), "t")->floats, ElementsAre(1.0f, 2.0f));
  TensorReader another(folder_ / "model");
  EXPECT_THAT(another.read(outside("inside", 4, 8), "t")->floats, ElementsAre(2.0f, 3.0f));
}

TEST_F(External, OutsideTheFolderIsRefused) {
  EXPECT_THAT(error(outside("../secret")), HasSubstr("leads out"));
  EXPECT_THAT(error(outside("weights/../../secret")), HasSubstr("leads out"));
  EXPECT_THAT(error(outside((folder_ / "secret").string())), HasSubstr("relative"));
  EXPECT_THAT(error(outside("link")), HasSubstr("leads out"));
  EXPECT_THAT(error(outside("up/secret")), HasSubstr("leads out"));
  EXPECT_THAT(error(outside("weights")), HasSubstr("not a regular file"));
  EXPECT_THAT(error(outside("missing")), HasSubstr("not there"));
  EXPECT_THAT(error(outside("")), HasSubstr("without a usable name"));
}

TEST_F(External, SizesAreCheckedAgainstTheFile) {
  EXPECT_THAT(error(outside("inside", 8)), HasSubstr("which has 12"));
  EXPECT_THAT(error(outside("inside", 0, 4)), HasSubstr("its shape takes 8"));
  EXPECT_THAT(error(outside("inside", std::numeric_limits<std::int64_t>::max())),
              HasSubstr("which has 12"));
  TensorReader reader(folder_ / "model");
  reader.read(outside("inside"), "t");
  EXPECT_THROW(reader.read(outside("inside"), "u"),
               Error);  // the same bytes again and again would take more than there are
}

TEST(OnnxRead, TheCostOfParsingIsKnownBefore) {
  pb::ModelProto many;
  for (int i = 0; i < 1000; ++i) many.mutable_graph()->add_node();
  EXPECT_GE(parsing_cost(many.SerializeAsString()), 200'000);
  EXPECT_EQ(parsing_cost("\x3a\x7f"), -1);  // a length beyond the end
  EXPECT_EQ(parsing_cost("\x3b"), -1);      // a group
  EXPECT_EQ(parsing_cost(std::string(12, '\xff')), -1);
}

}  // namespace
}  // namespace undying::onnx

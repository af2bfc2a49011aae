#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "data/test_files.h"
#include "undying/dataset.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::HasSubstr;

std::vector<std::uint32_t> bits(const std::vector<float>& values) {
  std::vector<std::uint32_t> found;
  for (const float value : values) found.push_back(std::bit_cast<std::uint32_t>(value));
  return found;
}

class Safetensors : public TestFiles {
 protected:
  std::filesystem::path write_raw(const std::string& header, std::size_t values) const {
    const std::uint64_t length = header.size();
    std::string content(8, '\0');
    std::memcpy(content.data(), &length, 8);
    return write("raw.safetensors", content + header + std::string(values * 4, '\0'));
  }
  void refuses(const std::string& header, std::size_t values, const char* message) const {
    const auto file = write_raw(header, values);
    EXPECT_THAT([&] { read_safetensors(file); },
                testing::ThrowsMessage<Error>(
                    testing::AllOf(HasSubstr("raw.safetensors"), HasSubstr(message))));
  }
};

TEST_F(Safetensors, WhatIsWrittenIsRead) {
  const std::vector<Tensor> tensors = {{"layer.0.weight", {2, 3}, {1, 2, 3, 4, 5, -0.0f}},
                                       {"layer.0.bias", {2}, {1e-45f, 3e38f}},
                                       {"empty", {0}, {}}};
  const auto file = folder_ / "t.safetensors";
  write_safetensors(file, tensors);
  const auto back = read_safetensors(file);
  ASSERT_EQ(back.size(), 3U);
  for (const Tensor& tensor : tensors) {
    const auto found = std::find_if(back.begin(), back.end(),
                                    [&](const Tensor& other) { return other.name == tensor.name; });
    ASSERT_NE(found, back.end());
    EXPECT_EQ(found->shape, tensor.shape);
    EXPECT_THAT(bits(found->values), testing::ElementsAreArray(bits(tensor.values)));
  }
}

// The bytes of a file by the format's specification.
TEST_F(Safetensors, ReadsAFileWrittenByHand) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  const std::uint64_t length = header.size();
  const float values[] = {1.5f, -2.0f};
  std::string content(8, '\0');
  std::memcpy(content.data(), &length, 8);
  content += header;
  content.append(reinterpret_cast<const char*>(values), 8);
  const auto tensors = read_safetensors(write("hand.safetensors", content));
  ASSERT_EQ(tensors.size(), 1U);
  EXPECT_EQ(tensors[0].values, (std::vector<float>{1.5f, -2.0f}));
}

TEST_F(Safetensors, BrokenFilesAreRefused) {
  refuses(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 3, "12 bytes");
  refuses(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 1, "disagree");
  refuses(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 2, "expected 0");
  refuses(
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      1, "overlap");
  refuses(
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
      2, "twice");
  refuses(R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}})", 1, "F32");
  refuses(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 1, "extents");
  refuses(R"({"a":{"dtype":"F32","shape":[1099511627775,1099511627775],"data_offsets":[0,4]}})", 1,
          "absurdly");
  refuses(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 1, "disagree");
  refuses(R"({"a":1})", 0, "expected dtype");
  refuses(R"([1])", 0, "JSON object");
  refuses(R"({"a":)", 0, "JSON object");
  EXPECT_THROW(read_safetensors(write("short", "abc")), Error);
  EXPECT_THROW(read_safetensors(write("huge", std::string(8, '\xff'))), Error);
  EXPECT_THROW(read_safetensors(folder_ / "missing"), Error);
}

TEST_F(Safetensors, UnwritableFileIsOneError) {
  EXPECT_THAT([&] { write_safetensors(folder_ / "no" / "such.safetensors", {}); },
              testing::ThrowsMessage<Error>(HasSubstr("such.safetensors")));
}

}  // namespace
}  // namespace undying

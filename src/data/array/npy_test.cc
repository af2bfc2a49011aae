#include "data/array/arrays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "data/test_files.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string npy(const std::string& header, const std::string& body, char version = 1) {
  std::string text = header + "\n";
  std::string content = std::string("\x93NUMPY") + version + '\0';
  content += static_cast<char>(text.size() & 255);
  content += static_cast<char>(text.size() >> 8);
  if (version > 1) content += std::string(2, '\0');
  return content + text + body;
}

std::string header(const std::string& type, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

template <class T>
std::string bytes_of(std::vector<T> values, bool swap = false) {
  std::string bytes;
  for (const T value : values) {
    std::string one(sizeof(T), '\0');
    std::memcpy(one.data(), &value, sizeof(T));
    if (swap) std::reverse(one.begin(), one.end());
    bytes += one;
  }
  return bytes;
}

TEST(Npy, ReadsEveryTypeOrderAndVersion) {
  EXPECT_THAT(parse_npy(npy(header("<f4", "(3,)"), bytes_of<float>({1, -2, 0.5f})), "x").values,
              ElementsAre(1, -2, 0.5));
  EXPECT_THAT(
      parse_npy(npy(header(">f8", "(2,)"), bytes_of<double>({1e300, -2}, true)), "x").values,
      ElementsAre(1e300, -2));
  EXPECT_THAT(
      parse_npy(npy(header(">i2", "(2,)"), bytes_of<std::int16_t>({-300, 7}, true), 2), "x").values,
      ElementsAre(-300, 7));
  EXPECT_THAT(
      parse_npy(npy(header("<u4", "(1,)"), bytes_of<std::uint32_t>({4000000000U}), 3), "x").values,
      ElementsAre(4e9));
  EXPECT_THAT(parse_npy(npy(header("|u1", "(2,)"), bytes_of<std::uint8_t>({255, 3})), "x").raw,
              ElementsAre(255, 3));
  EXPECT_TRUE(parse_npy(npy(header("<i8", "(1,)"), bytes_of<std::int64_t>({5})), "x").integers);
}

// The array [[0, 1, 2], [3, 4, 5]], column by column.
TEST(Npy, FortranOrderIsTurned) {
  EXPECT_THAT(
      parse_npy(npy(header("<f4", "(2, 3)", true), bytes_of<float>({0, 3, 1, 4, 2, 5})), "x")
          .values,
      ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, WrongFilesAreRefusedByName) {
  const auto refuses = [](const std::string& content, const char* message) {
    EXPECT_THAT(
        [&] { parse_npy(content, "file.npy"); },
        testing::ThrowsMessage<Error>(testing::AllOf(HasSubstr("file.npy"), HasSubstr(message))));
  };
  refuses("", "NPY");
  refuses("PK\x03\x04 something else", "NPY");
  refuses(npy(header("|O", "(1,)"), "x"), "'|O'");
  refuses(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "xxxx"),
          "structured");
  refuses(npy(header("<f4", "(3,)"), "1234"), "12");
  refuses(npy(header("<f4", "(3,)"), std::string(16, 'x')), "16 bytes");
  refuses(npy(header("<f4", "(999999999999999999999,)"), ""), "absurd");
  refuses(npy(header("<f4", "(99999999, 99999999)"), ""), "more values");
  refuses(npy(header("<f4", "(-3,)"), ""), "character");
  refuses(npy("{'descr': '<f4', 'shape': (1,), }", "1234"), "fortran_order");
  refuses(npy(header("<f4", "(1,)"), "1234", 9), "version 9");
  refuses(npy(header("<f4", "(1,)"), "1234").substr(0, 20), "header");
}

class NpyFiles : public TestFiles {};

TEST_F(NpyFiles, PairOfFilesIsADataSet) {
  std::vector<float> x(24);
  for (std::size_t i = 0; i < 24; ++i) x[i] = static_cast<float>(i);
  const auto x_file = write("X.npy", npy(header("<f4", "(12, 2)"), bytes_of(x)));
  const auto y_file = write(
      "Y.npy",
      npy(header("<i8", "(12,)"), bytes_of<std::int64_t>({0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2})));
  const Split split = open_dataset("npy:" + x_file.string() + "," + y_file.string());
  EXPECT_EQ(split.train->classes, 3);
  EXPECT_EQ(split.train->size, 10);
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_EQ(split.test->values[2 * i], 2.0f * static_cast<float>(split.test->rows[i]));
  const auto targets =
      write("T.npy", npy(header("<f8", "(12, 1)"), bytes_of(std::vector<double>(12, 0.25))));
  EXPECT_EQ(open_dataset("npy:" + x_file.string() + "," + targets.string()).train->outputs, 1);
  const auto negative =
      write("N.npy", npy(header("<i8", "(12,)"), bytes_of(std::vector<std::int64_t>(12, -1))));
  EXPECT_THAT([&] { open_dataset("npy:" + x_file.string() + "," + negative.string()); },
              testing::ThrowsMessage<Error>(HasSubstr("-1")));
  const auto few =
      write("F.npy", npy(header("<i8", "(2,)"), bytes_of(std::vector<std::int64_t>(2))));
  EXPECT_THAT([&] { open_dataset("npy:" + x_file.string() + "," + few.string()); },
              testing::ThrowsMessage<Error>(HasSubstr("2 entries")));
}

std::string little(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

// A zip file of stored members, written by the book (APPNOTE 4.3).
std::string zip(const std::vector<std::pair<std::string, std::string>>& members,
                std::uint32_t declared_growth = 0, std::uint32_t wrong_checksum = 0) {
  std::string body;
  std::string directory;
  for (const auto& [name, content] : members) {
    const auto size = static_cast<std::uint32_t>(content.size());
    const auto checksum =
        static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(content.data()), size)) ^
        wrong_checksum;
    const std::string common = little(20, 2) + little(0, 2) + little(0, 2) + little(0, 4) +
                               little(checksum, 4) + little(size, 4) +
                               little(size + declared_growth, 4) +
                               little(static_cast<std::uint32_t>(name.size()), 2) + little(0, 2);
    directory += "PK\x01\x02" + little(20, 2) + common + little(0, 2) + little(0, 2) +
                 little(0, 2) + little(0, 4) + little(static_cast<std::uint32_t>(body.size()), 4) +
                 name;
    body += "PK\x03\x04" + common + name + content;
  }
  const auto count = static_cast<std::uint32_t>(members.size());
  return body + directory + "PK\x05\x06" + little(0, 4) + little(count, 2) + little(count, 2) +
         little(static_cast<std::uint32_t>(directory.size()), 4) +
         little(static_cast<std::uint32_t>(body.size()), 4) + little(0, 2);
}

TEST_F(NpyFiles, NpzWithTestPart) {
  const std::string x = npy(header("<f4", "(2, 1)"), bytes_of<float>({1, 2}));
  const std::string y = npy(header("<i4", "(2,)"), bytes_of<std::int32_t>({0, 1}));
  const auto file = write(
      "d.npz", zip({{"x_train.npy", x}, {"y_train.npy", y}, {"x_test.npy", x}, {"y_test.npy", y}}));
  const Split split = open_dataset("npz:" + file.string());
  EXPECT_EQ(split.train->size, 2);
  EXPECT_EQ(split.test->size, 2);
}

TEST_F(NpyFiles, PartsOfDifferentShapesAreRefused) {
  const std::string y = npy(header("<i4", "(2,)"), bytes_of<std::int32_t>({0, 1}));
  const auto refuses = [&](const std::string& train, const std::string& test) {
    const auto array = [](const std::string& shape) {
      return npy(header("<f4", shape), bytes_of(std::vector<float>(12)));
    };
    const auto file = write("d.npz", zip({{"x_train.npy", array(train)},
                                          {"y_train.npy", y},
                                          {"x_test.npy", array(test)},
                                          {"y_test.npy", y}}));
    EXPECT_THAT([&] { open_dataset("npz:" + file.string()); }, testing::Throws<Error>())
        << train << test;
  };
  refuses("(2, 6)", "(2, 2, 3)");
  refuses("(2, 2, 3)", "(2, 3, 2)");
  refuses("(2, 6)", "(6, 2)");
}

TEST_F(NpyFiles, GzippedFilesAreRead) {
  const std::string x = npy(header("<f4", "(2, 1)"), bytes_of<float>({1, 2}));
  const std::string y = npy(header("<i4", "(2,)"), bytes_of<std::int32_t>({0, 1}));
  const std::string names =
      write("X.npy.gz", gzip(x)).string() + "," + write("Y.npy.gz", gzip(y)).string();
  EXPECT_THAT(open_dataset("npy:" + names, {.rule = {.share = 0.0}}).train->values,
              ElementsAre(1, 2));
}

// Ten classes, of which these examples have two.
TEST_F(NpyFiles, ANetworkMayKnowMoreClassesThanItIsShown) {
  const std::string x = npy(header("<f4", "(2, 1)"), bytes_of<float>({1, 2}));
  const std::string y = npy(header("<i4", "(2,)"), bytes_of<std::int32_t>({3, 1}));
  const auto file = write("d.npz", zip({{"X.npy", x}, {"y.npy", y}}));
  const Split split =
      open_dataset("npz:" + file.string(),
                   {.rule = {.share = 0.0},
                    .network = NetworkInterface{.inputs = {{.name = "x", .shape = {1}}},
                                                .outputs = {{.name = "y", .width = 10}}}});
  EXPECT_EQ(split.train->classes, 10);
  EXPECT_THAT(split.train->labels, ElementsAre(3, 1));
}

TEST_F(NpyFiles, NpzOfBytesAndNumbersIsRefused) {
  const std::string bytes = npy(header("|u1", "(2, 1, 1)"), bytes_of<std::uint8_t>({1, 2}));
  const std::string numbers = npy(header("<f4", "(2, 1, 1)"), bytes_of<float>({1, 2}));
  const std::string y = npy(header("<i4", "(2,)"), bytes_of<std::int32_t>({0, 1}));
  const auto file = write("d.npz", zip({{"x_train.npy", bytes},
                                        {"y_train.npy", y},
                                        {"x_test.npy", numbers},
                                        {"y_test.npy", y}}));
  EXPECT_THAT([&] { open_dataset("npz:" + file.string()); },
              testing::ThrowsMessage<Error>(HasSubstr("bytes for training")));
}

TEST_F(NpyFiles, DamagedNpzIsRefused) {
  const std::string x = npy(header("<f4", "(2, 1)"), bytes_of<float>({1, 2}));
  const auto refuses = [&](const std::string& content, const char* message) {
    const auto file = write("bad.npz", content);
    EXPECT_THAT([&] { open_dataset("npz:" + file.string()); },
                testing::ThrowsMessage<Error>(HasSubstr(message)));
  };
  refuses("nothing", "not a zip");
  refuses(zip({{"x.npy", x}}, 0, 1), "checksum");
  refuses(zip({{"data.npy", x}, {"w.npy", x}}), "it has data, w");
  refuses(zip({{"x.npy", x}}, 4'000'000'000U), "declares");
  refuses(zip({{"x.npy", x}}, static_cast<std::uint32_t>(-4)),
          "declares");  // stored, but not as long as it says
  refuses(zip({{"other.npy", x}}), "no arrays X and y");
  const std::string good = zip({{"x.npy", x}});
  for (std::size_t cut = 1; cut < good.size(); cut += 7)
    EXPECT_THROW(unzip(good.substr(cut), "bad", 1 << 20), Error);
}

}  // namespace
}  // namespace undying::data

#include "data/named.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/array/test_npz.h"
#include "data/test_files.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Floats = std::vector<float>;
using Longs = std::vector<std::int64_t>;

// An image and a list of token ids in; classes and a value out.
const NetworkInterface kNetwork{.inputs = {{"image", {1, 2}}, {"tokens", {2}, true, 10}},
                                .outputs = {{"policy", 3}, {"value", 1}}};

class Named : public TestFiles {
 protected:
  Split open(const std::vector<std::pair<std::string, std::string>>& members,
             const NetworkInterface& network = kNetwork) const {
    return open_dataset("npz:" + write("d.npz", npz_of(members)).string(),
                        {.rule = {.share = 0.0}, .network = network});
  }
  std::string error(const std::vector<std::pair<std::string, std::string>>& members,
                    const NetworkInterface& network = kNetwork) const {
    try {
      open(members, network);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  Split table(const std::string& content, const NetworkInterface& network = kNetwork,
              const std::string& options = "") const {
    return open_dataset(
        "csv:" + write("d.csv", content).string() + options,
        {.normalize = Normalize::kUnit, .rule = {.share = 0.0}, .network = network});
  }
};

const std::string kImage = npy_of({2, 1, 2}, Floats{1, 2, 3, 4});
const std::string kTokens = npy_of({2, 2}, Longs{5, 6, 7, 8});

TEST_F(Named, InputsAndTargetsGoByTheirNames) {
  const Split split = open({{"tokens", kTokens},
                            {"value", npy_of({2}, Floats{0.5, -1})},
                            {"image", kImage},
                            {"policy", npy_of({2}, Longs{2, 0})}});
  EXPECT_THAT(split.train->shape, ElementsAre(4));
  EXPECT_THAT(split.train->values, ElementsAre(1, 2, 5, 6, 3, 4, 7, 8));
  ASSERT_EQ(split.train->parts.size(), 2u);
  EXPECT_EQ(split.train->parts[0].name, "policy");
  EXPECT_EQ(split.train->parts[0].classes, 3);
  EXPECT_EQ(split.train->parts[1].first, 1);
  EXPECT_THAT(split.train->targets, ElementsAre(2, 0.5, 0, -1));
  EXPECT_EQ(split.train->outputs, 2);
  const Dataset classes = targets_alone(*split.train, 0, 1, 3);
  EXPECT_THAT(classes.labels, ElementsAre(2, 0));
}

TEST_F(Named, OneOutputWithTargetsIsAsIfThereWereNoOther) {
  const Split split =
      open({{"tokens", kTokens}, {"image", kImage}, {"policy", npy_of({2}, Longs{2, 1})}});
  EXPECT_EQ(split.train->target, "policy");
  EXPECT_EQ(split.train->classes, 3);
  EXPECT_TRUE(split.train->parts.empty());
}

TEST_F(Named, InputsMayGoWithoutTargetsAndByTheirPlaces) {
  const Split split = open({{"x1", kTokens}, {"x", kImage}});
  EXPECT_THAT(split.train->values, ElementsAre(1, 2, 5, 6, 3, 4, 7, 8));
  EXPECT_EQ(split.train->classes + split.train->outputs, 0);
}

// A network that is used needs no targets.
TEST_F(Named, XAloneIsRead) {
  const NetworkInterface one{.inputs = {{"image", {1, 2}}}, .outputs = {{"policy", 3}}};
  for (const char* name : {"X", "x"})
    EXPECT_THAT(open({{name, kImage}}, one).train->values, ElementsAre(1, 2, 3, 4));
}

TEST_F(Named, PartsForTestingStandBeside) {
  const auto y = npy_of({2}, Longs{2, 1});
  const Split split = open({{"tokens_train", kTokens},
                            {"image_train", kImage},
                            {"policy_train", y},
                            {"tokens_test", npy_of({1, 2}, Longs{1, 2})},
                            {"image_test", npy_of({1, 1, 2}, Floats{8, 9})},
                            {"policy_test", npy_of({1}, Longs{1})}});
  EXPECT_EQ(split.train->size, 2);
  EXPECT_THAT(split.test->values, ElementsAre(8, 9, 1, 2));
}

TEST_F(Named, WhatIsWrongIsNamed) {
  EXPECT_THAT(error({{"policy", npy_of({2}, Longs{2, 0})}}),
              HasSubstr("no array for the inputs image, tokens"));
  EXPECT_THAT(error({{"image", kImage}, {"tokens", kTokens}, {"image_test", kImage}}),
              HasSubstr("no test array for the input tokens"));
  EXPECT_THAT(error({{"image", kImage}}),
              AllOf(HasSubstr("d.npz"), HasSubstr("no array for the input tokens"),
                    HasSubstr("it has image")));
  EXPECT_THAT(
      error({{"image", kImage}, {"tokens", npy_of({2, 2}, Floats{5, 6, 7.5, 8})}}),
      AllOf(HasSubstr("tokens.npy"), HasSubstr("is 7.5 in example 1"), HasSubstr("whole numbers")));
  EXPECT_THAT(error({{"image", kImage}, {"tokens", npy_of({3, 2}, Longs{1, 2, 3, 4, 5, 6})}}),
              HasSubstr("has 3 examples; the first input has 2"));
  EXPECT_THAT(error({{"image", npy_of({2, 3}, Floats{1, 2, 3, 4, 5, 6})}, {"tokens", kTokens}}),
              AllOf(HasSubstr("examples of shape 3"), HasSubstr("takes 1 x 2")));
  EXPECT_THAT(error({{"image", kImage},
                     {"tokens", kTokens},
                     {"policy", npy_of({2}, Longs{3, 0})},
                     {"value", npy_of({2}, Floats{0.5, 0})}}),
              AllOf(HasSubstr("4 classes"), HasSubstr("output policy has 3")));
  NetworkInterface chosen = kNetwork;
  chosen.chosen = true;
  EXPECT_THAT(
      error({{"image", kImage}, {"tokens", kTokens}, {"policy", npy_of({2}, Longs{2, 0})}}, chosen),
      HasSubstr("no array value"));
}

TEST_F(Named, ColumnsGoByTheirNames) {
  const Split split = table(
      "tokens_0,tokens_1,value,image_0,image_1,policy\n5,6,0.5,1,2,2\n7,8,-1,3,4,0\n1,1,3,1,1,1\n",
      kNetwork, ":label=policy");
  EXPECT_THAT(split.train->columns, ElementsAre("image_0", "image_1", "tokens_0", "tokens_1"));
  EXPECT_THAT(Floats(split.train->values.begin(), split.train->values.begin() + 4),
              ElementsAre(1, 2, 5, 6));
  ASSERT_EQ(split.train->parts.size(), 2u);
  EXPECT_THAT(split.train->targets, ElementsAre(2, 0.5, 0, -1, 1, 3));
}

TEST_F(Named, ColumnsWithoutSuchNamesGoInTheirOrder) {
  const Split split =
      table("a,b,c,d,y\n1,2,5,6,0.5\n3,4,7,8,1.5\n5,6,7,8,2.25\n", kNetwork, ":target=y");
  EXPECT_THAT(Floats(split.train->values.begin(), split.train->values.begin() + 4),
              ElementsAre(1, 2, 5, 6));
  EXPECT_THAT(split.reading.remarks, testing::Contains(HasSubstr("in their order")));
  EXPECT_THAT([&] { table("a,b,c,y\n1,2,5,0.5\n3,4,7,1.5\n3,4,7,2.5\n", kNetwork, ":target=y"); },
              testing::ThrowsMessage<Error>(
                  AllOf(HasSubstr("3 columns"), HasSubstr("image (2), tokens (2)"))));
  EXPECT_THAT(
      [&] { table("image_0,b,c,y\n1,2,5,0.5\n3,4,7,1.5\n3,4,7,2.5\n", kNetwork, ":target=y"); },
      testing::ThrowsMessage<Error>(HasSubstr("1 columns for the input image")));
}

}  // namespace
}  // namespace undying::data

#include "cli/flags/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "undying/error.h"

namespace undying::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ParseActivations, CommasSeparateItemsOnlyBeforeLetters) {
  const auto found = parse_activations("--activations", "relu,rrelu:0.1,0.3,leaky_relu:-0.5,elu");
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[1], Activation("rrelu:0.1,0.3"));
  EXPECT_EQ(found[2], Activation("leaky_relu:-0.5"));
}

TEST(ParseActivations, EmptyItemsAndUnknownNamesAreErrors) {
  for (const char* text : {"", "relu,", ",relu", "relu,,elu", "relu,lekay_relu", "leaky_relu:x",
                           "leaky_relu:0.1,0.2", "leaky_relu:nan"})
    EXPECT_THROW(parse_activations("--activations", text), Error) << text;
  EXPECT_THAT([] { parse_activations("--activations", "lekay_relu"); },
              testing::ThrowsMessage<Error>(HasSubstr("leaky_relu")));
}

TEST(ParseNumbers, WholeTextWithinTheRangeOrAnError) {
  EXPECT_EQ(parse_integer("--batch", "128", 1, 1000), 128);
  EXPECT_EQ(parse_real("--lr", "1e-4", 0.0, 1.0), 1e-4);
  for (const char* text : {"", "x", "1x", " 1", "1.5", "-1", "0", "1001", "99999999999999999999"})
    EXPECT_THAT([&] { parse_integer("--batch", text, 1, 1000); },
                testing::ThrowsMessage<Error>(AllOf(HasSubstr("--batch"), HasSubstr("1..1000"))))
        << text;
  for (const char* text : {"", "nan", "inf", "-0.1", "1e400", "0,1"})
    EXPECT_THROW(parse_real("--lr", text, 0.0, 1.0), Error) << text;
}

TEST(Nearest, FindsTypingErrorsAndNothingFarAway) {
  const std::vector<std::string> flags = {"--batch", "--epochs", "--seed", "--seeds"};
  EXPECT_EQ(nearest("--bacth", flags), "--batch");
  EXPECT_EQ(nearest("--epoch", flags), "--epochs");
  EXPECT_EQ(nearest("--completely-else", flags), "");
  EXPECT_EQ(nearest("--ba", flags), "--batch");
  EXPECT_EQ(nearest("so", {"softplus"}), "");
  EXPECT_EQ(nearest("soft", {"softmax-cross-entropy", "softplus"}), "softplus");
}

TEST(Parse, BytesWithAUnit) {
  EXPECT_EQ(parse_bytes("--memory", "4096"), 4096);
  EXPECT_EQ(parse_bytes("--memory", "1.5G"), 1'500'000'000);
  EXPECT_EQ(parse_bytes("--memory", "20m"), 20'000'000);
  for (const char* text : {"", "G", "0", "-1M", "1GB", "nan", "1e30"})
    EXPECT_THAT([&] { parse_bytes("--memory", text); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("--memory")))
        << text;
}

}  // namespace
}  // namespace undying::cli

#include "data/stream/streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "undying/error.h"

namespace undying {
namespace {

using data::Permuted;

std::vector<float> row(const Dataset& data, std::int64_t i) {
  const auto first = data.values.begin() + i * data.features();
  return {first, first + data.features()};
}

TEST(SlowlyChanging, OneOfFifteenBitsFlipsEveryPeriod) {
  const auto stream = data::slowly_changing_stream(3, 500);
  int flips = 0;
  for (const std::int64_t stretch : {0, 7}) {
    const auto part = stream->read(stretch);
    ASSERT_EQ(part->size, 20'000);
    validate(*part);
    for (std::int64_t i = 1; i < part->size; ++i) {
      int changed = 0;
      for (std::size_t bit = 0; bit < 15; ++bit)
        changed += row(*part, i)[bit] != row(*part, i - 1)[bit];
      EXPECT_EQ(changed, i % 500 == 0 ? 1 : 0) << i;
      flips += changed;
    }
  }
  EXPECT_EQ(flips, 2 * 39);
}

TEST(SlowlyChanging, StretchesJoinWithoutASeam) {
  const auto stream = data::slowly_changing_stream(3, 30'000);
  const auto first = stream->read(0);
  const auto second = stream->read(1);
  int changed = 0;  // the flip comes in the middle of the second stretch
  for (std::size_t bit = 0; bit < 15; ++bit)
    changed += row(*first, 19'999)[bit] != row(*second, 0)[bit];
  EXPECT_EQ(changed, 0);
  for (std::size_t bit = 0; bit < 15; ++bit)
    changed += row(*second, 9'999)[bit] != row(*second, 10'000)[bit];
  EXPECT_EQ(changed, 1);
}

// The target is a function of the bits, the same throughout, of sums of at most 100 outputs of +-1.
TEST(SlowlyChanging, TargetsAreAFixedFunctionOfTheBits) {
  const auto stream = data::slowly_changing_stream(3, 200);
  std::map<std::vector<float>, float> targets;
  std::size_t again = 0;
  for (const std::int64_t stretch : {0, 1, 2}) {
    const auto part = stream->read(stretch);
    for (std::int64_t i = 0; i < part->size; ++i) {
      const float target = part->targets[static_cast<std::size_t>(i)];
      EXPECT_EQ(target, std::round(target));
      EXPECT_LE(std::fabs(target), 100.0f);
      const auto [found, fresh] = targets.emplace(row(*part, i), target);
      EXPECT_EQ(found->second, target);
      again += fresh ? 0 : 1;
    }
  }
  EXPECT_GT(again, 1000U);
}

TEST(SlowlyChanging, TheDataSetIsTheStreamsFirstHundredThousand) {
  const Split split = data::slowly_changing(5);
  const auto stream = data::slowly_changing_stream(5, 10'000);
  ASSERT_EQ(split.train->size, 100'000);
  const auto part = stream->read(4);
  for (const std::int64_t i : {0, 777, 19'999}) {
    EXPECT_EQ(row(*part, i), row(*split.train, 80'000 + i));
    EXPECT_EQ(part->targets[static_cast<std::size_t>(i)],
              split.train->targets[static_cast<std::size_t>(80'000 + i)]);
  }
  EXPECT_EQ(row(*stream->redraw(9)->read(0), 3),
            row(*data::slowly_changing_stream(9, 10'000)->read(0), 3));
}

std::shared_ptr<const Dataset> small_images() {
  Dataset data{.name = "small", .size = 30, .shape = {3, 2, 2}, .classes = 5};
  for (int i = 0; i < 30 * 12; ++i) data.bytes.push_back(static_cast<std::uint8_t>(i * 7 % 251));
  for (int i = 0; i < 30; ++i) data.labels.push_back(i % 5);
  return std::make_shared<Dataset>(data);
}

// Of the images of a task, where each stood in the base; by its sorted first channel.
std::vector<std::uint8_t> sorted_channel(const Dataset& data, std::int64_t i, int channel) {
  const auto first = data.bytes.begin() + i * 12 + channel * 4;
  std::vector<std::uint8_t> bytes(first, first + 4);
  std::ranges::sort(bytes);
  return bytes;
}

TEST(Permuted, InputsMoveTheSameWayInEveryExampleAndChannelOfATask) {
  const auto base = small_images();
  const auto stream = data::permuted_stream(base, "small", Permuted::kInputs, 1);
  std::vector<std::vector<std::size_t>> ways;
  for (const std::int64_t index : {0, 1, 5}) {
    const auto task = stream->read(index);
    validate(*task);
    std::vector<std::size_t> way;
    std::vector<bool> used(30);
    for (std::int64_t i = 0; i < 30; ++i) {
      std::int64_t from = 0;
      while (sorted_channel(*base, from, 0) != sorted_channel(*task, i, 0)) ++from;
      used[static_cast<std::size_t>(from)] = true;
      EXPECT_EQ(task->labels[static_cast<std::size_t>(i)],
                base->labels[static_cast<std::size_t>(from)]);
      for (int channel = 0; channel < 3; ++channel) {
        std::vector<std::size_t> here;
        for (int place = 0; place < 4; ++place) {
          const auto begin = base->bytes.begin() + from * 12 + channel * 4;
          here.push_back(static_cast<std::size_t>(
              std::find(begin, begin + 4,
                        task->bytes[static_cast<std::size_t>(i * 12 + channel * 4 + place)]) -
              begin));
        }
        if (way.empty()) way = here;
        EXPECT_EQ(here, way);
      }
    }
    EXPECT_TRUE(std::ranges::all_of(used, [](bool each) { return each; }));
    ways.push_back(way);
  }
  EXPECT_NE(ways[0], ways[2]);
  EXPECT_EQ(stream->read(1)->bytes, stream->read(1)->bytes);
}

TEST(Permuted, LabelsAreExchangedOneForOne) {
  const auto base = small_images();
  const auto task = data::permuted_stream(base, "small", Permuted::kLabels, 1)->read(2);
  std::map<std::int32_t, std::int32_t> exchanged;
  for (std::int64_t i = 0; i < 30; ++i) {
    std::int64_t from = 0;
    while (sorted_channel(*base, from, 0) != sorted_channel(*task, i, 0)) ++from;
    const auto [found, fresh] = exchanged.emplace(base->labels[static_cast<std::size_t>(from)],
                                                  task->labels[static_cast<std::size_t>(i)]);
    EXPECT_EQ(found->second, task->labels[static_cast<std::size_t>(i)]);
  }
  EXPECT_EQ(exchanged.size(), 5U);
}

TEST(Stream, OfADataSetGoesThroughItInOrder) {
  Dataset all{.name = "all", .size = 45'000, .shape = {2}, .outputs = 1};
  for (int i = 0; i < 45'000; ++i) {
    all.values.insert(all.values.end(), {static_cast<float>(i), static_cast<float>(-i)});
    all.targets.push_back(static_cast<float>(2 * i));
  }
  const auto stream = data::ordered_stream(std::make_shared<Dataset>(all), "all");
  EXPECT_EQ(stream->examples, 45'000);
  const auto last = stream->read(2);
  ASSERT_EQ(last->size, 5'000);
  EXPECT_EQ(last->values[1], -40'000.0f);
  EXPECT_EQ(last->targets[4'999], 2.0f * 44'999.0f);
}

TEST(Stream, NotationIsRefusedWithTheFormsThereAre) {
  for (const char* text : {"stream:nothing", "stream:permuted", "stream:slowly-changing:x",
                           "stream:slowly-changing:0", "stream:npz"}) {
    try {
      open_dataset(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("expected")) << text;
    }
  }
  EXPECT_EQ(open_dataset("stream:slowly-changing:500").stream->name, "slowly-changing:500");
}

}  // namespace
}  // namespace undying

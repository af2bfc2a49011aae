// Times the preparation of training images on one core: batches in random order, plain and
// augmented; medians and spreads.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "base/philox.h"
#include "data/image/augment.h"

namespace undying::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRounds = 300;

struct Problem {
  std::vector<std::int64_t> shape;
  std::int64_t images;
  std::size_t batch;
};

Dataset make_images(const Problem& problem) {
  Dataset data{.name = "images", .size = problem.images, .shape = problem.shape, .classes = 2};
  data.bytes.resize(static_cast<std::size_t>(data.size * data.features()));
  for (std::size_t i = 0; i < data.bytes.size(); ++i)
    data.bytes[i] = static_cast<std::uint8_t>(1 + i * 7 % 255);
  return data;
}

std::vector<std::uint32_t> draw_batch(const Problem& problem, std::size_t round) {
  const Random random(2, Stream::kTest, static_cast<std::uint32_t>(round));
  std::vector<std::uint32_t> batch(problem.batch);
  for (std::size_t i = 0; i < batch.size(); ++i)
    batch[i] =
        static_cast<std::uint32_t>(random.below(i, static_cast<std::uint64_t>(problem.images)));
  return batch;
}

// Without augmentation nothing changes; with it something does, and no image has more blanks than a
// draw can make.
bool verify(const Dataset& data, const Augmentation& augmentation,
            const std::vector<std::uint32_t>& batch) {
  const auto width = static_cast<std::size_t>(data.features());
  std::vector<float> plain(batch.size() * width);
  std::vector<float> changed(plain.size());
  gather(data, batch, plain.data());
  data::gather_augmented(data, augmentation, Random(1, Stream::kAugmentation), batch,
                         changed.data());
  if (!augmentation.any()) return plain == changed;
  const auto blanks = static_cast<std::int64_t>(std::count(changed.begin(), changed.end(), 0.0f));
  const std::int64_t rim = augmentation.crop * (data.shape[1] + data.shape[2]);
  const std::int64_t square = static_cast<std::int64_t>(augmentation.cutout) * augmentation.cutout;
  return blanks <= static_cast<std::int64_t>(batch.size()) * data.channels() * (rim + square) &&
         plain != changed;
}

void time_problem(const Problem& problem, const Dataset& data, const Augmentation& augmentation) {
  std::vector<float> dst(problem.batch * static_cast<std::size_t>(data.features()));
  std::vector<double> nanoseconds;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const std::vector<std::uint32_t> batch = draw_batch(problem, round);
    const auto start = Clock::now();
    if (augmentation.any()) {
      data::gather_augmented(data, augmentation, Random(1, Stream::kAugmentation), batch,
                             dst.data());
    } else {
      gather(data, batch, dst.data());
    }
    nanoseconds.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count() /
                          static_cast<double>(problem.batch));
  }
  std::sort(nanoseconds.begin(), nanoseconds.end());
  fmt::print("{} x {} x {}  {:<24} {:9.0f} ns an image ({:.0f} to {:.0f})\n", data.shape[0],
             data.shape[1], data.shape[2], augmentation.specification(), nanoseconds[kRounds / 2],
             nanoseconds[kRounds / 10], nanoseconds[kRounds * 9 / 10]);
}

int run() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    fmt::print("{}; medians, and the tenth and ninetieth of a hundred\n",
               line.substr(line.find(':') + 2));
    break;
  }
  for (const Problem& problem : {Problem{{1, 28, 28}, 60000, 128}, Problem{{3, 32, 32}, 50000, 128},
                                 Problem{{3, 224, 224}, 500, 32}}) {
    const Dataset data = make_images(problem);
    for (const char* text : {"none", "flip", "crop", "flip,crop", "flip,crop,cutout"}) {
      const Augmentation augmentation = parse_augmentation(text);
      if (!verify(data, augmentation, draw_batch(problem, 0))) {
        std::fputs("error: augmented images are wrong\n", stderr);
        return 1;
      }
      time_problem(problem, data, augmentation);
    }
  }
  return 0;
}

}  // namespace
}  // namespace undying::bench

int main() { return undying::bench::run(); }

#include "base/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace undying {
namespace {

TEST(Buffer, IsZeroedAlignedAndWritableWhateverItsSize) {
  for (const std::size_t size :
       {1UL, 1000UL, (1UL << 19) - 1, 1UL << 19, (1UL << 19) + 1, 3UL << 20}) {
    Buffer<float> buffer(size);
    ASSERT_EQ(buffer.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % kAlignment, 0U);
    EXPECT_TRUE(std::ranges::all_of(buffer.span(), [](float value) { return value == 0.0f; }))
        << size;
    std::ranges::fill(buffer.span(), 1.0f);
    const Buffer<float> moved = std::move(buffer);
    EXPECT_EQ(moved[size - 1], 1.0f);
  }
}

TEST(Buffer, OfNothingHoldsNothing) { EXPECT_EQ(Buffer<double>(0).data(), nullptr); }

}  // namespace
}  // namespace undying

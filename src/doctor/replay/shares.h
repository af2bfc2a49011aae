#ifndef UNDYING_DOCTOR_REPLAY_SHARES_H_
#define UNDYING_DOCTOR_REPLAY_SHARES_H_

#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

// How much of a change each of several parts has made, so that the parts add up to it.
namespace undying::doctor {

// What a unit's pre-activation is made of.
enum class Part { kBias, kWeights, kBelow, kStatistics };
inline constexpr std::size_t kParts = 4;
inline constexpr std::array<std::string_view, kParts> kPartNames = {"bias", "weights", "below",
                                                                    "statistics"};

// By part, in the units of the pre-activation; empty: the unit has no such part.
using Shares = std::array<std::optional<double>, kParts>;

// Shapley values: value(set) is what stands where the players of `set` (bit i: player i) have made
// their move and the others have not; a player's share is what the value moves as it makes its
// move, averaged over all orders in which they may. The shares add up to value(all) - value(none).
std::vector<double> shapley(int players, const std::function<double(unsigned)>& value);

enum class Cause { kBias, kWeights, kBelow, kStatistics, kMixed };
std::string_view name(Cause cause);

// Of the change: below it the largest share is not clear of the next.
inline constexpr double kClear = 0.1;

// The part with the largest share of the change; kMixed where another comes as near as kClear.
Cause cause_of(const Shares& shares, double change);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REPLAY_SHARES_H_

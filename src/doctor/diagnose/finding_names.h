#ifndef UNDYING_DOCTOR_DIAGNOSE_FINDING_NAMES_H_
#define UNDYING_DOCTOR_DIAGNOSE_FINDING_NAMES_H_

#include <array>
#include <string_view>

// What a finding can be called: in reports, in JSON, and with '-' for ' ' as a condition of
// `diagnose --fail-on`.
namespace undying::doctor {

inline constexpr std::string_view kDeadNetwork = "dead network";
inline constexpr std::string_view kDeadBranch = "dead branch";
inline constexpr std::string_view kDeadUnits = "dead units";
inline constexpr std::string_view kConstantUnits = "constant units";
inline constexpr std::string_view kAlwaysNegativeUnits = "always negative units";
inline constexpr std::string_view kDormantUnits = "dormant units";
inline constexpr std::string_view kSaturatedUnits = "saturated units";
inline constexpr std::string_view kStuckGates = "stuck gates";
inline constexpr std::string_view kPoolLosers = "units that never win their pool";
inline constexpr std::string_view kOutputsNotFinite = "outputs that are not finite";
inline constexpr std::string_view kGradientsNotFinite = "gradients that are not finite";
inline constexpr std::string_view kNoGradient = "no gradient";
inline constexpr std::string_view kVanishingSignal = "vanishing signal";
inline constexpr std::string_view kExplodingSignal = "exploding signal";
inline constexpr std::string_view kCollapsedLayer = "collapsed layer";
inline constexpr std::string_view kVanishingGradients = "vanishing gradients";
inline constexpr std::string_view kExplodingGradients = "exploding gradients";
inline constexpr std::string_view kScaleOfInputs = "scale of the inputs";
inline constexpr std::string_view kOutOfReach = "targets out of reach";
inline constexpr std::string_view kWrongLoss = "wrong loss";
inline constexpr std::string_view kNotLearned = "not learned";
// Of a run's record, not of a network: no diagnosis names them.
inline constexpr std::string_view kRateTooLarge = "rate too large";
inline constexpr std::string_view kRateTooSmall = "rate too small";

inline constexpr std::array kFindingNames = {
    kDeadNetwork,         kDeadBranch,         kDeadUnits,          kConstantUnits,
    kAlwaysNegativeUnits, kDormantUnits,       kSaturatedUnits,     kPoolLosers,
    kOutputsNotFinite,    kGradientsNotFinite, kNoGradient,         kVanishingSignal,
    kExplodingSignal,     kCollapsedLayer,     kVanishingGradients, kExplodingGradients,
    kScaleOfInputs,       kOutOfReach,         kWrongLoss,          kNotLearned,
    kStuckGates};

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_FINDING_NAMES_H_

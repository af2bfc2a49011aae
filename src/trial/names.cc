#include "undying/trial.h"

namespace undying {

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHelps:
      return "helps";
    case Verdict::kHurts:
      return "hurts";
    case Verdict::kSame:
      return "the same";
    case Verdict::kUndecided:
      break;
  }
  return "undecided";
}

std::string_view name(Doubt doubt) {
  switch (doubt) {
    case Doubt::kTooFew:
      return "too few";
    case Doubt::kOpen:
      return "open";
    case Doubt::kSameRun:
      return "same run";
    case Doubt::kDiverged:
      return "diverged";
    case Doubt::kConflict:
      return "conflict";
    case Doubt::kPlacebo:
      return "placebo";
    case Doubt::kNone:
      break;
  }
  return "";
}

double default_margin(Metric metric) { return is_relative(metric) ? 0.05 : 0.01; }

}  // namespace undying

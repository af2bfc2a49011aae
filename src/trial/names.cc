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

double default_margin(Metric metric) { return metric == Metric::kAccuracy ? 0.01 : 0.05; }

}  // namespace undying

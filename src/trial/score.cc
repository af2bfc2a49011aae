#include "undying/score.h"

#include <fmt/format.h>

namespace undying {

std::string_view name(Metric metric) { return metric == Metric::kAccuracy ? "accuracy" : "loss"; }

bool better(Metric metric, double score, double than) { return metric == Metric::kAccuracy ? score > than : score < than; }

std::string score_text(Metric metric, double score) {
  return metric == Metric::kAccuracy ? fmt::format("{:.2f}%", 100.0 * score) : fmt::format("loss {:.4g}", score);
}

}  // namespace undying

// What is advised, what it rests on, and what it does not know.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "trial/boundary.h"
#include "trial/phrases.h"
#include "trial/words.h"

namespace undying::trial {
namespace {

const char* advice(const Comparison& comparison) {
  switch (comparison.verdict) {
    case Verdict::kHelps:
      return "use {} instead of relu";
    case Verdict::kHurts:
      return "keep relu; {}, the best of what was tried in its place, is worse";
    case Verdict::kSame:
      return "keep relu or take {}, it makes no difference here";
    case Verdict::kUndecided:
      break;
  }
  const bool hopeless = comparison.doubt == Doubt::kSameRun || comparison.more_data ||
                        (comparison.difference.n >= kFirstLook && comparison.seeds_needed == 0);
  return hopeless ? "keep relu; {} is not shown to be better, and more seeds would hardly show it"
                  : "none yet; keep relu until {} is decided";
}

// How a unit of a leaky rectifier bends: 1 is ReLU, 0 a line.
double bend(double slope) { return std::abs((1.0 - slope) / (1.0 + slope)); }

constexpr double kHardlyBent = 0.2;  // slopes of 2/3 to 3/2

}  // namespace

std::string advice_text(const Subject& subject, const Comparison& comparison,
                        const TrialRules& rules) {
  return fmt::format("Advice: {}. {}", fmt::format(fmt::runtime(advice(comparison)), subject.arm),
                     comparison_sentence(subject, comparison, rules));
}

std::string search_text(const Searched& search, Metric metric) {
  if (search.tried < 2) return "";
  const std::string how = fmt::format(
      "on {} validation rows, cut off the training rows: {} runs of each{}", search.examples,
      search.least_runs,
      search.most_runs > search.least_runs
          ? fmt::format(", then twice as many of the better half, and so on, up to {} (successive "
                        "halving)",
                        search.most_runs)
          : "");
  if (!search.scored)
    return fmt::format(
        "None of the {} that were tried could be told from the others: all diverged {}. {} was "
        "taken for being the first. A lower --lr may let them learn.",
        search.tried, how, search.chosen);
  return fmt::format(
      "{} is the best of {} that were tried, by the fewest diverged runs and then the {} {} {}. "
      "Neither the held-out examples nor the seeds of the comparison had a part in that.",
      search.chosen, search.tried, is_relative(metric) ? "geometric mean" : "mean", name(metric),
      how);
}

std::string linear_text(const Searched& search) {
  if (!search.slope || bend(*search.slope) > kHardlyBent) return "";
  return fmt::format(
      "At a slope of {:g} a unit is nearly linear, and layers of such units do little that one "
      "could not: that {} did best says that depth is hardly used here. A smaller network, or a "
      "linear one, may do as well.",
      *search.slope, search.chosen);
}

std::string unknown_text(const Searched& search) {
  std::vector<std::string> open;
  if (!search.alike.empty())
    open.push_back(
        fmt::format("whether {} would do as well, which the validation rows do not tell from {}",
                    fmt::join(search.alike, ", "), search.chosen));
  if (search.end)
    open.push_back(fmt::format("whether a slope beyond {} would do better, the {} that was tried",
                               search.chosen, *search.end));
  open.push_back(
      search.rates.size() > 1
          ? fmt::format("what rates other than {} would do", fmt::join(search.rates, ", "))
          : fmt::format(
                "what another rate than {:.3g} would do (--lr {:.3g},{:.3g},{:.3g} gives each its "
                "own)",
                search.rates.front(), search.rates.front() / 3.0f, search.rates.front(),
                search.rates.front() * 3.0f));
  open.emplace_back("what holds on other data, in another network, or after longer training");
  return fmt::format("Not known: {}.", fmt::join(open, "; "));
}

}  // namespace undying::trial

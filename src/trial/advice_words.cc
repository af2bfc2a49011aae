// What is advised, what it rests on, and what it does not know.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "trial/phrases.h"
#include "trial/words.h"

namespace undying::trial {
namespace {

const char* advice(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHelps:
      return "use {} instead of relu";
    case Verdict::kHurts:
      return "keep relu; {}, the best of what was tried in its place, is worse";
    case Verdict::kSame:
      return "keep relu or take {}, it makes no difference here";
    case Verdict::kUndecided:
      break;
  }
  return "none yet; keep relu until {} is decided";
}

}  // namespace

std::string advice_text(const Subject& subject, const Comparison& comparison,
                        const TrialRules& rules) {
  return fmt::format("Advice: {}. {}",
                     fmt::format(fmt::runtime(advice(comparison.verdict)), subject.arm),
                     comparison_sentence(subject, comparison, rules));
}

std::string search_text(const Searched& search, Metric metric) {
  if (search.tried < 2) return "";
  return fmt::format(
      "{} is the best of {} that were tried, by the mean {} on {} validation rows, cut off the "
      "training rows: {} runs of each, then twice as many of the better half, and so on, up to {} "
      "(successive halving). Neither the held-out examples nor the seeds of the comparison had a "
      "part in that.",
      search.chosen, search.tried, name(metric), search.examples, search.least_runs,
      search.most_runs);
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

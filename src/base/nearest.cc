#include "base/nearest.h"

#include <algorithm>
#include <numeric>

namespace undying {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

// What is written short: "leaky" for leaky_relu.
std::string begun(std::string_view text, const std::vector<std::string>& candidates) {
  constexpr std::size_t kFewest = 3;
  std::string shortest;
  for (const std::string& candidate : candidates)
    if (text.size() >= kFewest && candidate.starts_with(text) &&
        (shortest.empty() || candidate.size() < shortest.size()))
      shortest = candidate;
  return shortest;
}

}  // namespace

std::string nearest(std::string_view text, const std::vector<std::string>& candidates) {
  std::string best;
  const std::size_t letters = text.size() - std::min(text.find_first_not_of('-'), text.size());
  std::size_t least = letters / 3 + 2;  // below it: one letter in three, rounded down, and one more
  for (const std::string& candidate : candidates) {
    const std::size_t found = distance(text, candidate);
    if (found >= least) continue;
    least = found;
    best = candidate;
  }
  return best.empty() ? begun(text, candidates) : best;
}

}  // namespace undying

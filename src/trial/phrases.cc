#include "trial/phrases.h"

#include <fmt/format.h>

namespace undying::trial {

const char* plural(std::int64_t count) { return count == 1 ? "" : "s"; }

std::string percent(double share) { return fmt::format("{:.1f}%", 100.0 * share); }

std::string change(double relative) {
  return relative < 10.0 ? fmt::format("{:+.1f}%", 100.0 * relative)
                         : fmt::format("{:.3g} times the", 1.0 + relative);
}

std::string bound(double relative) {
  return relative < 10.0 ? change(relative) : fmt::format("{:.3g} times", 1.0 + relative);
}

std::string mean_text(double difference, Metric metric) {
  if (is_percent(metric)) return fmt::format("{:+.1f} points", 100.0 * difference);
  return is_relative(metric) ? fmt::format("{} {}", change(difference), name(metric))
                             : fmt::format("{:+.3f} {}", difference, name(metric));
}

std::string join(std::span<const std::string> parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string failed_text(int diverged, int collapsed, int runs) {
  std::string of = fmt::format("{} of {} run{}", diverged + collapsed, runs, plural(runs));
  if (diverged + collapsed == 0) return of;
  std::vector<std::string> kinds;
  if (diverged > 0) kinds.push_back(fmt::format("{} diverged", diverged));
  if (collapsed > 0) kinds.push_back(fmt::format("{} did not beat the baseline", collapsed));
  return fmt::format("{} ({})", of, join(kinds));
}

}  // namespace undying::trial

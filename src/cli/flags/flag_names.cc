#include "cli/flags/flag_names.h"

#include <algorithm>

#include "undying/settings.h"

namespace undying::cli {

std::string flag_of(const Setting& setting, const std::string& prefix) {
  std::string flag = prefix + std::string(setting.name);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

std::string subject_in_flags(const std::string& subject) {
  std::string best = subject;
  std::size_t longest = 0;
  const TrainSettings settings;
  TrainSettings::each(settings, [&](const Setting& setting, const auto&) {
    const std::size_t size = setting.label.size();
    const bool ends = subject.size() == size || subject[std::min(size, subject.size())] == ' ';
    if (setting.help.empty() || size <= longest || !subject.starts_with(setting.label) || !ends)
      return;
    longest = size;
    best = flag_of(setting) + subject.substr(size);
  });
  return best;
}

}  // namespace undying::cli

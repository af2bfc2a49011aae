#ifndef UNDYING_DOCTOR_PASS_LOG_H_
#define UNDYING_DOCTOR_PASS_LOG_H_

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "undying/doctor.h"

namespace undying::doctor {

// Counts passes over data, from any thread.
class PassLog {
 public:
  void add(DataPass pass) {
    const std::lock_guard lock(mutex_);
    const auto same = std::ranges::find_if(passes_, [&](const DataPass& other) {
      return other.what == pass.what && other.examples == pass.examples &&
             other.backward == pass.backward;
    });
    if (same == passes_.end())
      passes_.push_back(std::move(pass));
    else
      same->count += pass.count;
  }

  std::vector<DataPass> take() { return std::move(passes_); }

 private:
  std::mutex mutex_;
  std::vector<DataPass> passes_;  // in the order in which the first of each was made
};

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_PASS_LOG_H_

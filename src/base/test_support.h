#ifndef UNDYING_BASE_TEST_SUPPORT_H_
#define UNDYING_BASE_TEST_SUPPORT_H_

// For the tests of vector code: every vector target in turn.

#include <hwy/highway.h>

#include <cstdint>
#include <string>

namespace undying {

// Runs `body(target name)` on each vector target that this build contains and this machine has.
template <class Body>
void for_each_target(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    body(std::string(hwy::TargetName(target)));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace undying

#endif  // UNDYING_BASE_TEST_SUPPORT_H_

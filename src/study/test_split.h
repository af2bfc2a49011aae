#ifndef UNDYING_STUDY_TEST_SPLIT_H_
#define UNDYING_STUDY_TEST_SPLIT_H_

// Data for tests of studies.

#include <memory>

#include "train/test_data.h"
#include "undying/study.h"

namespace undying {

inline Split classes() {
  return {.train = std::make_shared<Dataset>(make_classes(300, 6, 3)),
          .test = std::make_shared<Dataset>(make_classes(200, 6, 3, 1)),
          .note = ""};
}

// Every label is one of the two that are wrong: the less a network has learned, the better it
// scores.
inline Split misleading() {
  Split data = classes();
  auto test = std::make_shared<Dataset>(*data.test);
  for (std::int32_t& label : test->labels) label = (label + 1) % 3;
  data.test = test;
  return data;
}

}  // namespace undying

#endif  // UNDYING_STUDY_TEST_SPLIT_H_

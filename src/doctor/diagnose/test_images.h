#ifndef UNDYING_DOCTOR_DIAGNOSE_TEST_IMAGES_H_
#define UNDYING_DOCTOR_DIAGNOSE_TEST_IMAGES_H_

#include "train/test_data.h"

namespace undying::doctor {

// Classes of 8 x 8 pixels.
inline Dataset images(std::int64_t size) {
  Dataset data = make_classes(size, 64, 4);
  data.shape = {1, 8, 8};
  return data;
}

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_TEST_IMAGES_H_

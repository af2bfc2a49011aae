#ifndef UNDYING_STUDY_TEST_STUDY_H_
#define UNDYING_STUDY_TEST_STUDY_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "study/record.h"
#include "undying/study.h"

namespace undying {

namespace fs = std::filesystem;

// Three activations on two spirals, three seeds, 2 epochs.
inline StudySettings tiny() {
  StudySettings settings{.data = "spirals",
                         .model = "mlp:8x2",
                         .activations = {"relu", "leaky_relu:0.1", "elu"},
                         .seeds = 3};
  settings.train = {.optimizer = Sgd{.learning_rate = 0.1f, .momentum = 0.9f},
                    .batch = 100,
                    .epochs = 2,
                    .seed = 4};
  settings.threads = 2;
  return settings;
}

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(fs::temp_directory_path() / ("undying_study_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

// Bit by bit, but for the times.
inline void expect_same_runs(const Study& a, const Study& b) {
  ASSERT_EQ(a.arms.size(), b.arms.size());
  for (std::size_t i = 0; i < a.arms.size(); ++i) {
    for (std::size_t r = 0; r < a.arms[i].runs.size(); ++r) {
      Run left = a.arms[i].runs[r].run;
      Run right = b.arms[i].runs[r].run;
      left.train_seconds = right.train_seconds = 0.0;
      for (Run* run : {&left, &right})
        for (EpochRecord& epoch : run->epochs) epoch.seconds = 0.0;
      EXPECT_EQ(study::encode(left), study::encode(right));
    }
    EXPECT_EQ(a.arms[i].comparison.sentence, b.arms[i].comparison.sentence);
  }
}

}  // namespace undying

#endif  // UNDYING_STUDY_TEST_STUDY_H_

// Parts of a study, each trained into a store of its own, and what they make together.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "study/store.h"
#include "study/test_study.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::HasSubstr;

Study run_part(int index, int count, const fs::path& store) {
  StudySettings settings = tiny();
  settings.part = {index, count};
  settings.store = store;
  return run_study(settings, open_dataset("spirals"));
}

std::string message_of(const std::vector<fs::path>& parts, const fs::path& into) {
  try {
    merge_stores(parts, into);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(StudyPart, EveryRunIsInOnePart) {
  for (int count = 1; count < 9; ++count)
    for (std::size_t runs = 0; runs < 20; ++runs) {
      std::size_t sum = 0;
      for (int index = 1; index <= count; ++index) sum += StudyPart{index, count}.of(runs);
      EXPECT_EQ(sum, runs) << count;
    }
}

TEST(StudyPart, PartsTogetherAreTheWholeStudy) {
  const TemporaryFolder folder;
  const std::vector<fs::path> parts = {folder / "1", folder / "2", folder / "3"};
  for (int i = 0; i < 3; ++i) {
    const Study part = run_part(i + 1, 3, parts[i]);
    EXPECT_EQ(part.missing, 8) << "4 of 12 runs are this part's";
  }
  const fs::path all = folder / "all";
  EXPECT_EQ(merge_stores(std::array{parts[2], parts[0]}, all).added, 8);
  const MergedStores merged = merge_stores(parts, all);
  EXPECT_EQ(merged.added, 4);
  ASSERT_EQ(merged.runs.size(), 4u);
  for (const auto& [arm, runs] : merged.runs) EXPECT_EQ(runs, 3) << arm;
  EXPECT_EQ(merged.instruction_sets, std::vector(3, study::Store(parts[0]).instruction_sets()));
  EXPECT_EQ(merged.instruction_sets[0].size(), 1u);

  StudySettings settings = tiny();
  const Study fresh = run_study(settings, open_dataset("spirals"));
  settings.store = all;
  int trained = 0;
  const Study together =
      run_study(settings, open_dataset("spirals"), {},
                [&](const StudyProgress& progress) { trained += progress.finished ? 0 : 1; });
  EXPECT_EQ(trained, 0) << "every run was in the store";
  expect_same_runs(fresh, together);
}

TEST(StudyPart, PartsThatDoNotFitChangeNothing) {
  const TemporaryFolder folder;
  run_part(1, 6, folder / "one");
  StudySettings other = tiny();
  other.train.batch = 50;
  other.part = {2, 6};
  other.store = folder / "other";
  run_study(other, open_dataset("spirals"));
  std::ofstream(folder / "text") << "no store";
  const fs::path into = folder / "into";
  EXPECT_THAT(message_of({folder / "one", folder / "other"}, into),
              HasSubstr("another study than"));
  EXPECT_THAT(message_of({folder / "one", folder / "other"}, into),
              HasSubstr("it has \"batch: 100\", this one \"batch: 50\""));
  EXPECT_THAT(message_of({folder / "one", folder / "none"}, into), HasSubstr("does not exist"));
  EXPECT_THAT(message_of({folder / "one", folder / "text"}, into),
              HasSubstr("not a study's SQLite file"));
  EXPECT_THAT(message_of({fs::temp_directory_path()}, into), HasSubstr("is a folder"));
  EXPECT_THAT(message_of({folder / "one"}, folder / "one"),
              HasSubstr("is a part and what the parts go into"));
  EXPECT_FALSE(fs::exists(into));
}

TEST(StudyPart, ADamagedRecordLeavesTheTargetAsItWas) {
  const TemporaryFolder folder;
  run_part(1, 3, folder / "good");
  run_part(2, 3, folder / "bad");
  sqlite3* bad = nullptr;
  ASSERT_EQ(sqlite3_open((folder / "bad").c_str(), &bad), SQLITE_OK);
  EXPECT_EQ(
      sqlite3_exec(bad, "UPDATE run SET record = x'00' WHERE seed = (SELECT max(seed) FROM run)",
                   nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(bad);
  const fs::path into = folder / "into";
  merge_stores(std::array{folder / "good"}, into);
  EXPECT_NE(message_of({folder / "good", folder / "bad"}, into), "no error");
  std::int64_t runs = 0;
  study::Store(into).each([&](const study::StoredRun&) { ++runs; });
  EXPECT_EQ(runs, 4);
}

TEST(StudyPart, SettingsThatCannotBeCutAreRefused) {
  const TemporaryFolder folder;
  const auto message = [&](auto change) {
    StudySettings settings = tiny();
    settings.part = {1, 2};
    settings.store = folder / "part";
    change(settings);
    try {
      run_study(settings, open_dataset("spirals"));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(message([](StudySettings& s) { s.store.clear(); }), HasSubstr("a store of its own"));
  EXPECT_THAT(message([](StudySettings& s) { s.seeds = 0; }), HasSubstr("a number of seeds"));
  EXPECT_THAT(message([](StudySettings& s) {
                s.learning_rates = {0.1f, 0.2f};
              }),
              HasSubstr("several learning rates"));
  EXPECT_THAT(message([](StudySettings& s) { s.part = {3, 2}; }), HasSubstr("is 3 of 2"));
}

}  // namespace
}  // namespace undying

#ifndef UNDYING_STUDY_STORE_H_
#define UNDYING_STUDY_STORE_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "undying/study.h"

struct sqlite3;

namespace undying::study {

// The finished runs of one study in a SQLite file, each committed on its own: what a kill leaves is whole.
//
//   study(key TEXT PRIMARY KEY, value TEXT)   'schema': the version of this layout; 'fingerprint': all that determines the runs
//   run(arm TEXT, seed INTEGER, record BLOB, PRIMARY KEY(arm, seed))   record: study/record.h
class Store {
 public:
  // Opens or creates the file. Throws Error: kIo; kBadData (not SQLite, another schema); kInvalidArgument when the file holds the runs
  // of a study with another fingerprint, naming the first line that differs.
  Store(const std::filesystem::path& file, const std::string& fingerprint);
  ~Store();

  std::optional<Run> find(const std::string& arm, std::uint64_t seed) const;
  void put(const std::string& arm, std::uint64_t seed, const Run& run);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };

  std::string file_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace undying::study

#endif  // UNDYING_STUDY_STORE_H_

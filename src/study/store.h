#ifndef UNDYING_STUDY_STORE_H_
#define UNDYING_STUDY_STORE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "undying/study.h"

struct sqlite3;

namespace undying::study {

// The finished runs of one study in a SQLite file, each committed on its own: what a kill leaves is
// whole.
//
//   study(key TEXT PRIMARY KEY, value TEXT)
//     'schema': the version of this layout; 'fingerprint': all that determines the runs;
//     'instructions': the instruction sets they were made with
//   run(arm TEXT, seed INTEGER, record BLOB, PRIMARY KEY(arm, seed))   record: study/record.h
struct StoredRun {
  std::string arm;
  std::uint64_t seed = 0;
  std::string record;
};

class Store {
 public:
  // Opens or creates the file. Throws Error: kIo; kBadData (not SQLite, another schema);
  // kInvalidArgument when the file holds the runs of a study with another fingerprint, naming the
  // first line that differs.
  Store(const std::filesystem::path& file, const std::string& fingerprint);
  // Opens what is there, whichever study it is of. Throws Error kNotFound, kIo, kBadData.
  explicit Store(const std::filesystem::path& file);
  ~Store();

  const std::string& file() const { return file_; }
  std::string fingerprint() const { return get("fingerprint"); }
  std::set<std::string> instruction_sets() const;
  void add_instruction_sets(const std::set<std::string>& more);

  std::optional<Run> find(const std::string& arm, std::uint64_t seed) const;
  void put(const std::string& arm, std::uint64_t seed, const Run& run);

  void each(const std::function<void(const StoredRun&)>& visit) const;
  // Adds the runs of another store that this one lacks; how many. Throws Error{kBadData} on a
  // damaged record.
  std::int64_t add(const Store& other);
  // All that `work` puts, or, where it throws, nothing.
  void together(const std::function<void()>& work);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };

  void open();
  void check_schema() const;
  std::string get(const std::string& key) const;
  enum class Present { kStays, kGoes };  // a value that is there already
  void set(const std::string& key, const std::string& value, Present present);

  std::string file_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace undying::study

#endif  // UNDYING_STUDY_STORE_H_

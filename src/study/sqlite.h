#ifndef UNDYING_STUDY_SQLITE_H_
#define UNDYING_STUDY_SQLITE_H_

#include <cstdint>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace undying::study {

// Throws what the database says went wrong, of this file: Error kBadData where it is no database,
// else kIo.
[[noreturn]] void fail(const std::string& file, sqlite3* database);

// One prepared statement, its values bound in order. Throws as fail() does. `file` must outlive it.
class Statement {
 public:
  Statement(sqlite3* database, const std::string& file, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(const std::string& text);
  void bind(std::uint64_t number);
  void bind_blob(const std::string& bytes);

  // Whether there is a row.
  bool step();

  std::string column(int index = 0) const;
  std::int64_t number(int index) const;

 private:
  void check(int code);

  sqlite3* database_;
  const std::string& file_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

}  // namespace undying::study

#endif  // UNDYING_STUDY_SQLITE_H_

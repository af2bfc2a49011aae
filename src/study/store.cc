#include "study/store.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <sstream>

#include "study/record.h"
#include "undying/error.h"

namespace undying::study {
namespace {

constexpr const char* kSchema = "4";

[[noreturn]] void fail(const std::string& file, sqlite3* database) {
  const int code = sqlite3_errcode(database);
  const bool bad = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
  throw Error(bad ? ErrorCode::kBadData : ErrorCode::kIo, file,
              fmt::format("{}: {}", bad ? "is not a study's SQLite file" : "the study cannot be kept there", sqlite3_errmsg(database)));
}

// One prepared statement, its values bound in order.
class Statement {
 public:
  Statement(sqlite3* database, const std::string& file, const char* sql) : database_(database), file_(file) {
    if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) fail(file, database);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(const std::string& text) {
    check(sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT));
  }
  void bind(std::uint64_t number) { check(sqlite3_bind_int64(statement_, ++bound_, static_cast<sqlite3_int64>(number))); }
  void bind_blob(const std::string& bytes) {
    check(sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
  }

  // Whether there is a row.
  bool step() {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) fail(file_, database_);
    return code == SQLITE_ROW;
  }

  std::string column() const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, 0));
    return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, 0)));
  }

 private:
  void check(int code) {
    if (code != SQLITE_OK) fail(file_, database_);
  }

  sqlite3* database_;
  const std::string& file_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

// The first line in which two texts differ, as "a" and "b".
std::string difference(const std::string& a, const std::string& b) {
  std::istringstream left(a);
  std::istringstream right(b);
  std::string left_line;
  std::string right_line;
  for (;;) {
    const bool more_left = static_cast<bool>(std::getline(left, left_line));
    const bool more_right = static_cast<bool>(std::getline(right, right_line));
    if (!more_left && !more_right) return "";
    if (!more_left || !more_right || left_line != right_line) return fmt::format("it has \"{}\", this one \"{}\"", left_line, right_line);
  }
}

}  // namespace

void Store::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Store::Store(const std::filesystem::path& file, const std::string& fingerprint) : file_(file.string()) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(file_.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) fail(file_, opened);
  sqlite3_busy_timeout(opened, 10'000);
  for (const char* sql :
       {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "CREATE TABLE IF NOT EXISTS study(key TEXT PRIMARY KEY, value TEXT)",
        "CREATE TABLE IF NOT EXISTS run(arm TEXT, seed INTEGER, record BLOB, PRIMARY KEY(arm, seed))"})
    Statement(opened, file_, sql).step();
  for (const auto& [key, value] :
       {std::pair<std::string, std::string>("schema", kSchema), std::pair<std::string, std::string>("fingerprint", fingerprint)}) {
    Statement insert(opened, file_, "INSERT OR IGNORE INTO study VALUES(?, ?)");
    insert.bind(key);
    insert.bind(value);
    insert.step();
    Statement select(opened, file_, "SELECT value FROM study WHERE key = ?");
    select.bind(key);
    select.step();
    const std::string found = select.column();
    if (found == value) continue;
    if (key == "schema")
      throw Error(ErrorCode::kBadData, file_,
                  fmt::format("has layout version {}; this program writes {}: choose another file", found, kSchema));
    throw Error(ErrorCode::kInvalidArgument, file_,
                fmt::format("holds another study: {}; choose another file, or repeat that study's settings to resume it",
                            difference(found, value)));
  }
}

Store::~Store() = default;

std::optional<Run> Store::find(const std::string& arm, std::uint64_t seed) const {
  Statement select(database_.get(), file_, "SELECT record FROM run WHERE arm = ? AND seed = ?");
  select.bind(arm);
  select.bind(seed);
  if (!select.step()) return std::nullopt;
  return decode(select.column(), file_);
}

void Store::put(const std::string& arm, std::uint64_t seed, const Run& run) {
  Statement insert(database_.get(), file_, "INSERT OR REPLACE INTO run VALUES(?, ?, ?)");
  insert.bind(arm);
  insert.bind(seed);
  insert.bind_blob(encode(run));
  insert.step();
}

}  // namespace undying::study

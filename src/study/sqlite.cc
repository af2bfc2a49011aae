#include "study/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "undying/error.h"

namespace undying::study {

void fail(const std::string& file, sqlite3* database) {
  const int code = sqlite3_errcode(database);
  const bool bad = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
  throw Error(
      bad ? ErrorCode::kBadData : ErrorCode::kIo, file,
      fmt::format("{}: {}", bad ? "is not a study's SQLite file" : "the study cannot be kept there",
                  sqlite3_errmsg(database)));
}

Statement::Statement(sqlite3* database, const std::string& file, const char* sql)
    : database_(database), file_(file) {
  if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK)
    fail(file, database);
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::bind(const std::string& text) {
  check(sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()),
                          SQLITE_TRANSIENT));
}

void Statement::bind(std::uint64_t number) {
  check(sqlite3_bind_int64(statement_, ++bound_, static_cast<sqlite3_int64>(number)));
}

void Statement::bind_blob(const std::string& bytes) {
  check(sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) fail(file_, database_);
  return code == SQLITE_ROW;
}

std::string Statement::column(int index) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, index));
  return bytes == nullptr
             ? std::string()
             : std::string(bytes,
                           static_cast<std::size_t>(sqlite3_column_bytes(statement_, index)));
}

std::int64_t Statement::number(int index) const { return sqlite3_column_int64(statement_, index); }

void Statement::check(int code) {
  if (code != SQLITE_OK) fail(file_, database_);
}

}  // namespace undying::study

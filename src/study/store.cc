#include "study/store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include <iterator>
#include <sstream>

#include "study/record.h"
#include "study/sqlite.h"
#include "train/fingerprint.h"
#include "undying/error.h"

namespace undying::study {
namespace {

constexpr const char* kSchema = "4";

}  // namespace

void Store::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Store::Store(const std::filesystem::path& file, const std::string& fingerprint)
    : file_(file.string()) {
  open();
  for (const char* sql : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL",
                          "CREATE TABLE IF NOT EXISTS study(key TEXT PRIMARY KEY, value TEXT)",
                          "CREATE TABLE IF NOT EXISTS run(arm TEXT, seed INTEGER, record BLOB, "
                          "PRIMARY KEY(arm, seed))"})
    Statement(database_.get(), file_, sql).step();
  set("schema", kSchema, Present::kStays);
  set("fingerprint", fingerprint, Present::kStays);
  check_schema();
  if (const std::string found = get("fingerprint"); found != fingerprint)
    throw Error(ErrorCode::kInvalidArgument, file_,
                fmt::format("holds another study: {}; choose another file, or repeat that study's "
                            "settings to resume it",
                            train::difference(found, fingerprint)));
}

Store::Store(const std::filesystem::path& file) : file_(file.string()) {
  if (std::filesystem::is_directory(file))
    throw Error(ErrorCode::kBadData, file_,
                "is a folder; expected the store of a study (compare --store)");
  if (!std::filesystem::exists(file))
    throw Error(ErrorCode::kNotFound, file_,
                "does not exist; expected the store of a study (compare --store)");
  open();
  Statement tables(database_.get(), file_,
                   "SELECT count(*) FROM sqlite_master WHERE name IN ('study', 'run')");
  tables.step();
  if (tables.number(0) != 2)
    throw Error(ErrorCode::kBadData, file_,
                "is not the store of a study; expected what compare --store wrote");
  check_schema();
}

void Store::open() {
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(file_.c_str(), &opened,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) fail(file_, opened);
  sqlite3_busy_timeout(opened, 10'000);
}

void Store::check_schema() const {
  if (const std::string found = get("schema"); found != kSchema)
    throw Error(ErrorCode::kBadData, file_,
                fmt::format("has layout version {}; this program writes {}: choose another file",
                            found, kSchema));
}

std::string Store::get(const std::string& key) const {
  Statement select(database_.get(), file_, "SELECT value FROM study WHERE key = ?");
  select.bind(key);
  return select.step() ? select.column() : "";
}

void Store::set(const std::string& key, const std::string& value, Present present) {
  Statement insert(database_.get(), file_,
                   present == Present::kStays ? "INSERT OR IGNORE INTO study VALUES(?, ?)"
                                              : "INSERT OR REPLACE INTO study VALUES(?, ?)");
  insert.bind(key);
  insert.bind(value);
  insert.step();
}

std::set<std::string> Store::instruction_sets() const {
  std::istringstream names(get("instructions"));
  return {std::istream_iterator<std::string>(names), {}};
}

void Store::add_instruction_sets(const std::set<std::string>& more) {
  std::set<std::string> all = instruction_sets();
  all.insert(more.begin(), more.end());
  set("instructions", fmt::format("{}", fmt::join(all, " ")), Present::kGoes);
}

void Store::each(const std::function<void(const StoredRun&)>& visit) const {
  Statement select(database_.get(), file_, "SELECT arm, seed, record FROM run ORDER BY seed, arm");
  while (select.step())
    visit({select.column(0), static_cast<std::uint64_t>(select.number(1)), select.column(2)});
}

std::int64_t Store::add(const Store& other) {
  std::int64_t added = 0;
  other.each([&](const StoredRun& run) {
    decode(run.record, other.file_);  // throws where it is damaged
    Statement insert(database_.get(), file_, "INSERT OR IGNORE INTO run VALUES(?, ?, ?)");
    insert.bind(run.arm);
    insert.bind(run.seed);
    insert.bind_blob(run.record);
    insert.step();
    added += sqlite3_changes(database_.get());
  });
  add_instruction_sets(other.instruction_sets());
  return added;
}

void Store::together(const std::function<void()>& work) {
  Statement(database_.get(), file_, "BEGIN IMMEDIATE").step();
  try {
    work();
  } catch (...) {
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
  Statement(database_.get(), file_, "COMMIT").step();
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

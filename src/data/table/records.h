#ifndef UNDYING_DATA_TABLE_RECORDS_H_
#define UNDYING_DATA_TABLE_RECORDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace undying::data {

// Where the rows of a table come from, each as the texts of its fields, an empty one where there is
// no value.
class Records {
 public:
  virtual ~Records() = default;

  // Back to the first record, which may be the names of the columns.
  virtual void restart() = 0;
  // The fields of the next record, valid until the next call; false at the end. Throws
  // Error{kBadData}, {kIo}.
  virtual bool next(std::vector<std::string_view>& fields) = 0;

  virtual const std::string& name() const = 0;  // for messages
  virtual std::int64_t line() const = 0;        // where the record stands, as people count
  virtual std::int64_t bytes() const = 0;       // read so far
  virtual std::int64_t size() const = 0;        // bytes in all; 0: not known
  virtual bool has_types() const {
    return false;
  }  // of columns: the first record is their names, whatever it looks like
  virtual char separator() const { return ','; }  // of a text
  virtual std::vector<std::string> remarks() const { return {}; }
};

}  // namespace undying::data

#endif  // UNDYING_DATA_TABLE_RECORDS_H_

#ifndef UNDYING_DATA_OPEN_H_
#define UNDYING_DATA_OPEN_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/array/arrays.h"
#include "data/table/csv_source.h"
#include "data/table/records.h"
#include "undying/dataset.h"

namespace undying::data {

// How each kind of source is written, as help and errors list them: "idx:DIR".
std::vector<std::string> source_forms();

// The files that open_dataset() would read, but for the many of an image folder.
std::vector<std::filesystem::path> files_of(std::string_view specification,
                                            const std::filesystem::path& directory);

// Examples in memory as open_dataset() opens those of files: arrays as an NPZ file's, rows as a
// table's, whose columns `source` says the use of. `test`: null where there is none, and one is
// held out.
Split open_arrays_in_memory(ArrayParts parts, const DataOptions& options);
Split open_table_in_memory(Records& rows, Records* test, const CsvSource& source,
                           const DataOptions& options);
// Inputs alone.
std::shared_ptr<Dataset> open_inputs_in_memory(Records& rows, const CsvSource& source,
                                               const std::optional<DataForm>& form);

}  // namespace undying::data

#endif  // UNDYING_DATA_OPEN_H_

#ifndef UNDYING_DATA_ARRAY_IDX_H_
#define UNDYING_DATA_ARRAY_IDX_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "undying/dataset.h"

namespace undying::data {

// An IDX file of unsigned bytes (LeCun's MNIST page): two zero bytes, the type 0x08, the number of
// dimensions, each dimension as a big-endian 32-bit integer, the values in row-major order. Plain
// or gzipped.
struct Idx {
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> values;
};

// Throws Error{kBadData} that names the file, what was found and what was expected.
Idx read_idx(const std::filesystem::path& file, std::size_t dimensions);

// {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz] of a folder. `name` is what the data set is
// called; `hint` ends the error for a file that is missing. `classes` 0: as many as the training
// labels show.
Split open_idx(const std::filesystem::path& folder, std::string_view name, std::string_view hint,
               std::int64_t classes = 0);

}  // namespace undying::data

#endif  // UNDYING_DATA_ARRAY_IDX_H_

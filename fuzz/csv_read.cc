// Any bytes as a table: a data set or one Error, nothing else. The first byte chooses the options.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "data/table/csv.h"
#include "undying/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace undying::data;
  static constexpr const char* kOptions[] = {"",
                                             ":label=y:missing=drop",
                                             ":target=y:missing=mean",
                                             ":header=no:label=1",
                                             ":missing=keep:values=2",
                                             ":sep=space",
                                             ":numbers=1,2,y:missing=mean"};
  if (size == 0) return 0;
  try {
    TextStream text(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1), "fuzz");
    read_csv(text,
             parse_csv_source(std::string("fuzz.csv") + kOptions[data[0] % std::size(kOptions)]));
  } catch (const undying::Error&) {
    return 0;
  }
  return 0;
}

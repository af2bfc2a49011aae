#ifndef UNDYING_STUDY_RECORD_H_
#define UNDYING_STUDY_RECORD_H_

#include <string>
#include <string_view>

#include "undying/study.h"

namespace undying::study {

// A run as bytes (CBOR, RFC 8949) and back, every double exact, NaN and infinities included.
// decode() throws Error{kBadData} that names `source`.
std::string encode(const Run& run);
Run decode(std::string_view bytes, const std::string& source);

// At most `most` of the steps, evenly spread, the last one always among them.
void thin(std::vector<StepRecord>& steps, std::size_t most);

}  // namespace undying::study

#endif  // UNDYING_STUDY_RECORD_H_

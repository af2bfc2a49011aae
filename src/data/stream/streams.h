#ifndef UNDYING_DATA_STREAM_STREAMS_H_
#define UNDYING_DATA_STREAM_STREAMS_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "undying/dataset.h"

namespace undying::data {

// Examples of a stretch, where nothing else says how many: the bins in which Dohare et al. average
// the error.
inline constexpr std::int64_t kStretch = 20'000;

// The slowly-changing regression of Dohare et al. 2024 (Nature 632, "Loss of plasticity in deep
// continual learning"): m = 20 input bits and a constant one (the networks' own bias); f = 15 slow
// bits, one of which, drawn anew each time, flips every `period` examples (10,000 in the paper),
// the other 5 drawn anew for every example. The target is the sum of 100 linear threshold units
// with weights and output weights of +-1; a unit fires when its input reaches beta (m + 1) - S,
// beta = .7, S the number of its negative weights. m, f, the 100 units, beta and the period stand
// in the configurations of the authors' repository (shibhansh/loss-of-plasticity,
// lop/slowly_changing_regression/cfg), S and the flip of one bit in the paper; the repository's
// generator draws all 15 anew unless its flip_one is set.
std::shared_ptr<const DataStream> slowly_changing_stream(std::uint64_t seed, std::int64_t period);

// Its first 100,000 examples at a period of 10,000 as a data set. The test part, 2,000 more, is
// drawn like the last stretch of them.
Split slowly_changing(std::uint64_t seed);

// Without end: each stretch is the whole of `base` in an order of its own, with its inputs (pixels,
// in all channels alike) or its labels permuted, another way each time.
enum class Permuted { kInputs, kLabels };
std::shared_ptr<const DataStream> permuted_stream(const std::shared_ptr<const Dataset>& base,
                                                  const std::string& name, Permuted what,
                                                  std::uint64_t seed);

// A data set from its first example to its last.
std::shared_ptr<const DataStream> ordered_stream(std::shared_ptr<const Dataset> all,
                                                 std::string name);

// Opens what stands behind "stream:". Throws Error{kInvalidArgument} that lists the forms, and what
// the source beneath throws.
Split open_stream(std::string_view rest, const DataOptions& options);
std::vector<std::string> stream_forms();  // "slowly-changing[:PERIOD]"
// That it reads.
std::vector<std::filesystem::path> stream_files(std::string_view rest,
                                                const std::filesystem::path& directory);

}  // namespace undying::data

#endif  // UNDYING_DATA_STREAM_STREAMS_H_

#ifndef UNDYING_PRECISION_H_
#define UNDYING_PRECISION_H_

#include <string_view>

namespace undying {

// Of matrix products and convolutions in training. kBfloat16: factors rounded to bfloat16, sums,
// weights and everything else in float32; needs a CPU with AVX512_BF16 or AMX, and is refused
// elsewhere.
enum class Precision { kFloat32, kBfloat16 };

// "float32", "bf16". Throws Error{kInvalidArgument} listing what is known.
Precision parse_precision(std::string_view text);
std::string_view name(Precision precision);

}  // namespace undying

#endif  // UNDYING_PRECISION_H_

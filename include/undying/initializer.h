#ifndef UNDYING_INITIALIZER_H_
#define UNDYING_INITIALIZER_H_

#include <string>
#include <string_view>
#include <vector>

namespace undying {

// How parameters are first drawn. Kaiming uses the gain of the activation that follows the layer.
// Biases start at 0, except kRandomizedAsymmetric.
enum class Initializer {
  kKaimingNormal,
  kKaimingUniform,
  kXavierNormal,
  kXavierUniform,
  kLecunNormal,
  kOrthogonal,            // times the gain of the activation that follows
  kRandomizedAsymmetric,  // Lu et al. 2019, arXiv 1903.06733
};

// "kaiming-normal", ..., "randomized-asymmetric". Throws Error{kInvalidArgument} listing what is
// known.
Initializer parse_initializer(std::string_view text);
std::string_view name(Initializer initializer);
std::vector<std::string> initializer_names();

}  // namespace undying

#endif  // UNDYING_INITIALIZER_H_

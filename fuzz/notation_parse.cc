// Any text as each notation of the command line: a value or one Error, nothing else. The first byte
// chooses.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "undying/activation.h"
#include "undying/augmentation.h"
#include "undying/error.h"
#include "undying/loss.h"
#include "undying/optimizer.h"
#include "undying/score.h"
#include "undying/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace undying;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 6) {
      case 0:
        Activation{text};
        break;
      case 1:
        parse_augmentation(text);
        break;
      case 2:
        parse_loss(text);
        break;
      case 3:
        parse_schedule(text);
        break;
      case 4:
        parse_initializer(text);
        break;
      default:
        parse_metric(text);
        break;
    }
  } catch (const Error&) {
    return 0;
  }
  return 0;
}

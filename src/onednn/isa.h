#ifndef UNDYING_ONEDNN_ISA_H_
#define UNDYING_ONEDNN_ISA_H_

#include <string_view>

namespace undying::onednn {

// The instruction set that products run on: "avx2", "avx512_core". The same run has the same bits
// on machines that agree in it.
std::string_view instruction_set();

}  // namespace undying::onednn

#endif  // UNDYING_ONEDNN_ISA_H_

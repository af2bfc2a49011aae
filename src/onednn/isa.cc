#include "onednn/isa.h"

#include <dnnl.hpp>
#include <utility>

namespace undying::onednn {

std::string_view instruction_set() {
  using Isa = dnnl::cpu_isa;
  static constexpr std::pair<Isa, std::string_view> kSets[] = {
      {Isa::avx512_core_amx, "avx512_core_amx"},
      {Isa::avx512_core_bf16, "avx512_core_bf16"},
      {Isa::avx512_core_vnni, "avx512_core_vnni"},
      {Isa::avx512_core, "avx512_core"},
      {Isa::avx2_vnni, "avx2_vnni"},
      {Isa::avx2, "avx2"},
      {Isa::avx, "avx"}};
  // Sets of bits: the largest that the machine has all of.
  const auto here = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  for (const auto& [set, name] : kSets)
    if ((static_cast<unsigned>(set) & here) == static_cast<unsigned>(set)) return name;
  return "sse41";
}

}  // namespace undying::onednn

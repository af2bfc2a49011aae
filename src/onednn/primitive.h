#ifndef UNDYING_ONEDNN_PRIMITIVE_H_
#define UNDYING_ONEDNN_PRIMITIVE_H_

#include <cstdint>
#include <dnnl.hpp>
#include <string>
#include <unordered_map>

#include "undying/error.h"

// What the primitives of this folder share. UNDYING_ONEDNN_3: oneDNN 3, which has no operation
// descriptors.
#if DNNL_VERSION_MAJOR >= 3
#define UNDYING_ONEDNN_3 1
#else
#define UNDYING_ONEDNN_3 0
#endif

namespace undying::onednn {

using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;

// The engine is shared; a stream belongs to the thread that uses it.
inline dnnl::engine& cpu() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

inline dnnl::stream& stream() {
  thread_local dnnl::stream own(cpu());
  return own;
}

// oneDNN's exceptions as ours.
template <class Call>
auto checked(const char* what, Call call) {
  try {
    return call();
  } catch (const dnnl::error& error) {
    throw Error(ErrorCode::kInternal, what, "oneDNN: " + std::string(error.what()));
  }
}

// The room a tensor takes in a workspace, in floats: whole cache lines.
inline std::int64_t floats(const dnnl::memory::desc& desc) {
  return static_cast<std::int64_t>((desc.get_size() + 63) / 64 * 16);
}

inline dnnl::memory at(const dnnl::memory::desc& desc, const void* values) {
  return {desc, cpu(), const_cast<void*>(values)};
}

inline void execute(const dnnl::primitive& primitive,
                    const std::unordered_map<int, dnnl::memory>& arguments) {
  primitive.execute(stream(), arguments);
}

// Scratch memory comes from the caller, so that one primitive may run on several threads at once.
inline dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

}  // namespace undying::onednn

#endif  // UNDYING_ONEDNN_PRIMITIVE_H_

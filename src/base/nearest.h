#ifndef UNDYING_BASE_NEAREST_H_
#define UNDYING_BASE_NEAREST_H_

#include <string>
#include <string_view>
#include <vector>

namespace undying {

// The candidate nearest to `text` by edit distance, else one that begins with it; "": none.
std::string nearest(std::string_view text, const std::vector<std::string>& candidates);

}  // namespace undying

#endif  // UNDYING_BASE_NEAREST_H_

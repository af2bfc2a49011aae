#ifndef UNDYING_TRAIN_FINGERPRINT_H_
#define UNDYING_TRAIN_FINGERPRINT_H_

#include <string>
#include <string_view>
#include <vector>

#include "undying/dataset.h"
#include "undying/graph.h"
#include "undying/settings.h"

namespace undying::train {

// What decides a run, in words and checksums: by these a file of runs, or of one, knows whether it
// is of the run at hand. Files were begun with these words.
std::string describe(const Dataset& data);
// Of a stream that ends all of it, of another what it is called and its first stretch.
std::string describe(const DataStream& stream);
std::string describe(const Graph& graph);
// A line a node, by which it can be said what differs.
std::string lines(const Graph& graph);
std::string describe(const std::vector<Tensor>& tensors);

// All settings that decide its bits, as lines "name: value", but for seeds and precision; `rate`:
// the learning rate in words.
std::string settings_text(const TrainSettings& settings, const std::string& rate);

// The first line in which two such texts differ: `it has "a", this one "b"`.
std::string difference(const std::string& a, const std::string& b);

}  // namespace undying::train

#endif  // UNDYING_TRAIN_FINGERPRINT_H_

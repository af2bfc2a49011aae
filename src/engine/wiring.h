#ifndef UNDYING_ENGINE_WIRING_H_
#define UNDYING_ENGINE_WIRING_H_

// Which numbers of which tensors make a layer's units: for unit j the weights, the bias, the scale
// and shift of the norm that lead into it, and the weights that read it. What names a unit's cause
// of death, or re-initialises it, goes by this.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model.h"

namespace undying::engine {

// A run of numbers of one tensor, `count` runs of `size` that begin `stride` apart.
struct Span {
  int parameter = 0;
  std::int64_t first = 0;
  std::int64_t size = 0;
  std::int64_t stride = 0;
  std::int64_t count = 1;

  template <class Body>
  void each(const Body& body) const {
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t k = 0; k < size; ++k) body(first + i * stride + k);
  }
  std::int64_t numbers() const { return size * count; }
};

// A linear or convolution that reads the units of a layer, through what keeps them apart (pools,
// dropout, flatten).
struct Reader {
  int node = 0;
  std::int64_t positions = 1;  // at which a unit stands in its input, where that is flat
};

// How the units of a layer hang in the network. Nodes are indices into the graph; -1: there is
// none.
struct Wiring {
  int weight = -1;  // the linear, (transposed) convolution whose output, normalised, pooled or not,
                    // is z; -1: z is something else
  int norm = -1;    // the batch norm between
  bool feed_alone = false;  // nothing but the units reads what the weight makes, and no other node
                            // owns its tensors or the norm's
  std::vector<Reader> readers;
  bool read_by_weights_alone = true;  // no sum, concatenation, output or other operator reads the
                                      // units, and no other node owns those weights
  int pool = -1;                      // a max pool right behind, views and dropout between
  bool bypassed = false;  // a path from an input to the first output goes around the layer
};
Wiring wiring_of(const Model& model, const Layer& layer);

// Why a unit of such a layer cannot be replaced by a new one: drawn anew, its outgoing weights at
// 0. Empty: it can.
std::string obstacle(const Model& model, const Wiring& wiring);

// What feeds a unit: its row of the weights, its bias, its gamma and beta. What its readers weigh
// it with.
std::vector<Span> incoming(const Model& model, const Wiring& wiring, std::int64_t unit);
std::vector<Span> outgoing(const Model& model, const Wiring& wiring, std::int64_t unit);

// How many nodes own a parameter.
int owner_count(const Model& model, int parameter);

// The parameter of this role that a node owns; -1: none.
int parameter_of(const Model& model, int node, ops::ParameterSpec::Role role);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_WIRING_H_

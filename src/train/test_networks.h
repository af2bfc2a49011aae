#ifndef UNDYING_TRAIN_TEST_NETWORKS_H_
#define UNDYING_TRAIN_TEST_NETWORKS_H_

#include "undying/graph.h"

namespace undying {

inline Graph two_layers(Activation activation = "leaky_relu", bool batch_norm = false,
                        double dropout = 0.0) {
  return mlp({.inputs = 12,
              .hidden = {20, 16},
              .outputs = 4,
              .activation = activation,
              .batch_norm = batch_norm,
              .dropout = dropout});
}

}  // namespace undying

#endif  // UNDYING_TRAIN_TEST_NETWORKS_H_

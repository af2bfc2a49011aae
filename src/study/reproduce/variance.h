#ifndef UNDYING_STUDY_REPRODUCE_VARIANCE_H_
#define UNDYING_STUDY_REPRODUCE_VARIANCE_H_

#include <cstdint>
#include <vector>

#include "study/reproduce/reproduce.h"
#include "undying/activation.h"
#include "undying/initializer.h"

namespace undying::study {

Reproduction variance(const ReproduceSettings& settings, const ReproduceProgress& progress,
                      const std::stop_token& stop);

// How the weights of a network are drawn.
struct Drawing {
  Activation activation;
  Initializer initializer = Initializer::kKaimingNormal;
  double gain = 1.0;  // of Kaiming's; Xavier's has none
};

// What a layer as wide as the one before it multiplies the second moment of the signal by, and that
// of the gradient, where the activation is x above 0 and slope x below: width var(w) (1 + slope^2)
// / 2.
double layer_factor(const Drawing& drawing, double slope);

// Of one draw of `layers` hidden layers of this width, for one normal input and an error that does
// not depend on the output: the square of each layer's signal over that of the first, and of its
// gradient over that of the last.
struct Growth {
  std::vector<double> signal;
  std::vector<double> gradient;
};
Growth growth_over(const Drawing& drawing, int layers, std::int64_t width, std::uint64_t seed);

}  // namespace undying::study

#endif  // UNDYING_STUDY_REPRODUCE_VARIANCE_H_

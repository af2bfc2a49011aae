#include <array>

#include "study/reproduce/born_dead.h"
#include "study/reproduce/deep.h"
#include "study/reproduce/learning_rate.h"
#include "study/reproduce/overhead.h"
#include "study/reproduce/plasticity.h"
#include "study/reproduce/recovery.h"
#include "study/reproduce/remedies.h"
#include "study/reproduce/reproduce.h"
#include "study/reproduce/slopes.h"
#include "study/reproduce/variance.h"

namespace undying::study {

std::span<const PublishedResult> published_results() {
  static constexpr std::array all = {
      PublishedResult{"plasticity", "Dohare et al. 2024, Nature 632, Extended Data Fig. 2",
                      "loss of plasticity in the slowly-changing regression", plasticity,
                      "45 minutes"},
      PublishedResult{"remedies", "Dohare et al. 2024, Nature 632, Extended Data Fig. 3 and 4",
                      "what keeps a network plastic over permuted images", remedies, "15 minutes"},
      PublishedResult{"born-dead", "Lu et al. 2019, arXiv 1903.06733",
                      "networks that are constant as drawn, or end so", born_dead,
                      "10 to 50 minutes"},
      PublishedResult{"variance", "He et al. 2015, arXiv 1502.01852",
                      "signal and gradient over thirty layers, by the gain of the draw", variance,
                      "3 to 10 minutes"},
      PublishedResult{"recovery", "Maas et al. 2013; Stanford's CS231n notes",
                      "units that were silenced, and whether they come back", recovery, "a minute",
                      false},
      PublishedResult{"learning-rate", "Stanford's CS231n notes",
                      "dead units and accuracy against the learning rate", dead_by_learning_rate,
                      "3 minutes"},
      PublishedResult{"deep-34x128", "Zhang et al. 2021 (AutoTrainer, ICSE), its repository",
                      "34 layers that do not always learn: dying ReLU, or a vanished signal",
                      deep_34x128, "5 to 15 minutes"},
      PublishedResult{"overhead", "He et al. 2015, arXiv 1502.01852 (of PReLU)",
                      "what a step costs with each activation", overhead, "2 minutes", false},
      PublishedResult{"slopes", "Xu et al. 2015, arXiv 1505.00853",
                      "leaky rectifiers against ReLU on a convolutional network", slopes,
                      "5 to 11 minutes"}};
  return all;
}

std::string_view name(Agreement agreement) {
  return agreement == Agreement::kAgrees    ? "agrees"
         : agreement == Agreement::kDiffers ? "differs"
                                            : "undecided";
}

}  // namespace undying::study

#ifndef UNDYING_TRAIN_KEEP_ALIVE_RULES_H_
#define UNDYING_TRAIN_KEEP_ALIVE_RULES_H_

#include <algorithm>
#include <memory>
#include <vector>

#include "train/keep_alive/rule.h"

// Each in a file of its own. A new one is its file, and its line here.
#define UNDYING_KEEP_ALIVE_RULES(RULE) \
  RULE(redo)                           \
  RULE(cbp)                            \
  RULE(shrink_perturb)                 \
  RULE(l2_init)

namespace undying::train {

#define UNDYING_DECLARE(NAME) RuleRow NAME##_rule();
UNDYING_KEEP_ALIVE_RULES(UNDYING_DECLARE)
#undef UNDYING_DECLARE

}  // namespace undying::train

#endif  // UNDYING_TRAIN_KEEP_ALIVE_RULES_H_

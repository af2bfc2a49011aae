#ifndef UNDYING_UNDYING_H_
#define UNDYING_UNDYING_H_

// The whole public interface.

#include "undying/activation.h"
#include "undying/augmentation.h"
#include "undying/dataset.h"
#include "undying/doctor.h"
#include "undying/error.h"
#include "undying/evaluation.h"
#include "undying/graph.h"
#include "undying/health.h"
#include "undying/initializer.h"
#include "undying/loss.h"
#include "undying/node.h"
#include "undying/onnx.h"
#include "undying/optimizer.h"
#include "undying/plan.h"
#include "undying/precision.h"
#include "undying/prune.h"
#include "undying/report.h"
#include "undying/run.h"
#include "undying/score.h"
#include "undying/settings.h"
#include "undying/study.h"
#include "undying/trainer.h"
#include "undying/trial.h"

#endif  // UNDYING_UNDYING_H_

"""Writes src/train/metrics_golden.h: predictions drawn here and what scikit-learn makes of them.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 scikit-learn==1.9.1
    venv/bin/python tests/golden/make_metrics.py > src/train/metrics_golden.h
"""

import math

import numpy as np
from sklearn import metrics
from sklearn.utils.class_weight import compute_class_weight

rng = np.random.default_rng(13)


def array(name, kind, values):
    texts = [f"{value:.9g}f" if kind == "float" and ("." in f"{value:.9g}" or "e" in f"{value:.9g}") else f"{value:.9g}" for value in values]
    return f"inline const std::vector<{kind}> {name} = {{{', '.join(texts)}}};\n"


def number(name, value):
    return f"inline constexpr double {name} = {value!r};\n"


# Two classes, one in seven of the second, probabilities on a grid so that some are tied.
labels = (rng.random(70) < 1 / 7).astype(int)
p = np.clip(np.round(0.2 + 0.35 * labels + 0.2 * rng.standard_normal(70), 2), 0.01, 0.99).astype(np.float32)
both = np.stack([1 - p, p], axis=1)
named = (p > 0.5).astype(int)

# Four classes, of which the last never occurs among the first 40 rows and the third is never named.
labels4 = np.concatenate([rng.integers(0, 3, 40), rng.integers(0, 4, 10)])
scores4 = rng.standard_normal((50, 4))
scores4[np.arange(50), labels4] += 1.0
scores4[:, 2] = -9.0
p4 = np.exp(scores4)
p4 = (p4 / p4.sum(axis=1, keepdims=True)).astype(np.float32)
named4 = p4.argmax(axis=1)

# Two values an example.
truth = rng.normal(5.0, 3.0, (30, 2)).astype(np.float32)
said = (truth + rng.normal(0.3, 1.0, (30, 2))).astype(np.float32)

print("// Written by tests/golden/make_metrics.py with scikit-learn; not edited by hand.")
print("#ifndef UNDYING_TRAIN_METRICS_GOLDEN_H_\n#define UNDYING_TRAIN_METRICS_GOLDEN_H_\n\n#include <cstdint>\n#include <vector>\n")
print("namespace undying::golden {\n\n// clang-format off")
print(array("labels", "std::int32_t", labels), end="")
print(array("probabilities", "float", p), end="")
print(number("accuracy", float(metrics.accuracy_score(labels, named))), end="")
print(number("balanced_accuracy", float(metrics.balanced_accuracy_score(labels, named))), end="")
print(number("f1", float(metrics.f1_score(labels, named, average="macro"))), end="")
print(number("auc", float(metrics.roc_auc_score(labels, p))), end="")
print(number("log_loss", float(metrics.log_loss(labels, both.astype(np.float64) / both.sum(axis=1, keepdims=True)))), end="")
print(array("balanced_weights", "double", compute_class_weight("balanced", classes=np.array([0, 1]), y=labels)), end="")
print(array("labels_of_four", "std::int32_t", labels4), end="")
print(array("probabilities_of_four", "float", p4.reshape(-1)), end="")
print(number("balanced_accuracy_of_four", float(metrics.balanced_accuracy_score(labels4, named4))), end="")
print(number("f1_of_four", float(metrics.f1_score(labels4, named4, average="macro"))), end="")
print(number("log_loss_of_four", float(metrics.log_loss(labels4, p4.astype(np.float64) / p4.sum(axis=1, keepdims=True), labels=[0, 1, 2, 3]))), end="")
print(array("truth", "float", truth.reshape(-1)), end="")
print(array("said", "float", said.reshape(-1)), end="")
print(number("rmse", math.sqrt(float(metrics.mean_squared_error(truth, said)))), end="")
print(number("mae", float(metrics.mean_absolute_error(truth, said))), end="")
print(number("r2", float(metrics.r2_score(truth, said, multioutput="variance_weighted"))), end="")
print("// clang-format on\n\n}  // namespace undying::golden\n\n#endif  // UNDYING_TRAIN_METRICS_GOLDEN_H_")

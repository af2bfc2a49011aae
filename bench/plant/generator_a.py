"""Generator A: what thresholds and truths were settled on. Its figures are not reported."""

from functools import partial

import data
from plan import Plan


def plan():
    return Plan(
        seed=1,
        counts={"healthy": 60, "healthy_sparse": 30, "vanishing": 40, "exploding": 40},
        classes=[partial(data.blobs, n=800, inputs=10, classes=4),
                 partial(data.rings, n=1000, inputs=6, classes=3)],
        values=[partial(data.waves, n=800, inputs=8)],
        images=[partial(data.prototypes, n=600, side=8, classes=4)],
        widths=(12, 32), depths=(1, 3), deep=(8, 14), channels=(4, 8), kinds=("relu", "leaky_relu", "tanh"),
        rates=(0.01, 0.05), large=(0.5, 3.0), huge=(20.0, 200.0), tiny=(1e-8, 1e-6),
        scales=(20.0, 200.0), margin=(0.02, 1.0),
    )  # fmt: skip

"""Generator B: other data, widths, depths, rates, margins and seeds than A's, and networks that A
has not; written when what counts as found had been settled on A. The table is of this one."""

from functools import partial

import numpy

import data
import faults
import network as nets
from plan import Case, Plan, with_flat_inputs


def dead_by_bias(plan, rng):
    """Behind batch norms, one time in three: the bias is the norm's."""
    if rng.random() < 2 / 3:
        return faults.dead_by_bias(plan, rng)
    what = plan.data(rng)
    network = plan.mlp(rng, what, with_norm=True)
    return Case("dead by bias", network, what, plan.training(rng), faults.silence(plan))


def exploding(plan, rng):
    """One time in four through residual sums."""
    if rng.random() < 0.75:
        return faults.exploding(plan, rng)
    what = plan.data(rng)
    blocks = int(rng.integers(plan.deep[0], plan.deep[1] + 1)) // 2
    ops = nets.residual(rng, what.inputs.shape[1], plan.widths_of(rng, 1)[0], blocks, what.outputs())
    for op in ops:
        for inner in op.body:
            if inner.kind == "dense":
                inner.weight *= numpy.float32(rng.uniform(*plan.growths))
    return Case("exploding", with_flat_inputs(what, ops), what, families={"scale": False})


def healthy(plan, rng):
    """One time in five residual."""
    if rng.random() < 0.8:
        return faults.healthy(plan, rng)
    what, kind = plan.data(rng), str(rng.choice(plan.kinds))
    ops = nets.residual(rng, what.inputs.shape[1], plan.widths_of(rng, 1)[0],
                        int(rng.integers(1, 4)), what.outputs(), kind)  # fmt: skip
    return Case("healthy", with_flat_inputs(what, ops), what, plan.training(rng),
                families=dict(faults.LEARNS), healthy=True)  # fmt: skip


def plan():
    return Plan(
        seed=20261129,
        counts={"healthy": 80, "healthy_sparse": 40, "vanishing": 60, "exploding": 60,
                "vanishing_rescaled": 45},
        classes=[partial(data.heavy_tails, n=1000, inputs=16, classes=4),
                 partial(data.rings, n=1200, inputs=4, classes=2),
                 partial(data.blobs, n=900, inputs=24, classes=6, apart=3.5)],
        values=[partial(data.waves, n=900, inputs=5, outputs=2)],
        images=[partial(data.fashion, n=1000), partial(data.prototypes, n=700, side=12, classes=7)],
        widths=(20, 64), depths=(2, 4), deep=(9, 18), channels=(5, 12),
        kinds=("relu", "leaky_relu", "elu", "tanh"),
        rates=(0.005, 0.03), large=(0.3, 2.0), huge=(10.0, 500.0), tiny=(1e-9, 1e-6),
        scales=(30.0, 500.0), margin=(0.01, 2.0), gains=(0.05, 0.35), sigmoids=(0.2, 0.8),
        growths=(2.0, 8.0), killing=(0.005, 0.15), slow=(0.0005, 0.02), far=(10.0, 400.0),
        lags=(0.3, 3.0), small=(0.001, 0.03), offsets=(2.0, 20.0), scalings=(0.03, 0.25),
        first=100, variants={"dead_by_bias": dead_by_bias, "exploding": exploding, "healthy": healthy},
    )  # fmt: skip

"""What is true of a network and its data: of units and signals by the oracle's pass over the whole
of D, of the rest by how the network was planted. Bands between true and false are scored by nobody
and counted (`None`)."""

from dataclasses import dataclass, field

import numpy

import oracle

# Of the gradient with respect to the first pre-activation over that with respect to the last, root
# mean squares: vanished below the first, healthy above the second; exploded beyond their inverses.
VANISHED, HEALTHY = 1e-4, 1e-2
LEARNED = 0.25  # skill, from which a training that was planned to succeed has
NEAR_ZERO = 1e-5  # of the largest |z| of a unit: float32 and double may differ there
TAU, EPSILON, SATURATED_SHARE = 0.025, 1e-3, 0.95
CONSTANT = 1e-6
SATURATING = ("tanh", "sigmoid", "elu")
UNSURE = 1.2  # a share or mean that is within this factor of its threshold is near it


@dataclass
class Units:
    """Of one activation's units: what is so, and where rounding may turn it, or a finding of another
    name says it (`near`): saturated units are not called constant, nor constant ones negative."""

    dead: numpy.ndarray
    constant: numpy.ndarray
    negative: numpy.ndarray
    dormant: numpy.ndarray
    saturated: numpy.ndarray
    near: dict


@dataclass
class Truth:
    units: list
    families: dict = field(default_factory=dict)  # family -> True, False or None
    figures: dict = field(default_factory=dict)
    labels: dict = field(default_factory=dict)  # finding -> per layer, True, False or None

    def dead(self):
        return sum(int(each.dead.sum()) for each in self.units)

    def mostly_dead(self):
        """A layer with more dead units than living ones: what the rules of layers ask."""
        return any(each.dead.mean() > 0.5 for each in self.units)


def flat(values):
    """(n, units, ...) -> (units, n * positions)"""
    return numpy.moveaxis(values, 1, 0).reshape(values.shape[1], -1)


def within(values, threshold):
    return (values > threshold / UNSURE) & (values < threshold * UNSURE)


def units_of(op, z, h):
    z, h = flat(z), flat(h)
    slope = numpy.abs(oracle.slopes(op, z))
    largest = z.max(1)
    silent = largest <= 0
    dead = {"relu": silent, "sigmoid": h.max(1) < oracle.SMALLEST}.get(op.kind, silent & False)
    near = numpy.abs(largest) <= NEAR_ZERO * numpy.abs(z).max(1)
    spread, size = numpy.ptp(h, 1), numpy.abs(h).max(1)
    share = (slope < EPSILON).mean(1)
    saturated = (share >= SATURATED_SHARE) & (op.kind in SATURATING) & ~dead
    constant = ~dead & ~saturated & (spread <= CONSTANT * size)
    nearly = ~dead & (spread <= 1e3 * CONSTANT * size) & (spread > 0)
    mean = numpy.abs(h).mean(1)
    return Units(
        dead=dead,
        constant=constant,
        negative=silent & ~dead,
        dormant=~silent & (mean <= TAU * mean.mean()),
        saturated=saturated,
        near={
            "dead": near, "constant": nearly | near, "negative": near | constant | nearly,
            "dormant": near | within(mean, TAU * mean.mean()),
            "saturated": numpy.abs(share - SATURATED_SHARE) < 0.01,
        },
    )  # fmt: skip


def rank_of(h, rows=512):
    """Effective rank of a layer's outputs over evenly spaced examples; of channels at a position
    each, which moves from example to example."""
    chosen = numpy.arange(min(rows, len(h))) * len(h) // min(rows, len(h))
    pooled = h.reshape(*h.shape[:2], -1)
    places = numpy.arange(len(chosen)) * 7919 % pooled.shape[2]
    sample = pooled[chosen, :, places]
    sigma = numpy.linalg.svd(sample, compute_uv=False)
    share = sigma[sigma > 0] / sigma.sum()
    return float(numpy.exp(-(share * numpy.log(share)).sum())) if sigma.sum() > 0 else 0.0


def root_mean_square(values):
    """That does not underflow."""
    largest = numpy.abs(values).max()
    return float(largest * numpy.sqrt(((values / largest) ** 2).mean())) if largest > 0 else 0.0


def skill(seen, targets, classes):
    """Of the way from one answer for all to no error: accuracy, or squared error."""
    if classes:
        base = numpy.bincount(targets).max() / len(targets)
        return (seen.accuracy - base) / (1 - base)
    return 1 - seen.loss / targets.reshape(len(targets), -1).var(0).mean()


def band(ratio, low, high):
    return True if ratio < low else False if ratio > high else None


def judge(network, seen, vary=True):
    """`seen`: the oracle's pass over the whole of D, whose inputs vary or do not."""
    acts = network.activations()
    finite = bool(numpy.isfinite(seen.output).all()) and all(
        numpy.isfinite(each).all() for each in (*seen.z, *seen.delta, *seen.gradients.values())
    )
    if not finite:
        return Truth([], {"vanishing": None, "exploding": True, "not finite": True})
    truth = Truth([units_of(*each) for each in zip(acts, seen.z, seen.h)])
    for units in truth.units if not vary else []:  # then every unit is constant
        units.near["constant"][:] = True
    for before, after in zip(truth.units, truth.units[1:]):
        if (before.dead | before.constant).all():  # that repeats what stands before it
            after.near["constant"][:] = True
    alive = [d for d, units in zip(seen.delta, truth.units) if not units.dead.all()]
    sizes = [root_mean_square(each) for each in alive] or [1.0]
    ratio = sizes[0] / sizes[-1] if sizes[-1] > 0 else numpy.nan
    truth.figures = {"gradient": ratio}
    lost = truth.mostly_dead()  # what fades there fades by death
    truth.families = {
        "vanishing": None if lost or not ratio == ratio else band(ratio, VANISHED, HEALTHY),
        "exploding": None if not ratio == ratio else
        band(1 / ratio if ratio > 0 else numpy.inf, VANISHED, HEALTHY),
        "not finite": False,
        "silent output": bool((numpy.ptp(seen.output, 0) == 0).all()),
    }  # fmt: skip
    truth.labels["collapsed layer"] = [
        None if 1.05 < rank < 1.15 else 0 < rank <= 1.05 and h.shape[1] >= 8
        for rank, h in ((rank_of(h), h) for h in seen.h)
    ]
    return truth

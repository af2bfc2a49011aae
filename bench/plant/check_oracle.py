"""Whether the oracle's gradients are those of central differences of its own loss."""

import numpy

import network as nets
import oracle


def networks(rng):
    yield nets.Network((1, 6, 6), nets.cnn(rng, (1, 6, 6), [3, 4], 7, 3, "elu", True))
    yield nets.Network((5,), nets.residual(rng, 5, 8, 2, 3, "tanh"))
    yield nets.Network((5,), nets.mlp(rng, 5, [6, 7], 3, "sigmoid", with_norm=True))


def error(rng, network, x, y, classes, samples=6, step=1e-5):
    """The largest relative difference over some weights of each layer."""
    worst = 0.0
    for op in network.weighted():
        op.weight = op.weight.astype(float)
        gradient = oracle.look(network, x, y, classes).gradients[op.name].reshape(op.weight.shape)
        scale = numpy.abs(gradient).max()
        for _ in range(samples):
            place = tuple(rng.integers(extent) for extent in op.weight.shape)
            there, losses = op.weight[place], []
            for moved in (there + step, there - step):
                op.weight[place] = moved
                losses.append(oracle.look(network, x, y, classes).loss)
            op.weight[place] = there
            slope = (losses[0] - losses[1]) / (2 * step)
            worst = max(worst, abs(slope - gradient[place]) / scale)
    return worst


def agrees():
    rng, worst = numpy.random.default_rng(1), 0.0
    for network in networks(rng):
        x = rng.standard_normal((20, *network.shape))
        worst = max(worst, error(rng, network, x, rng.integers(3, size=20), 3),
                    error(rng, network, x, rng.standard_normal((20, 3)), 0))  # fmt: skip
    return worst < 1e-4

"""Deaths whose cause is known. A case is a run of training in which units die: because only one part
of what makes their pre-activation could move (`cause`), or as it comes, and then training again with
a part held still tells (`retrain.Run`)."""

from dataclasses import dataclass

import numpy

import network as nets
import oracle
from data import Data
from plan import with_flat_inputs
from retrain import Descent


STEPS = 120


@dataclass
class Death:
    """`layer`: the number of the activation of whose deaths `cause` is true; None: nothing is known
    beforehand of any. `frozen`: tensors that stand still."""

    kind: str
    network: nets.Network
    data: Data
    descent: Descent
    steps: int
    cause: str | None = None
    layer: int | None = None
    frozen: tuple = ()


def tensors(op):
    return {f"{op.name}.{role}" for role, values in (("weight", op.weight), ("bias", op.bias))
            if values is not None}  # fmt: skip


def in_order(network):
    return [op for op in network.walk() if op.kind in nets.WEIGHTED]


def everything(network):
    return set().union(*map(tensors, in_order(network)))


def far_away(plan, rng, data):
    """The same inputs, with values to predict that are far from what the network puts out: training
    pulls all outputs one way."""
    y = numpy.eye(data.classes)[data.targets] if data.classes else data.targets
    far = rng.choice([-1.0, 1.0]) * plan.rate(rng, "far")
    return Data(data.name, data.inputs, (y + far).astype(numpy.float32), 0, data.train)


def some(plan, rng, least=1, pull=True):
    """A network of at least so many hidden layers of rectifiers and its data; one in four
    convolutional."""
    images = rng.random() < 0.25
    data = plan.data(rng, "images" if images else str(rng.choice(["classes", "values"])))
    data = far_away(plan, rng, data) if pull else data
    if images:
        return plan.cnn(rng, data), data
    depth = max(least, int(rng.integers(plan.depths[0], plan.depths[1] + 1)))
    return dense_of(plan, rng, data, depth), data


def dense_of(plan, rng, data, depth, **options):
    inputs = int(numpy.prod(data.inputs.shape[1:]))
    return with_flat_inputs(data, nets.mlp(rng, inputs, plan.widths_of(rng, depth), data.outputs(),
                                           **options))  # fmt: skip


def descent_of(plan, rng, which):
    return Descent(plan.rate(rng, which), float(rng.choice([0.0, 0.9])), 32, clip=20.0)


def only(part):
    """All that z depends on stands still, but that part; half of the time the layers behind do, too,
    so that nothing else can follow the targets."""

    def make(plan, rng):
        network, data = some(plan, rng, 2 if part == "below" else 1)
        layer = int(rng.integers(part == "below", len(network.activations())))
        own = network.before(network.activations()[layer])
        order = in_order(network)
        place = order.index(own)
        moves = {"bias": {f"{own.name}.bias"}, "weights": {f"{own.name}.weight"},
                 "below": set().union(*map(tensors, order[:place]), set())}[part]  # fmt: skip
        if rng.random() < 0.5:
            moves = moves.union(*map(tensors, order[place + 1 :]))
        return Death(f"only {part} can move", network, data, descent_of(plan, rng, "killing"), STEPS,
                     part, layer, tuple(sorted(everything(network) - moves)))  # fmt: skip

    return make


def normalised(plan, rng, data):
    """A network with a batch norm in front of one of its activations, whose statistics are those of
    the data (the unbiased variance, which is what training keeps). Also the number of that
    activation, the norm, and the largest of what it makes of the data before scale and shift, a unit
    each."""
    network = dense_of(plan, rng, data, int(rng.integers(1, plan.depths[1] + 1)))
    layer = int(rng.integers(len(network.activations())))
    place = network.ops.index(network.activations()[layer])
    x = oracle.Run().forward(network.ops[:place], data.part()[0].astype(float))
    norm = nets.norm(x.shape[1])
    norm.mean, norm.variance = x.mean(0).astype(numpy.float32), x.var(0, ddof=1).astype(numpy.float32)
    ops = network.ops[:place] + [norm] + network.ops[place:]
    top = (oracle.Run.step(norm, x)[0]).max(0)
    return nets.Network(network.shape, ops), layer, norm, top


def only_statistics(plan, rng):
    """A running mean that is not yet that of the data, and a shift so far below 0 that some units
    fire for that alone. What comes before does not learn, what comes behind does."""
    data = plan.data(rng)
    network, layer, norm, top = normalised(plan, rng, data)
    norm.bias = (-top * rng.uniform(0.6, 1.5, len(top))).astype(numpy.float32)
    lag = top * rng.uniform(*plan.lags, len(top))
    norm.mean = (norm.mean - lag * numpy.sqrt(norm.variance)).astype(numpy.float32)
    order = in_order(network)
    frozen = set().union(*map(tensors, order[: order.index(norm) + 1]))
    return Death("only statistics can move", network, data, descent_of(plan, rng, "rates"), STEPS,
                 "statistics", layer, tuple(sorted(frozen)))  # fmt: skip


def only_shift(plan, rng):
    """Behind a batch norm only its shift (beta) learns; a batch is all of the data, whose statistics
    the norm has from the start."""
    data = far_away(plan, rng, plan.data(rng, str(rng.choice(["classes", "values"]))))
    network, layer, norm, _ = normalised(plan, rng, data)
    descent = descent_of(plan, rng, "killing")
    descent.batch = data.train
    return Death("only a norm's shift can move", network, data, descent, STEPS, "bias", layer,
                 tuple(sorted(everything(network) - {f"{norm.name}.bias"})))  # fmt: skip


def led_by_bias(plan, rng):
    """One hidden layer learns, weights and biases; its inputs are small, the weights as much larger:
    in effect their rate is smaller by the square."""
    data = far_away(plan, rng, plan.data(rng, str(rng.choice(["classes", "values", "images"]))))
    network = dense_of(plan, rng, data, 1)
    size = plan.rate(rng, "small")
    network.weighted()[0].weight /= numpy.float32(size)
    return Death("a layer moves, inputs are small", network, data.changed(inputs=data.inputs * size),
                 descent_of(plan, rng, "killing"), STEPS,
                 frozen=tuple(sorted(tensors(network.weighted()[-1]))))  # fmt: skip


def led_by_weights(plan, rng):
    """Everything learns, and inputs lie far from 0, the weights as much smaller."""
    network, data = some(plan, rng)
    offset = plan.rate(rng, "offsets")
    network.weighted()[0].weight /= numpy.float32(offset)
    return Death("everything moves, inputs are far from 0", network,
                 data.changed(inputs=data.inputs + offset), descent_of(plan, rng, "killing"), STEPS)  # fmt: skip


def led_by_below(plan, rng):
    """Everything learns, but a layer puts out little of what the next makes much of: in effect the
    first one's rate is larger by the square, the next one's smaller."""
    data = far_away(plan, rng, plan.data(rng, str(rng.choice(["classes", "values"]))))
    depth = max(2, int(rng.integers(plan.depths[0], plan.depths[1] + 1)))
    network = dense_of(plan, rng, data, depth)
    size = numpy.float32(plan.rate(rng, "scalings"))
    first, second = network.weighted()[:2]
    first.weight *= size
    second.weight /= size
    return Death("everything moves, a layer is scaled down", network, data,
                 descent_of(plan, rng, "slow"), STEPS)  # fmt: skip


def free(plan, rng):
    """Classes or values as they are, at too large a rate."""
    network, data = some(plan, rng, pull=False)
    return Death("everything moves, too large a rate", network, data,
                 descent_of(plan, rng, "large"), STEPS)  # fmt: skip


def free_far(plan, rng):
    network, data = some(plan, rng)
    return Death("everything moves, targets are far away", network, data,
                 descent_of(plan, rng, "killing"), STEPS)  # fmt: skip


only_bias, only_weights, only_below = only("bias"), only("weights"), only("below")
ONLY = [only_bias, only_weights, only_below, only_statistics, only_shift]
LED = [led_by_bias, led_by_weights, led_by_below]  # by effective rates
KINDS = [*ONLY, *LED, free, free_far]

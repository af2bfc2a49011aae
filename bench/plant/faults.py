"""How faults are planted. Each function of `KINDS` takes a plan and a generator of random numbers
and gives a case."""

import numpy

import network as nets
import oracle
from plan import Case, Training, with_flat_inputs

LEARNS = {"scale": False, "reach": False, "not learned": False}
KILLED = {"scale": False, "reach": False}  # what it has learned may be lost with its units


def largest(network, data, layer):
    """The largest z of each unit of an activation over the training part, and its spread."""
    seen = oracle.look(network, *data.part(), data.classes)
    z = numpy.moveaxis(seen.z[layer], 1, 0).reshape(seen.z[layer].shape[1], -1)
    return z.max(1), z.std(1) + 1e-3


def move(network, data, layer, units, to):
    """Shifts biases until the largest z of these units is `to` spreads."""
    op = network.before(network.activations()[layer])
    top, spread = largest(network, data, layer)
    bias = op.bias.astype(float)
    bias[units] += to * spread[units] - top[units]
    op.bias = bias.astype(numpy.float32)


def silence(plan, share=(0.05, 0.6), whole=0.15):
    """Some units of each rectifier below 0 on all of D, as many decoys that fire on little of it;
    now and then a whole layer."""

    def finish(rng, network, data):
        layers = [i for i, op in enumerate(network.activations()) if op.kind == "relu"]
        lost = rng.choice(layers) if rng.random() < whole else -1
        for layer in layers:
            count = len(network.before(network.activations()[layer]).bias)
            order = rng.permutation(count)
            dead = count if layer == lost else max(1, int(rng.uniform(*share) * count))
            move(network, data, layer, order[:dead], -rng.uniform(*plan.margin))
            move(network, data, layer, order[dead : 2 * dead], rng.uniform(*plan.margin))
            if layer == lost:
                break
        return network, data

    return finish


def dead_by_bias(plan, rng):
    network, data = plan.some_network(rng)
    return Case("dead by bias", network, data, plan.training(rng), silence(plan))


def dead_by_rate(plan, rng):
    network, data = plan.some_network(rng)
    return Case("dead by rate", network, data, plan.training(rng, "large"))


def dead_by_scale(plan, rng):
    """Inputs as they were measured: far from 0, and large. The control trains alike on the same
    inputs at unit scale."""
    data = plan.data(rng)
    size, offset = plan.rate(rng, "scales"), rng.uniform(-3, 3, data.inputs.shape[1])
    raw = data.changed(inputs=(data.inputs + offset) * size)
    return Case("dead by input scale", plan.mlp(rng, data), raw, plan.training(rng), control=data,
                families={"reach": False})  # fmt: skip


def dead_by_shift(plan, rng):
    """Healthy on the data of its training; the data that it meets is shifted and stretched."""
    data = plan.data(rng)

    def finish(rng, network, data):
        direction = rng.standard_normal(data.inputs.shape[1])
        direction *= rng.uniform(3, 30) / numpy.linalg.norm(direction)
        return network, data.changed(inputs=data.inputs * rng.uniform(0.5, 1.5) + direction)

    return Case("dead by data shift", plan.mlp(rng, data), data, plan.training(rng), finish,
                families={"reach": False})  # fmt: skip


def dead_by_init(plan, rng):
    """An initial draw that kills: biases far below, weights below 0 where inputs are above,
    zeros, one constant."""
    network, data = plan.some_network(rng)
    weighted = [op for op in network.weighted()[:-1]]
    op = weighted[rng.integers(len(weighted))]
    how = rng.choice(["bias", "negative", "zero", "few zeros", "constant"])
    count = len(op.weight)
    if how == "bias":
        op.bias = (-rng.uniform(0.5, 6) * rng.random(count)).astype(numpy.float32)
    elif how == "negative":
        data = data.changed(inputs=numpy.abs(data.inputs))
        op.weight = -numpy.abs(op.weight)
    elif how == "zero":
        op.weight = numpy.zeros_like(op.weight)
        op.bias = rng.choice([0.0, -0.1, 0.1], count).astype(numpy.float32)
    elif how == "few zeros":
        some = rng.random(count) < 0.3
        op.weight[some] = 0.0
        op.bias[some] = rng.choice([0.0, -0.1, 0.1], int(some.sum())).astype(numpy.float32)
    else:
        op.weight = numpy.full_like(op.weight, rng.choice([-1.0, 1.0]) * 0.05)
    training = plan.training(rng) if rng.random() < 0.5 else None
    return Case("dead by initialisation", network, data, training)


def constant_inputs(plan, rng):
    """Columns that say nothing beside others that do; one time in five, no column says anything."""
    data = plan.data(rng)
    x = data.inputs.copy()
    nothing = rng.random() < 0.2
    some = rng.random(x.shape[1]) < (1.0 if nothing else 0.4)
    x[:, some] = rng.choice([0.0, 1.0, 3.0], int(some.sum()))
    families = {"scale": False, "reach": False, "not learned": nothing}
    return Case("constant inputs", plan.mlp(rng, data), data.changed(inputs=x), plan.training(rng),
                families=families, healthy=not nothing)  # fmt: skip


def frozen_layers(plan, rng):
    """The first layers are drawn and never trained; those behind them learn."""
    data = plan.data(rng)
    width = max(plan.widths)
    features = nets.mlp(rng, data.inputs.shape[1], [width], width)[:2]
    for op in features:
        op.frozen = True
    head = nets.mlp(rng, width, plan.widths_of(rng), data.outputs())
    return Case("frozen layers", nets.Network(data.inputs.shape[1:], features + head), data,
                plan.training(rng), families=dict(LEARNS), healthy=True)  # fmt: skip


def dropout(plan, rng):
    data = plan.data(rng)
    network = plan.mlp(rng, data, dropout=float(rng.choice([0.2, 0.3, 0.5])))
    planted = rng.random() < 0.5
    finish = silence(plan, whole=0.0) if planted else None
    return Case("dropout", network, data, plan.training(rng), finish,
                families=dict(KILLED if planted else LEARNS), healthy=not planted)  # fmt: skip


def residual_branches(plan, rng):
    """Half of them with a branch whose layer is dead: the path around it carries on."""
    data = plan.data(rng)
    width, blocks = plan.widths_of(rng, 1)[0], int(rng.integers(2, 5))
    ops = nets.residual(rng, data.inputs.shape[1], width, blocks, data.outputs())
    planted = rng.random() < 0.5

    def finish(rng, network, data):
        layer = 1 + rng.integers(blocks)
        units = numpy.arange(len(network.before(network.activations()[layer]).bias))
        move(network, data, layer, units, -rng.uniform(*plan.margin))
        return network, data

    return Case("residual branches", nets.Network(data.inputs.shape[1:], ops), data,
                plan.training(rng), finish if planted else None,
                families=dict(KILLED if planted else LEARNS), healthy=not planted)  # fmt: skip


def deep(plan, rng, kind, factor, values):
    data = plan.data(rng, "values" if values else "classes")
    depth = int(rng.integers(plan.deep[0], plan.deep[1] + 1))
    ops = nets.mlp(rng, data.inputs.shape[1], plan.widths_of(rng, depth), data.outputs(), kind)
    for op in ops[:-1]:
        if op.kind == "dense":
            op.weight *= numpy.float32(factor)
    return with_flat_inputs(data, ops), data


def vanishing(plan, rng):
    """Deviations a layer far below those that keep a signal, or sigmoids, whose slope is 1/4."""
    kind = str(rng.choice(["relu", "leaky_relu", "tanh", "sigmoid"]))
    factor = rng.uniform(*plan.sigmoids) if kind == "sigmoid" else rng.uniform(*plan.gains)
    network, data = deep(plan, rng, kind, factor, rng.random() < 0.3)
    if rng.random() < 0.5:
        for op in network.weighted():
            op.bias = (0.1 * rng.standard_normal(len(op.bias))).astype(numpy.float32)
    training = plan.training(rng, epochs=2) if rng.random() < 0.5 else None
    return Case("vanishing by depth", network, data, training, families={"scale": False})


def exploding(plan, rng):
    kind = str(rng.choice(["relu", "leaky_relu", "elu"]))
    network, data = deep(plan, rng, kind, rng.uniform(*plan.growths), rng.random() < 0.3)
    training = Training(1e-9, epochs=2) if rng.random() < 0.3 else None
    return Case("exploding", network, data, training, families={"scale": False})


def small_inputs(plan, rng):
    """Not a fault of depth: the first gradient is as small as the inputs are. Or as large."""
    data = plan.data(rng)
    size = 10 ** rng.choice([-4.0, -3.0, 2.0])
    network = plan.mlp(rng, data)
    network.weighted()[0].weight /= numpy.float32(size)  # as a norm in front would have it
    return Case("inputs of another unit", network, data.changed(inputs=data.inputs * size),
                families={"reach": False})  # fmt: skip


def vanishing_rescaled(plan, rng):
    """Vanishing by depth, whatever unit the inputs are in: the gradients of the first weights are as
    much smaller or larger."""
    case = vanishing(plan, rng)
    size = 10 ** rng.choice([-4.0, -2.0, 2.0, 4.0, 6.0])
    case.network.weighted()[0].weight /= numpy.float32(size)
    return Case("vanishing, inputs of another unit", case.network,
                case.data.changed(inputs=case.data.inputs * size))  # fmt: skip


ENDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "relu": (0.0, numpy.inf)}


def out_of_reach(plan, rng):
    """The last activation ends before the targets do; one time in three it does not."""
    data = plan.data(rng, "values")
    end = str(rng.choice(list(ENDS)))
    reaches = rng.random() < 1 / 3
    y = data.targets / numpy.abs(data.targets).max()  # within -1 and 1
    if reaches:
        y = 0.9 * y if end == "tanh" else 0.5 + 0.45 * y
    elif end == "tanh":
        y = y * rng.uniform(1.5, 20)
    elif end == "sigmoid":
        y = y if rng.random() < 0.5 else 0.5 + y * rng.uniform(1.5, 20)
    network = plan.mlp(rng, data, str(rng.choice(plan.kinds)))
    network.ops.append(nets.activation(end))
    return Case("output out of reach", network, data.changed(targets=y.astype(numpy.float32)),
                plan.training(rng), families={"scale": False, "reach": not reaches},
                outputs_end=end)  # fmt: skip


def label_noise(plan, rng):
    """Labels without relation to the inputs, judged on held-out examples; or a third of them."""
    network, data = plan.some_network(rng)
    all_of_them = rng.random() < 0.6
    wrong = rng.random(len(data.targets)) < (1.0 if all_of_them else 0.3)
    y = numpy.where(wrong, rng.integers(data.classes, size=len(wrong)), data.targets)
    return Case("label noise", network, data.changed(targets=y), plan.training(rng), part="test",
                families={**LEARNS, "not learned": all_of_them})  # fmt: skip


def small_rate(plan, rng):
    network, data = plan.some_network(rng)
    return Case("too small a rate", network, data, plan.training(rng, "tiny"),
                families={**LEARNS, "not learned": True})  # fmt: skip


def large_rate(plan, rng):
    network, data = plan.some_network(rng)
    return Case("too large a rate", network, data, plan.training(rng, "huge"),
                families={"scale": False, "reach": False})  # fmt: skip


def healthy(plan, rng):
    """Fully connected, convolutional, with batch norm, of classes and of values."""
    kind = str(rng.choice(plan.kinds))
    what = str(rng.choice(["classes", "classes", "values", "images"]))
    data = plan.data(rng, what)
    network = plan.cnn(rng, data, kind, bool(rng.random() < 0.5)) if what == "images" else \
        plan.mlp(rng, data, kind, with_norm=bool(rng.random() < 0.2))  # fmt: skip
    return Case("healthy", network, data, plan.training(rng), families=dict(LEARNS), healthy=True)


def healthy_sparse(plan, rng):
    """Units that answer to few examples: a threshold just under what its own examples reach. Every
    unit fires somewhere, most outputs are 0; the layer behind is solved for, not trained."""
    data = plan.data(rng)
    x, y = data.part()
    count = int(rng.integers(*plan.widths)) + data.classes
    chosen = x[rng.choice(len(x), count, replace=False)]
    weight = chosen / (numpy.linalg.norm(chosen, axis=1, keepdims=True) + 1e-6)
    z = x @ weight.T
    rates = rng.choice([0.005, 0.01, 0.03, 0.1, 0.2], count)
    bias = -numpy.array([numpy.quantile(z[:, j], 1 - rate) for j, rate in enumerate(rates)])
    hidden = nets.Op("dense", weight=weight.astype(numpy.float32), bias=bias.astype(numpy.float32))
    h = numpy.maximum(z + bias, 0)
    both = numpy.hstack([h, numpy.ones((len(h), 1))])
    wanted = 4.0 * numpy.eye(data.classes)[y]
    solved = numpy.linalg.solve(both.T @ both + 0.1 * numpy.eye(both.shape[1]), both.T @ wanted)
    out = nets.Op("dense", weight=solved[:-1].T.astype(numpy.float32),
                  bias=solved[-1].astype(numpy.float32))  # fmt: skip
    return Case("healthy sparse", nets.Network(x.shape[1:], [hidden, nets.activation("relu"), out]),
                data, families=dict(LEARNS), healthy=True)  # fmt: skip


KINDS = [
    dead_by_bias, dead_by_rate, dead_by_scale, dead_by_shift, dead_by_init, constant_inputs,
    frozen_layers, dropout, residual_branches, vanishing, exploding, small_inputs, out_of_reach,
    label_noise, small_rate, large_rate, healthy, healthy_sparse,
    vanishing_rescaled,
]  # fmt: skip

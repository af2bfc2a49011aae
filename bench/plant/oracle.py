"""What is true of a network, in double, by formulas of its own: forward and backward over the whole
of a data set. It shares no code with Undying."""

from dataclasses import dataclass, field

import numpy

SMALLEST = 1.1754944e-38  # what counts as an output of 0


def windows(x, side):
    """(n, c, h, w) -> (n, h, w, c * side * side), zero padding."""
    pad = side // 2
    padded = numpy.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    view = numpy.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(2, 3))
    n, _, h, w = x.shape
    return view.transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, -1)


def per_unit(values, ndim):
    """A row of parameters a unit against (n, units, ...)."""
    return values.astype(float).reshape((1, -1) + (1,) * (ndim - 2))


def slopes(op, z):
    if op.kind == "relu":
        return (z > 0).astype(float)
    if op.kind == "leaky_relu":
        return numpy.where(z > 0, 1.0, op.value)
    if op.kind == "elu":
        return numpy.where(z > 0, 1.0, numpy.exp(numpy.minimum(z, 0)))
    if op.kind == "tanh":
        return 1 - numpy.tanh(z) ** 2
    return value(op, z) * (1 - value(op, z))


def value(op, z):
    if op.kind == "relu":
        return numpy.maximum(z, 0)
    if op.kind == "leaky_relu":
        return numpy.where(z > 0, z, op.value * z)
    if op.kind == "elu":
        return numpy.where(z > 0, z, numpy.expm1(numpy.minimum(z, 0)))
    if op.kind == "tanh":
        return numpy.tanh(z)
    return 0.5 * (1 + numpy.tanh(0.5 * z))


@dataclass
class Pass:
    """One forward and backward pass over some examples."""

    output: numpy.ndarray
    loss: float
    accuracy: float
    z: list = field(default_factory=list)  # of each activation, in the order of the file
    h: list = field(default_factory=list)
    delta: list = field(default_factory=list)  # d(mean loss) / dz
    gradients: dict = field(default_factory=dict)  # name -> d(mean loss) / d(weight)
    biases: dict = field(default_factory=dict)


class Run:
    """A tape: what each operator read, from the first on."""

    def __init__(self):
        self.tape = []

    def forward(self, ops, x):
        for op in ops:
            if op.kind == "residual":
                self.tape.append((op, "in", None))
                inside = self.forward(op.body, x)
                self.tape.append((op, "out", None))
                x = x + inside
                continue
            y, kept = self.step(op, x)
            self.tape.append((op, x, kept if kept is not None else y))
            x = y
        return x

    @staticmethod
    def step(op, x):
        if op.kind == "dense":
            y = x @ op.weight.astype(float).T
            return (y + op.bias if op.bias is not None else y), None
        if op.kind == "conv":
            columns = windows(x, op.weight.shape[2])
            y = columns @ op.weight.reshape(len(op.weight), -1).astype(float).T
            return y.transpose(0, 3, 1, 2) + per_unit(op.bias, 4), columns
        if op.kind == "norm":
            inverse = 1 / numpy.sqrt(per_unit(op.variance, x.ndim) + 1e-5)
            y = (x - per_unit(op.mean, x.ndim)) * inverse
            return y * per_unit(op.weight, x.ndim) + per_unit(op.bias, x.ndim), None
        if op.kind == "pool":
            n, c, h, w = x.shape
            tiles = x[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2)
            tiles = tiles.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
            return tiles.max(-1), tiles.argmax(-1)
        if op.kind == "flatten":
            return x.reshape(len(x), -1), None
        return (x, None) if op.kind == "dropout" else (value(op, x), None)

    def backward(self, grad, found):
        shortcuts = []
        for op, x, kept in reversed(self.tape):
            if op.kind == "residual":
                if isinstance(x, str) and x == "out":
                    shortcuts.append(grad)
                else:
                    grad = grad + shortcuts.pop()
                continue
            grad = self.back_step(op, x, kept, grad, found)
        return grad

    @staticmethod
    def back_step(op, x, kept, grad, found):
        if op.kind == "dense":
            found.gradients[op.name] = grad.T @ x
            found.biases[op.name] = grad.sum(0)
            return grad @ op.weight.astype(float)
        if op.kind == "conv":
            rows = grad.transpose(0, 2, 3, 1)
            flat = rows.reshape(-1, rows.shape[-1])
            found.gradients[op.name] = flat.T @ kept.reshape(len(flat), -1)
            found.biases[op.name] = flat.sum(0)
            turned = op.weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).astype(float)
            columns = windows(grad, op.weight.shape[2])
            return (columns @ turned.reshape(len(turned), -1).T).transpose(0, 3, 1, 2)
        if op.kind == "norm":
            inverse = 1 / numpy.sqrt(per_unit(op.variance, x.ndim) + 1e-5)
            return grad * per_unit(op.weight, x.ndim) * inverse
        if op.kind == "pool":
            out = numpy.zeros((*grad.shape, 4))
            numpy.put_along_axis(out, kept[..., None], grad[..., None], -1)
            n, c, h, w = grad.shape
            out = out.reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5)
            whole = numpy.zeros(x.shape)
            whole[:, :, : 2 * h, : 2 * w] = out.reshape(n, c, 2 * h, 2 * w)
            return whole
        if op.kind == "flatten":
            return grad.reshape(x.shape)
        if op.kind == "dropout":
            return grad
        delta = grad * slopes(op, x)
        found.z.insert(0, x)
        found.h.insert(0, kept)
        found.delta.insert(0, delta)
        return delta


def loss_of(output, targets, classes):
    """Mean loss, accuracy, d(loss) / d(output): cross-entropy of classes, else squared error."""
    n = len(output)
    if classes == 0:
        difference = output - targets.reshape(output.shape)
        size = difference.shape[1]
        return (difference**2).mean(), numpy.nan, 2 * difference / (n * size)
    shifted = output - output.max(1, keepdims=True)
    logs = shifted - numpy.log(numpy.exp(shifted).sum(1, keepdims=True))
    rows = numpy.arange(n)
    grad = numpy.exp(logs)
    grad[rows, targets] -= 1
    return -logs[rows, targets].mean(), (output.argmax(1) == targets).mean(), grad / n


def look(network, inputs, targets, classes):
    with numpy.errstate(all="ignore"):
        run = Run()
        output = run.forward(network.ops, inputs.astype(float))
        loss, accuracy, grad = loss_of(output, targets, classes)
        found = Pass(output, float(loss), float(accuracy))
        run.backward(grad, found)
    return found


def descend(network, inputs, targets, classes, rate, batch, steps):
    """Plain gradient descent of the oracle's own, in place; true as soon as a number is not finite.
    For networks without batch norm."""
    weighted = network.weighted()
    for step in range(steps):
        rows = numpy.arange(step * batch, (step + 1) * batch) % len(inputs)
        found = look(network, inputs[rows], targets[rows], classes)
        for op in weighted:
            with numpy.errstate(all="ignore"):
                op.weight = op.weight - rate * found.gradients[op.name].reshape(op.weight.shape)
                op.bias = op.bias - rate * found.biases[op.name]
        # What float32 holds no more.
        sizes = [numpy.abs(op.weight).max() for op in weighted] + [abs(found.loss)]
        if not numpy.max(sizes) < 3e38:
            return True
    return False

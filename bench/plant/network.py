"""Networks of the planted faults: a list of operators with their numbers, written as ONNX by the
onnx package. Nothing of Undying's own writer takes part."""

import copy
import json
import struct
from dataclasses import dataclass, field

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

ACTIVATIONS = {"relu": "Relu", "leaky_relu": "LeakyRelu", "elu": "Elu", "tanh": "Tanh",
               "sigmoid": "Sigmoid"}  # fmt: skip
WEIGHTED = ("dense", "conv", "norm")


@dataclass(eq=False)
class Op:
    """`kind`: dense (out, in), conv (out, in, k, k; stride 1, zero padding), norm (batch norm that
    evaluates), an activation, pool (2 x 2 maxima), flatten, dropout, residual (x + body(x))."""

    kind: str
    name: str = ""
    weight: numpy.ndarray | None = None
    bias: numpy.ndarray | None = None
    mean: numpy.ndarray | None = None  # of a norm
    variance: numpy.ndarray | None = None
    value: float = 0.0  # slope of leaky_relu, rate of dropout
    frozen: bool = False
    body: list = field(default_factory=list)


class Network:
    def __init__(self, shape, ops):
        self.shape, self.ops = tuple(shape), ops
        for number, op in enumerate(each for each in self.walk() if each.kind in WEIGHTED):
            op.name = f"l{number}"

    def copy(self):
        return copy.deepcopy(self)

    def walk(self, ops=None):
        for op in self.ops if ops is None else ops:
            yield op
            yield from self.walk(op.body)

    def weighted(self):
        return [op for op in self.walk() if op.kind in ("dense", "conv")]

    def activations(self):
        return [op for op in self.walk() if op.kind in ACTIVATIONS]

    def finite(self):
        return all(numpy.isfinite(op.weight).all() for op in self.weighted())

    def before(self, activation):
        """What makes the pre-activation: a dense or conv, or the norm behind one."""
        last = None
        for op in self.walk():
            if op is activation:
                return last
            if op.kind in WEIGHTED:
                last = op
        raise ValueError("not an activation of this network")

    def load(self, file):
        """Takes over weights that `undying train --out FILE.safetensors` wrote."""
        tensors = read_safetensors(file)
        roles = {"weight": "weight", "bias": "bias", "mean": "mean", "variance": "var"}
        for op in self.walk():
            for role, suffix in roles.items():
                if getattr(op, role) is not None and not op.frozen:
                    setattr(op, role, tensors.pop(f"{op.name}.{suffix}"))
        left = [name for name in tensors if not name.endswith(".slope")]
        if left:
            raise ValueError(f"{file}: tensors that the network has not: {', '.join(left)}")
        return self

    def save(self, file, buffers=()):
        """`buffers`: tensors by name that no training is to touch, named so in the way of PyTorch's
        exporter."""
        writer = Writer(buffers)
        name = writer.add(self.ops, "x")
        shapes = [helper.make_tensor_value_info(each, TensorProto.FLOAT, shape)
                  for each, shape in (("x", ["N", *self.shape]), (name, None))]  # fmt: skip
        graph = helper.make_graph(writer.nodes, "planted", shapes[:1], shapes[1:], writer.tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        onnx.save(model, str(file))


class Writer:
    def __init__(self, buffers=()):
        self.nodes, self.tensors, self.count = [], [], 0
        self.buffers = set(buffers)

    def tensor(self, name, values):
        self.tensors.append(numpy_helper.from_array(values.astype(numpy.float32), name))
        return name

    def node(self, operator, inputs, **attributes):
        self.count += 1
        output = f"v{self.count}"
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        if self.buffers and len(inputs) > 1:
            self.note(self.nodes[-1], inputs[1:])
        return output

    def note(self, node, names):
        """Which of its tensors are parameters, and which are buffers."""
        told = ", ".join(f"%{'b' if name in self.buffers else 'p'}_{name.replace('.', '_')}"
                         for name in names)  # fmt: skip
        module = names[0].split(".")[0]
        call = f"%{module} : = call_function[target={module}](args = (%x, {told}))"
        for key, text in (("fx_node", call), ("name_scopes", f"['', '{module}', '{module}']")):
            entry = node.metadata_props.add()
            entry.key, entry.value = f"pkg.torch.onnx.{key}", text

    def add(self, ops, x):
        for op in ops:
            x = self.node("Add", [x, self.add(op.body, x)]) if op.body else self.one(op, x)
        return x

    def one(self, op, x):
        names = [x] + [self.tensor(f"{op.name}.{suffix}", values)
                       for suffix, values in (("weight", op.weight), ("bias", op.bias),
                                              ("mean", op.mean), ("var", op.variance))
                       if values is not None]  # fmt: skip
        if op.kind == "dense":
            return self.node("Gemm", names, transB=1)
        if op.kind == "conv":
            side = op.weight.shape[2]
            return self.node("Conv", names, kernel_shape=[side] * 2, pads=[side // 2] * 4)
        if op.kind == "norm":
            return self.node("BatchNormalization", names, epsilon=1e-5)
        if op.kind == "pool":
            return self.node("MaxPool", names, kernel_shape=[2, 2], strides=[2, 2])
        if op.kind == "flatten":
            return self.node("Flatten", names, axis=1)
        if op.kind == "dropout":
            self.count += 1
            rate = self.tensor(f"rate{self.count}", numpy.array(op.value))
            return self.node("Dropout", [x, rate])
        slope = {"leaky_relu": {"alpha": op.value}, "elu": {"alpha": 1.0}}.get(op.kind, {})
        return self.node(ACTIVATIONS[op.kind], names, **slope)


def read_safetensors(file):
    content = file.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    tensors = {}
    for name, entry in json.loads(content[8 : 8 + size]).items():
        if name != "__metadata__":
            first, last = (8 + size + offset for offset in entry["data_offsets"])
            values = numpy.frombuffer(content[first:last], numpy.float32)
            tensors[name] = values.reshape(entry["shape"]).copy()
    return tensors


def dense(rng, outputs, inputs, gain=2.0, bias=True):
    """Weights of N(0, gain / inputs); 2 is He et al. 2015."""
    weight = rng.standard_normal((outputs, inputs)) * numpy.sqrt(gain / inputs)
    return Op("dense", weight=weight.astype(numpy.float32),
              bias=numpy.zeros(outputs, numpy.float32) if bias else None)  # fmt: skip


def conv(rng, outputs, inputs, side=3, gain=2.0):
    weight = rng.standard_normal((outputs, inputs, side, side))
    weight *= numpy.sqrt(gain / (inputs * side * side))
    return Op("conv", weight=weight.astype(numpy.float32), bias=numpy.zeros(outputs, numpy.float32))


def norm(units):
    ones, zeros = numpy.ones(units, numpy.float32), numpy.zeros(units, numpy.float32)
    return Op("norm", weight=ones, bias=zeros, mean=zeros.copy(), variance=ones.copy())


def activation(kind, slope=0.01):
    return Op(kind, value=slope if kind == "leaky_relu" else 0.0)


def mlp(rng, inputs, widths, outputs, kind="relu", gain=2.0, dropout=0.0, with_norm=False):
    ops = []
    for width in widths:
        ops.append(dense(rng, width, inputs, gain))
        ops += [norm(width)] if with_norm else []
        ops.append(activation(kind))
        ops += [Op("dropout", value=dropout)] if dropout else []
        inputs = width
    return ops + [dense(rng, outputs, inputs, 1.0)]


def cnn(rng, shape, channels, width, outputs, kind="relu", with_norm=False):
    ops, (depth, side, _) = [], shape
    for count in channels:
        ops.append(conv(rng, count, depth))
        ops += [norm(count)] if with_norm else []
        ops += [activation(kind), Op("pool")]
        depth, side = count, side // 2
    return ops + [Op("flatten")] + mlp(rng, depth * side * side, [width], outputs, kind)


def residual(rng, inputs, width, blocks, outputs, kind="relu"):
    ops = [dense(rng, width, inputs), activation(kind)]
    for _ in range(blocks):
        body = [dense(rng, width, width), activation(kind), dense(rng, width, width, 0.5)]
        ops.append(Op("residual", body=body))
    return ops + [dense(rng, outputs, width, 1.0)]

"""Reads as much of an ONNX file as export_models.py checks, without a protobuf library: Debian's PyTorch comes without one for ONNX."""

from dataclasses import dataclass

import numpy as np


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def fields(data):
    """The fields of a protobuf message: number -> values in order, an integer or bytes each."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
            value, at = data[at : at + size], at + size
        found.setdefault(key >> 3, []).append(value)
    return found


@dataclass
class Node:
    operator: str
    inputs: list
    outputs: list


class Model:
    """Field numbers are those of onnx.proto."""

    def __init__(self, content):
        self.content = content
        model = fields(content)
        graph = fields(model[7][0])
        self.opset = fields(model[8][0])[2][0]
        self.nodes = [Node(n[4][0].decode(), [i.decode() for i in n.get(1, [])], [o.decode() for o in n[2]]) for n in map(fields, graph[1])]
        self.tensors = {}  # the float32 initializers
        for tensor in map(fields, graph.get(5, [])):
            if tensor[2][0] == 1:
                self.tensors[tensor[8][0].decode()] = np.frombuffer(tensor[9][0], np.float32)

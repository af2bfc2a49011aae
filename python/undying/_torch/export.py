"""A PyTorch network as an ONNX file, by PyTorch's own exporter, with the names of its parameters and of its calls of activations."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from dataclasses import dataclass
from typing import Any

import torch

from .._errors import InputError
from .wrappers import Frozen, device_of

_INPUT = "x"
_EXAMPLES = 4  # in the sample: a batch of 1 would be taken for a constant
_WAY_OUT = (
    "Export it yourself, or a part of it that can be exported, by torch.onnx.export(..., dynamo=True), and pass the"
    " file; undying.watch(model) needs no export"
)


@dataclass
class Activation:
    """A call of an activation in the network that was exported."""

    path: str  # of the module that makes it
    operator: str  # of ONNX


@dataclass
class Exported:
    """A network as it was: the file, and what its nodes are in PyTorch."""

    model: bytes
    sample: Any  # inputs, (examples, ...), as a numpy array
    keyword: str | None  # that they go by
    activations: dict[str, Activation]  # by the names of their nodes


def _reason(error: BaseException) -> str:
    """What PyTorch says of it, without its traces: of the innermost error that says anything."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:4]) or type(error).__name__


@contextlib.contextmanager
def _quiet():
    """The exporter talks on several channels."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _program(model: torch.nn.Module, sample: torch.Tensor, keyword: str | None, open_batch: bool) -> Any:
    inputs = {"args": (sample,)} if keyword is None else {"args": (), "kwargs": {keyword: sample}}
    batch = {0: torch.export.Dim("batch")}
    shapes = ((batch,) if keyword is None else {keyword: batch}) if open_batch else None
    return torch.onnx.export(
        model,
        **inputs,
        dynamo=True,
        optimize=False,  # which would fold batch norms and merge parameters that are equal by chance
        verbose=False,
        dynamic_shapes=shapes,
        input_names=[_INPUT],
    )


def _try_export(model: torch.nn.Module, sample: torch.Tensor, keyword: str | None) -> Any:
    """With the number of examples open where the network allows it."""
    try:
        return _program(model, sample, keyword, True)
    except ImportError:
        raise
    except Exception as first:
        try:
            return _program(model, sample, keyword, False)
        except Exception:
            raise first from None


def _simplify(program: Any) -> None:
    """Folds what is known, but no parameter: they keep their names."""
    from onnxscript import optimizer

    def of_parameters(node: Any) -> bool | None:
        return False if any(value is not None and value.is_initializer() for value in node.inputs) else None

    optimizer.inline(program.model)
    optimizer.fold_constants(program.model, onnx_shape_inference=True, should_fold=of_parameters)


def _scopes(node: Any) -> list[str]:
    for entry in node.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            return [part.strip().strip("'\"") for part in entry.value.strip("[]").split(",")]
    return []


_ACTIVATIONS = {
    "Relu": "relu",
    "LeakyRelu": "leaky_relu",
    "PRelu": "prelu",
    "Elu": "elu",
    "Selu": "selu",
    "Celu": "celu",
    "Clip": "relu6",
    "HardSwish": "hardswish",
}


def _call_name(modules: dict[str, torch.nn.Module], path: str, operator: str) -> str:
    """As undying.watch has it: the path of the module, and of one with parts what it calls. A number is no name, nor is a path of what
    the exporter made."""
    if not path.isdigit() and path in modules and not modules[path]._modules:
        return path
    return ".".join(filter(None, (path, _ACTIVATIONS[operator])))


def _name_activations(model: torch.nn.Module, proto: Any) -> dict[str, Activation]:
    """Gives each call of an activation the name it has in undying.watch."""
    found: dict[str, Activation] = {}
    taken = {node.name for node in proto.graph.node}
    modules = {path: module for path, module in model.named_modules(remove_duplicate=False) if path}
    for node in proto.graph.node:
        scopes = _scopes(node)
        if node.op_type not in _ACTIVATIONS or len(scopes) < 2:
            continue
        base = _call_name(modules, scopes[-2], node.op_type)
        name, count = base, 1
        while name in found or name in taken:
            count += 1
            name = f"{base}#{count}"
        node.name = name
        del node.metadata_props[:]  # which would name it otherwise
        found[name] = Activation(scopes[-2], node.op_type)
    return found


def export(model: torch.nn.Module, inputs: torch.Tensor, keyword: str | None = None) -> Exported:
    """`inputs`: (examples, ...) of the type that the network takes."""
    count = min(len(inputs), _EXAMPLES)
    sample = inputs[:count].to(device_of(model))
    try:
        with Frozen(model), torch.no_grad(), _quiet():
            program = _try_export(model, sample, keyword)
            _simplify(program)
            proto = program.model_proto
            activations = _name_activations(model, proto)
            content = proto.SerializeToString()
    except ImportError as error:
        raise InputError(
            f"[model] PyTorch's exporter needs {error.name}: pip install onnxscript", "model", "unsupported"
        ) from error
    except Exception as error:
        raise InputError(
            f"[model] {type(model).__name__} cannot be exported: PyTorch says: {_reason(error)}. {_WAY_OUT}",
            "model",
            "unsupported",
        ) from error
    return Exported(content, sample.cpu().numpy(), keyword, activations)

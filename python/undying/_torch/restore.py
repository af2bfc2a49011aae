"""A healed or pruned network back into the PyTorch module that it came from."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from .._errors import InputError
from .export import Exported
from .swaps import swap
from .wrappers import Frozen, device_of, unwrapped

_TOLERANCE = 1e-4  # of the check that a network answers as its file does, relative to the largest answer


def _outputs(model: torch.nn.Module, exported: Exported) -> list[np.ndarray]:
    sample = torch.from_numpy(exported.sample).to(device_of(model))
    with Frozen(model), torch.no_grad():
        given = model(sample) if exported.keyword is None else model(**{exported.keyword: sample})
    leaves = torch.utils._pytree.tree_leaves(given)
    return [leaf.float().cpu().numpy() for leaf in leaves if torch.is_tensor(leaf)]


def _attributes(node: Any) -> dict[str, Any]:
    import onnx

    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def _module_of(node: Any, tensors: dict[str, np.ndarray]) -> torch.nn.Module | None:
    """The activation that an ONNX node is, of those that remedies bring."""
    given = _attributes(node)
    if node.op_type == "LeakyRelu":
        return torch.nn.LeakyReLU(given.get("alpha", 0.01))
    if node.op_type == "Elu":
        return torch.nn.ELU(given.get("alpha", 1.0))
    if node.op_type == "PRelu":
        slope = torch.from_numpy(tensors[node.input[1]].reshape(-1).copy())
        module = torch.nn.PReLU(len(slope))
        with torch.no_grad():
            module.weight.copy_(slope)
        return module
    return None


class _File:
    """An ONNX file: its tensors and the calls of activations, by name."""

    def __init__(self, content: bytes):
        import onnx
        from onnx import numpy_helper

        self.proto = onnx.load_model_from_string(content)
        graph = self.proto.graph
        self.tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self.nodes = {node.name: node for node in graph.node}

    def outputs(self, sample: np.ndarray) -> list[np.ndarray]:
        from onnx.reference import ReferenceEvaluator

        session = ReferenceEvaluator(self.proto)
        return session.run(None, {self.proto.graph.input[0].name: sample})


def _swaps(healed: _File, exported: Exported) -> dict[str, Any]:
    """Nodes of other activations, by the module that calls them; one each."""
    found: dict[str, Any] = {}
    for name, call in exported.activations.items():
        node = healed.nodes.get(name)
        if node is None or node.op_type == call.operator:
            continue
        if call.path in found and node.op_type == "PRelu":
            raise InputError(
                f"[apply_to] {call.path} is called more than once, and its slopes were learned for each call; expected"
                " a module for each call, or remedies without prelu",
                "apply_to",
                "unsupported",
            )
        found[call.path] = node
    return found


def _fit_shape(module: torch.nn.Module) -> None:
    """The sizes that a module says it has, of the tensors that it has now."""
    weight = module.weight
    if isinstance(module, torch.nn.Linear):
        module.out_features, module.in_features = weight.shape
    elif isinstance(module, torch.nn.modules.conv._ConvNd):
        if isinstance(module, torch.nn.modules.conv._ConvTransposeNd):
            module.in_channels, module.out_channels = weight.shape[0], weight.shape[1] * module.groups
            return
        if module.groups == module.in_channels == module.out_channels and module.groups > 1:  # one a channel
            module.groups = weight.shape[0]
        module.out_channels, module.in_channels = weight.shape[0], weight.shape[1] * module.groups
    elif isinstance(module, torch.nn.modules.batchnorm._NormBase):
        module.num_features = len(weight)
    elif isinstance(module, torch.nn.PReLU):
        module.num_parameters = len(weight)


def _put(module: torch.nn.Module, name: str, values: np.ndarray) -> None:
    """A parameter or buffer gets values: in place where the shape is the same, so that optimizers keep theirs."""
    old = getattr(module, name)
    new = torch.from_numpy(values.copy())
    if old is not None and old.numel() == new.numel():
        old.copy_(new.reshape(old.shape))
        return
    like = old if old is not None else module.weight
    new = new.to(dtype=like.dtype, device=like.device)
    if name in module._buffers:
        setattr(module, name, new)
    else:
        requires = old.requires_grad if old is not None else True
        setattr(module, name, torch.nn.Parameter(new, requires_grad=requires))
    if getattr(module, "weight", None) is not None:
        _fit_shape(module)


def _put_tensors(model: torch.nn.Module, tensors: dict[str, np.ndarray]) -> list[str]:
    """The names of trained parameters that the file does not have."""
    missing = []
    for path, module in model.named_modules():
        prefix = path + "." if path else ""
        for name in [*module._parameters, *module._buffers]:
            values = tensors.get(prefix + name)
            if values is None:
                if name in module._parameters and getattr(module, name) is not None:
                    missing.append(prefix + name)
            elif getattr(module, name) is not None or values.any():  # a bias that was left out and is still 0
                _put(module, name, values)
    return missing


@torch.no_grad()
def _apply(model: torch.nn.Module, healed: _File, exported: Exported) -> list[str]:
    missing = _put_tensors(model, healed.tensors)
    for path, node in _swaps(healed, exported).items():
        replacement = _module_of(node, healed.tensors)
        if replacement is None:
            raise InputError(f"[apply_to] {node.op_type} of {path} has no counterpart here", "apply_to", "unsupported")
        swap(model, path, replacement.to(device_of(model)))
    return missing


def _check_same(model: torch.nn.Module, healed: _File, exported: Exported, missing: list[str]) -> None:
    wanted = healed.outputs(exported.sample)
    reason = ""
    try:
        found = _outputs(model, exported)
        pairs = list(zip(found, wanted, strict=True))
        off = np.max([np.abs(a.reshape(-1) - b.reshape(-1)).max() / max(1.0, np.abs(b).max()) for a, b in pairs], initial=0.0)
        if not off <= _TOLERANCE:  # NaN is no answer either
            reason = f"it would answer otherwise than the network that was found, by {off:.2g}"
    except (RuntimeError, ValueError) as error:
        reason = f"its forward pass fails then: {error}"
    if reason:
        lost = f"; not found in the file: {', '.join(missing)}" if missing else ""
        raise InputError(
            f"[apply_to] {type(model).__name__}: {reason}{lost}. Nothing was changed; save_model(path) writes the"
            " network as an ONNX file",
            "apply_to",
            "unsupported",
        )


def _copy(model: torch.nn.Module) -> torch.nn.Module:
    """Old weight norms leave the weight that a forward pass computed in their module, with its graph, which cannot be copied."""
    values = [value for module in model.modules() for value in vars(module).values() if torch.is_tensor(value)]
    return copy.deepcopy(model, {id(value): value.detach().clone() for value in values if not value.is_leaf})


def apply_to(model: torch.nn.Module, content: bytes, exported: Exported) -> torch.nn.Module:
    """Puts the network of an ONNX file into the module that it was exported from, or one like it. All or nothing."""
    if not isinstance(model, torch.nn.Module):
        raise InputError(
            f"[apply_to] got a {type(model).__name__}; expected the torch.nn.Module that was looked at, or one like it",
            "apply_to",
            "invalid argument",
        )
    model = unwrapped(model)
    names, shapes = set(dict(model.named_parameters())), _File(exported.model).tensors
    if not names & set(shapes):
        raise InputError(
            f"[apply_to] {type(model).__name__} has no parameter of the network that was looked at", "apply_to", "invalid argument"
        )
    healed = _File(content)
    trial = _copy(model)
    missing = _apply(trial, healed, exported)
    _check_same(trial, healed, exported, missing)
    _apply(model, healed, exported)
    return model

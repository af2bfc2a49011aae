"""Other activations in place of those that a network calls."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from .._errors import InputError
from .activations import NOTATION

_PLACE = "swapped_activation"  # the child of a module whose own code calls an activation


class _Mode(TorchFunctionMode):
    def __init__(self, calls: SwappedCalls, replacement: torch.nn.Module):
        super().__init__()
        self.calls = calls
        self.replacement = replacement

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        known = None if self.calls.inside else NOTATION.get(function)
        if known is None or known(args, kwargs) not in ("relu", "relu6"):
            return function(*args, **kwargs)
        z = args[0] if args else kwargs["input"]
        h = self.replacement(z)
        in_place = kwargs.get("inplace", False) or getattr(function, "__name__", "").endswith("_")
        return z.copy_(h) if in_place else h


class SwappedCalls:
    """Hooks of a module whose own code calls relu: it calls its child `swapped_activation` instead. What the modules within it call is
    theirs."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.open: list[_Mode] = []
        self.inside = 0  # modules within it that run
        for each in module.modules():
            each.register_forward_pre_hook(self.enter if each is module else self._enter_child)
            each.register_forward_hook(self.leave if each is module else self._leave_child, always_call=True)

    def enter(self, module: torch.nn.Module, inputs: Any) -> None:
        mode = _Mode(self, getattr(module, _PLACE))
        mode.__enter__()
        self.open.append(mode)

    def leave(self, module: torch.nn.Module, inputs: Any, outputs: Any) -> None:
        self.open.pop().__exit__(None, None, None)

    def _enter_child(self, module: torch.nn.Module, inputs: Any) -> None:
        self.inside += 1

    def _leave_child(self, module: torch.nn.Module, inputs: Any, outputs: Any) -> None:
        self.inside -= 1


def _swap_function(module: torch.nn.Module, replacement: torch.nn.Module) -> bool:
    """A function that the module keeps as an attribute, as nn.TransformerEncoderLayer does."""
    for name, value in list(vars(module).items()):
        if not callable(value) or value not in NOTATION or NOTATION[value]((), {}) not in ("relu", "relu6"):
            continue
        delattr(module, name)
        setattr(module, name, replacement)
        if hasattr(module, f"{name}_relu_or_gelu"):  # which picks a kernel that knows these two alone
            setattr(module, f"{name}_relu_or_gelu", 0)
        return True
    return False


def _swap_module(model: torch.nn.Module, path: str, replacement: torch.nn.Module) -> None:
    """Under every name that it has."""
    old = model.get_submodule(path)
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if module is old:
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, replacement)


def swap(model: torch.nn.Module, path: str, replacement: torch.nn.Module) -> None:
    """`path`: of an activation module, or of one whose own code calls an activation."""
    module = dict(model.named_modules(remove_duplicate=False)).get(path)
    if module is None:
        raise InputError(
            f"[apply_to] the activation of {path} is called by no module of {type(model).__name__}: the exporter made it. save_model(path)"
            " writes the network as an ONNX file",
            "apply_to",
            "unsupported",
        )
    replacement.train(module.training)
    if type(module).__module__ == "torch.nn.modules.activation" and not module._modules:
        _swap_module(model, path, replacement)
    elif not _swap_function(module, replacement):
        if not hasattr(module, _PLACE):
            SwappedCalls(module)
        setattr(module, _PLACE, replacement)

"""Finding the activation calls of a network while it runs: by torch's function mode, within the forward pass of the network alone."""

from __future__ import annotations

import weakref
from typing import Any, Callable

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from .activations import NOTATION, WEIGHTED, differs_in_training


class Call:
    """One call of an activation: which it is, and what was before it in the forward pass."""

    __slots__ = ("name", "notation", "owner", "before", "source", "reader", "differs")

    def __init__(
        self,
        name: str,
        notation: str,
        owner: torch.nn.Module,
        before: torch.nn.Module | None,
        source: torch.nn.Module | None,
        differs: bool,
    ):
        self.name = name
        self.notation = notation
        self.owner = owner  # the module whose code calls it
        self.before = before  # the module that ended last
        self.source = source  # the last linear layer or convolution among them
        self.reader: torch.nn.Module | None = None  # the next one that runs behind it
        self.differs = differs  # whether something before it works otherwise in training than in evaluation


#: Called with the call, the function and its arguments, in place of the function; gives what that gives.
Handler = Callable[[Call, Any, tuple, dict], torch.Tensor]


class _Mode(TorchFunctionMode):
    def __init__(self, calls: "Calls"):
        super().__init__()
        self.calls = calls

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        known = NOTATION.get(function)
        notation = None if known is None else known(args, kwargs)
        if notation is None:
            return function(*args, **kwargs)
        return self.calls.meet(function, notation, args, kwargs)


class Calls:
    """Watches the forward passes of a module, or of parts of it that are called on their own, while it is open.

    Layers are calls: a module that is called twice is two.
    """

    def __init__(self, model: torch.nn.Module, handler: Handler):
        self.model = weakref.ref(model)
        self.handler = handler
        self.names = {id(module): name for name, module in model.named_modules()}
        self.hooks: list = []
        self.inside: list[torch.nn.Module] = []
        self.mode: _Mode | None = None
        self.before: torch.nn.Module | None = None
        self.source: torch.nn.Module | None = None
        self.differs = False
        self.counts: dict[str, int] = {}
        self.unread: list[Call] = []

    def open(self) -> None:
        if not self.hooks:
            self.hooks = [register_module_forward_pre_hook(self._enter), register_module_forward_hook(self._leave, always_call=True)]

    def close(self) -> None:
        for hook in self.hooks:
            hook.remove()
        self.hooks = []

    def _enter(self, module: torch.nn.Module, inputs: Any) -> None:
        if not self.inside and self.model() is not None and id(module) in self.names:
            self.before, self.source, self.counts, self.unread = None, None, {}, []
            self.differs = self.differs and module is not self.model()  # what a part is given went through the parts before it
            self.mode = _Mode(self)
            self.mode.__enter__()
        if self.mode is None:
            return
        self.inside.append(module)
        if isinstance(module, WEIGHTED):
            for call in self.unread:
                call.reader = module
            self.unread = []

    def _leave(self, module: torch.nn.Module, inputs: Any, outputs: Any) -> None:
        if self.mode is None:
            return
        if self.inside and self.inside[-1] is module:
            self.inside.pop()
        if not module._modules:
            self.before = module
            self.source = module if isinstance(module, WEIGHTED) else self.source
            self.differs = self.differs or differs_in_training(module)
        if not self.inside:
            self.mode.__exit__(None, None, None)
            self.mode = None

    def meet(self, function: Any, notation: str, args: tuple, kwargs: dict) -> torch.Tensor:
        place = self.names.get(id(self.inside[-1]), "")
        if self.inside[-1]._modules:  # called by the forward() of a module with parts, not a part itself
            place = ".".join(filter(None, (place, notation.split(":")[0])))
        count = self.counts[place] = self.counts.get(place, 0) + 1
        name = f"{place}#{count}" if count > 1 else place
        call = Call(name, notation, self.inside[-1], self.before, self.source, self.differs)
        self.unread.append(call)
        return self.handler(call, function, args, kwargs)

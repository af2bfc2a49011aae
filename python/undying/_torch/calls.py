"""Finding the activation calls of a network while it runs: by torch's function mode, within the forward pass of the network alone."""

from __future__ import annotations

import threading
import weakref
from typing import Any, Protocol

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode, _pop_torch_function_stack, _push_on_torch_function_stack

from .activations import ACTIVATIONS, NOTATION, PLAIN, WEIGHTED, differs_in_training


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


class Handler(Protocol):
    """What is done about a call."""

    def meet(self, call: Call, function: Any, args: tuple, kwargs: dict) -> torch.Tensor:
        """In place of the function; gives what that gives. Of a call that is known (Calls.know) `before(call, z)` and, where it does
        not fail, `after(h)` may stand for it."""


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

    Layers are calls: a module that is called twice is two. The mode, which costs each function that is called some microseconds, steps aside
    for torch's own modules where they call nothing that is to be met, or one activation that is known: hooks see its input and its output.
    """

    def __init__(self, model: torch.nn.Module, handler: Handler):
        self.model = weakref.ref(model)
        self.handler = handler
        self.names = {id(module): name for name, module in model.named_modules()}
        self.hooks: list = []
        self.inside: list[torch.nn.Module] = []
        self.mode: _Mode | None = None
        self.thread = 0  # whose pass it is: hooks are the process's, the stack of modes is a thread's
        self.ended: list[torch.nn.Module] = []  # in this pass, those without parts
        self.differs = False  # whether something in the passes of parts before this one works otherwise in training
        self.counts: dict[str, int] = {}
        self.known: dict[str, Call] = {}
        self.aside: torch.nn.Module | None = None  # for which the mode has stepped aside
        self.met: Call | None = None  # the call that is the whole of it
        self.unread: list[Call] = []

    def open(self) -> None:
        if not self.hooks:
            self.hooks = [register_module_forward_pre_hook(self._enter), register_module_forward_hook(self._leave, always_call=True)]

    def close(self) -> None:
        for hook in self.hooks:
            hook.remove()
        self.hooks = []

    # Called for every module of the process: what is only asked for when a call is new is found out then.

    def _enter(self, module: torch.nn.Module, inputs: Any) -> None:
        if self.mode is not None and self.thread != threading.get_ident():
            return
        if self.inside and module is self.inside[0]:
            self._forget()
        if self.mode is None:
            if id(module) not in self.names or self.model() is None:
                return
            # What a part is given went through the parts before it.
            self.differs = module is not self.model() and self._differs()
            self.ended, self.counts, self.unread = [], {}, []
            self.thread = threading.get_ident()
            self.mode = _Mode(self)
            self.mode.__enter__()
        self.inside.append(module)
        if self.unread and isinstance(module, WEIGHTED):
            for call in self.unread:
                call.reader = module
            self.unread = []
        self._step_aside(module, inputs)

    def _step_aside(self, module: torch.nn.Module, inputs: Any) -> None:
        kind = type(module)
        if kind in ACTIVATIONS:
            place = self.names.get(id(module), "")
            count = self.counts.get(place, 0) + 1
            call = self.known.get(f"{place}#{count}" if count > 1 else place)
            if call is None or not inputs:
                return
        elif kind in PLAIN:
            call = None
        else:
            return
        if module._forward_pre_hooks or "forward" in module.__dict__:
            return  # whatever a user has put into it is met
        if not self._step_off():
            return
        self.aside = module
        if call is not None:
            self.counts[place], self.met = count, call
            self.handler.before(call, inputs[0])

    def _step_off(self) -> bool:
        """Takes the mode off the stack, where it is on top; else a user's, or another watch's, is."""
        if torch._C._len_torch_function_stack() == 0:
            return False
        top = _pop_torch_function_stack()
        if top is not self.mode:
            _push_on_torch_function_stack(top)
        return top is self.mode

    def _forget(self) -> None:
        """A pass that never ended: Ctrl-C is no exception for which torch calls its hooks."""
        self._step_off()
        self.mode = self.aside = self.met = None
        self.inside = []

    def _leave(self, module: torch.nn.Module, inputs: Any, outputs: Any) -> None:
        if self.mode is None or self.thread != threading.get_ident():
            return
        met = None
        if self.aside is module:
            met, self.aside, self.met = self.met, None, None
            _push_on_torch_function_stack(self.mode)
        try:
            if met is not None and outputs is not None:
                self.handler.after(outputs)
        finally:
            self._end(module)

    def _end(self, module: torch.nn.Module) -> None:
        if self.inside and self.inside[-1] is module:
            self.inside.pop()
        if not module._modules:
            self.ended.append(module)
        if not self.inside:
            self.mode.__exit__(None, None, None)
            self.mode = None

    def _differs(self) -> bool:
        return self.differs or any(map(differs_in_training, self.ended))

    def know(self, call: Call) -> None:
        """No other one is made for its name from now on."""
        self.known[call.name] = call

    def meet(self, function: Any, notation: str, args: tuple, kwargs: dict) -> torch.Tensor:
        owner = self.inside[-1]
        place = self.names.get(id(owner), "")
        if owner._modules:  # called by the forward() of a module with parts, not a part itself
            place = ".".join(filter(None, (place, notation.split(":")[0])))
        count = self.counts[place] = self.counts.get(place, 0) + 1
        name = f"{place}#{count}" if count > 1 else place
        call = self.known.get(name)
        if call is None:
            before = self.ended[-1] if self.ended else None
            source = next((each for each in reversed(self.ended) if isinstance(each, WEIGHTED)), None)
            call = Call(name, notation, owner, before, source, self._differs())
            self.unread.append(call)
        return self.handler.meet(call, function, args, kwargs)

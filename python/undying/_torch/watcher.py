"""The units of a PyTorch network while somebody else trains it."""

from __future__ import annotations

import warnings
import weakref
from typing import Any, Callable, Iterable

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from .._errors import ConditionMet, InputError
from .._results import Record
from . import census, conditions
from .calls import Call, Calls
from .counts import CensusCounts, Pool, StepCounts, pool_for
from .layer import Layer
from .report import WatchReport
from .wrappers import is_compiled, unwrapped


_UNSEEN = (
    "expected optimizer steps on the network's own parameters, after forward passes in training mode (model.train()), while it is watched;"
    " with an optimizer that is none of torch.optim call count_step() after each"
)


class Watch:
    """What undying.watch() gives. `layers`, `step`, `actions`; `report()`, `findings()`, `census(loader)`, `close()`; a context manager."""

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        every: int = 50,
        exact: bool = False,
        fail_on: str | Iterable[str] | None = None,
        rules: Iterable[Callable[["Watch"], None]] = (),
        on_transfer: Callable[["Watch"], None] | None = None,
        tau: float = 0.025,
        eps: float = 1e-3,
    ):
        if not isinstance(model, torch.nn.Module):
            raise InputError(f"[model] is a {type(model).__name__}; expected a torch.nn.Module", "model", "invalid argument")
        if every < 1:
            raise InputError(f"[every] is {every}; expected a number of steps of at least 1", "every", "invalid argument")
        self._compiled = is_compiled(model)
        if self._compiled and exact:
            raise InputError(
                "[exact] cannot be had of a compiled network, whose steps call nothing that could count; expected exact=False, which runs"
                " the steps that it counts uncompiled",
                "exact",
                "unsupported",
            )
        model = unwrapped(model)
        self._model = weakref.ref(model)
        self._parameters = {id(parameter) for parameter in model.parameters()}
        self.every = every
        self.exact = exact
        self.tau = tau
        self.eps = eps
        self.step = 0
        self.layers: dict[str, Layer] = {}
        self._pools: dict[torch.device, Pool] = {}
        self.actions: list[Record] = []
        self.should_stop = False  # what rules.Stop says
        self.transfers = 0
        self._warned = False
        self._since = 0  # the step of the last census
        self._conditions = conditions.parse(fail_on)
        self._rules = list(rules)
        self._on_transfer = on_transfer
        self._optimizer: Any = None  # whose steps are counted: the first that steps
        self._eager: Any = None
        self._calls = Calls(model, _Counting(self))
        self._hook: Any = register_optimizer_step_post_hook(_WeakHook(self))
        self._open()

    # Opening and closing. What is counted is the forward passes while it is open.

    def _open(self) -> None:
        self._calls.open()
        if self._compiled and self._eager is None:
            self._eager = torch.compiler.set_stance("force_eager")

    def _shut(self) -> None:
        self._calls.close()
        if self._eager is not None:
            torch.compiler.set_stance("default")
            self._eager = None

    def close(self) -> None:
        """Takes the hooks away; what was found stays."""
        self._shut()
        self._hook.remove()

    def __enter__(self) -> "Watch":
        if not self._calls.hooks:
            raise InputError("[watch] is closed; expected a new one: undying.watch(model, ...)", "watch")
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close()
        if kind is None and self.unseen:
            warnings.warn(f"undying.watch: {self.unseen}", stacklevel=2)

    @property
    def unseen(self) -> str:
        """Why nothing is known of the units; "": something is."""
        if self.step == 0 and all(layer.census is None for layer in self.layers.values()):
            return f"no training step was seen: {_UNSEEN}"
        return ""

    def __repr__(self) -> str:
        return f"Watch({type(self._model()).__name__}, step={self.step}, {len(self.layers)} layers)"

    @property
    def model(self) -> torch.nn.Module:
        model = self._model()
        if model is None:
            raise InputError("[model] is gone: nobody holds the network any more", "model", "invalid argument")
        return model

    @property
    def optimizer(self) -> Any:
        """Whose steps are counted; None before the first."""
        return None if self._optimizer is None else self._optimizer()

    # During training.

    def _layer(self, call: Call, z: torch.Tensor) -> Layer:
        layer = self.layers.get(call.name)
        if layer is None:
            if z.device not in self._pools:
                self._pools[z.device] = pool_for(z.device)
            layer = self.layers[call.name] = Layer(call, z, self._pools[z.device])
            self._calls.know(call)
        width = z.shape[layer.counts.dimension] if layer.counts.dimension < z.ndim else 0
        if width != layer.units:
            raise InputError(
                f"[{call.name}] had {layer.units} units and is called with {tuple(z.shape)} now; expected as many units in every call",
                call.name,
                "bad data",
            )
        if z.device != layer.device:
            raise InputError(
                f"[{call.name}] was on {layer.device} and is called on {z.device} now; expected undying.watch() after the network has been moved",
                call.name,
                "unsupported",
            )
        return layer

    def _after(self, optimizer: Any) -> None:
        if self._optimizer is None and any(id(p) in self._parameters for group in optimizer.param_groups for p in group["params"]):
            self._optimizer = weakref.ref(optimizer)
        if self._optimizer is not None and self._optimizer() is optimizer:
            self.count_step()

    def count_step(self) -> None:
        """One step is over: called after each step of the first torch.optim optimizer of the network's parameters, else by you."""
        self.step += 1
        for pool in self._pools.values():
            pool.close_step(self.step - self._since)
        if self.step == 1 and not any(layer.counts.outputs for layer in self.layers.values()):
            self.close()
            raise InputError(
                "[model] no activation of the family was called in its first training step; expected torch.nn or torch.nn.functional"
                " activations within its forward pass, in training mode, and undying.watch() before that step",
                "model",
                "unsupported",
            )
        if self.step == 1 or (self.step if self.exact else self.step - 1) % self.every == 0:
            self._warn_of_nothing()
            self._transfer()
            self._judge()
        if not self.exact:
            self._open() if self.step % self.every == 0 else self._shut()

    def _transfer(self) -> None:
        """The one moment at which the host reads from the devices."""
        if not self.layers:
            return
        self.transfers += 1
        for pool in self._pools.values():
            pool.close_step(self.step + 1 - self._since)  # of what is counted before a step is over
            for layer, sums in zip([layer for layer in self.layers.values() if layer.pool is pool], pool.take()):
                layer.note(sums, self._since)

    def _warn_of_nothing(self) -> None:
        """Once, where a step that counts found nothing to count."""
        if not self._warned and not any(layer.counts.outputs for layer in self.layers.values()):
            self._warned = True
            warnings.warn(f"undying.watch: step {self.step} has called no activation that is counted; {_UNSEEN}", stacklevel=2)

    def _judge(self) -> None:
        for rule in self._rules:
            rule(self)
        if self._on_transfer is not None:
            self._on_transfer(self)
        self._check_conditions()

    def _check_conditions(self) -> None:
        for condition in self._conditions:
            if words := condition.found(self):
                self.close()
                raise ConditionMet(words, WatchReport.of(self))

    # What is known.

    def report(self) -> WatchReport:
        """All that is known: `layers`, `findings`, `units`, `actions`; str() is a table."""
        if any(layer.counts.outputs for layer in self.layers.values()):
            self._transfer()
        return WatchReport.of(self)

    def findings(self) -> list[Record]:
        """What is wrong, the most costly first, each with what it rests on."""
        return self.report().findings

    def to_frame(self, of: str = "units"):
        """A row a unit; or of "layers", "findings", "actions"."""
        return self.report().to_frame(of)

    def __str__(self) -> str:
        return str(self.report())

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()

    def census(self, loader: Iterable[Any], *, device: Any = None) -> WatchReport:
        """One pass over the whole set with frozen weights, in evaluation mode: a unit that is silent there, and whose slope is 0, is dead.
        Raises ConditionMet where that meets `fail_on`.

        `loader` gives batches as the network takes them: a tensor, a tuple or list whose first entry is one, or a dict of keyword arguments.
        """
        found: dict[str, CensusCounts] = {}

        def counts_for(call: Call, z: torch.Tensor) -> CensusCounts:
            layer = self._layer(call, z)
            if call.name not in found:
                found[call.name] = CensusCounts(layer.units, layer.counts.dimension, z.device, self.eps)
            return found[call.name]

        was_open = bool(self._calls.hooks)
        self._open()
        self._calls.close()
        try:
            census.run(self.model, loader, device, counts_for)
        finally:
            self._open() if was_open else self._shut()
        self._transfer()
        for name, counts in found.items():
            self.layers[name].certify(counts, self.step)
        for pool in self._pools.values():
            pool.forget_dates()
        self._since = self.step
        self._check_conditions()
        return WatchReport.of(self)


class _WeakHook:
    """The optimizer's hook, which keeps nobody alive."""

    def __init__(self, watch: Watch):
        self.watch = weakref.ref(watch)

    def __call__(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        watch = self.watch()
        if watch is not None:
            watch._after(optimizer)


class _Counting:
    """What a watch does about the calls of its network."""

    def __init__(self, watch: Watch):
        self.watch = watch
        self.counts: StepCounts | None = None  # of the call at hand

    def meet(self, call: Call, function: Any, args: tuple, kwargs: dict) -> torch.Tensor:
        self.before(call, args[0] if args else kwargs["input"])
        h = function(*args, **kwargs)
        self.after(h)
        return h

    def before(self, call: Call, z: torch.Tensor) -> None:
        self.counts = None
        if self.watch._model().training and torch.is_grad_enabled() and z.numel() > 0:
            self.counts = self.watch._layer(call, z).counts
            self.counts.before(z)

    def after(self, h: torch.Tensor) -> None:
        if self.counts is not None:
            self.counts.after(h)

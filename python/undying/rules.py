"""Rules with actions for undying.watch(model, rules=[...]): looked at after each reading of the counts, off unless given.

Each action is logged in `watch.actions` with step, layer and units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ._errors import InputError
from ._results import Record
from ._torch.conditions import Condition

if TYPE_CHECKING:
    from ._torch.layer import Layer
    from ._torch.watcher import Watch


def _log(watch: "Watch", action: str, layer: str, units: list[int]) -> None:
    watch.actions.append(Record({"step": watch.step, "action": action, "layer": layer, "units": units}))


class Recycle:
    """Dormant units begin anew (ReDo, Sokar et al. 2023, arXiv 2302.12902): their incoming weights are drawn as the layer's own first draw
    was, the weights of the next layer that read them become 0, so that no answer changes, and the optimizer forgets both.

    `of`: "dormant" (E|h| at most `tau` times the layer's mean), or "silent" (fired in nothing that was counted): dead units then. Layers whose
    weights, or whose next layer, are not linear layers or convolutions of the right width are left alone.
    """

    def __init__(self, of: str = "dormant", *, tau: float = 0.025, every: int = 1):
        if of not in ("dormant", "silent"):
            raise InputError(f'[of] is "{of}"; expected dormant or silent', "of", "invalid argument")
        self.of = of
        self.tau = tau
        self.every = every  # transfers
        self._seen = 0

    def __call__(self, watch: "Watch") -> None:
        self._seen += 1
        if self._seen % self.every:
            return
        for layer in watch.layers.values():
            chosen = layer.silent if self.of == "silent" else layer.faint(self.tau)
            units = np.flatnonzero(chosen)
            if len(units) and recycle(layer, units, watch.optimizer):
                layer.silent_outputs[units] = 0
                _log(watch, "recycled", layer.name, units.tolist())


@torch.no_grad()
def recycle(layer: "Layer", units: np.ndarray, optimizer: Any) -> bool:
    """Whether the units of this layer could be recycled."""
    source, reader = layer.call.source, layer.call.reader
    if source is None or reader is None or source.weight.shape[0] != layer.units or reader.weight.shape[1] % layer.units:
        return False
    chosen = torch.as_tensor(units, device=source.weight.device)
    source.weight[chosen] = _fresh(source)[chosen]
    if source.bias is not None:
        source.bias[chosen] = 0.0
    reading = reader.weight.shape[1] // layer.units  # positions a unit, behind a flatten
    columns = (chosen[:, None] * reading + torch.arange(reading, device=chosen.device)).reshape(-1)
    reader.weight[:, columns] = 0.0
    for parameter, place in ((source.weight, (chosen,)), (source.bias, (chosen,)), (reader.weight, (slice(None), columns))):
        _forget(optimizer, parameter, place)
    return True


def _fresh(module: torch.nn.Module) -> torch.Tensor:
    """A first draw of the module's weights, as its own initializer makes it."""
    kept = {name: value.clone() for name, value in module.named_parameters(recurse=False)}
    module.reset_parameters()
    drawn = module.weight.clone()
    for name, value in kept.items():
        getattr(module, name).copy_(value)
    return drawn


def _forget(optimizer: Any, parameter: Any, place: tuple) -> None:
    """Momentum, moments and their like of these elements become 0."""
    if optimizer is None or parameter is None:
        return
    for value in optimizer.state.get(parameter, {}).values():
        if torch.is_tensor(value) and value.shape == parameter.shape:
            value[place] = 0.0


class LowerRate:
    """Multiplies the learning rate by `factor` where a condition such as "silent>10%" is met, at most once in `patience` transfers."""

    def __init__(self, when: str, factor: float = 0.5, *, patience: int = 5):
        self.condition = Condition(when)
        self.factor = factor
        self.patience = patience
        self._wait = 0

    def __call__(self, watch: "Watch") -> None:
        self._wait = max(0, self._wait - 1)
        if self._wait or watch.optimizer is None or not self.condition.found(watch):
            return
        self._wait = self.patience
        for group in watch.optimizer.param_groups:
            group["lr"] *= self.factor
        _log(watch, f"learning rate times {self.factor:g}, for {self.condition.text}", "", [])


class Stop:
    """Sets `watch.should_stop`, which the training loop asks, where a condition is met."""

    def __init__(self, when: str):
        self.condition = Condition(when)

    def __call__(self, watch: "Watch") -> None:
        if not watch.should_stop and self.condition.found(watch):
            watch.should_stop = True
            _log(watch, f"stop, for {self.condition.text}", "", [])

"""A pass over a whole data set with frozen weights, in evaluation mode."""

from __future__ import annotations

from typing import Any, Callable, Iterable

import torch

from .._errors import InputError
from .calls import Call, Calls
from .counts import CensusCounts
from .wrappers import Frozen, device_of


def _check(loader: Any) -> None:
    if torch.is_tensor(loader) or not (hasattr(loader, "__iter__") or hasattr(loader, "__getitem__")):
        raise InputError(
            f"[loader] is a {type(loader).__name__}; expected batches, such as a DataLoader, or [x] of one tensor (examples, ...)",
            "loader",
            "invalid argument",
        )


def _feed(model: torch.nn.Module, batch: Any, place: Any) -> int:
    if isinstance(batch, dict) or hasattr(batch, "items"):
        moved = {name: value.to(place) if torch.is_tensor(value) else value for name, value in batch.items()}
        model(**moved)
        return len(next(value for value in moved.values() if torch.is_tensor(value)))
    inputs = batch[0] if isinstance(batch, (tuple, list)) else batch
    if not torch.is_tensor(inputs):
        raise InputError(
            f"[loader] gives a {type(inputs).__name__}; expected tensors, tuples whose first entry is one, or dicts", "loader", "bad data"
        )
    if inputs.ndim == 0 or len(inputs) > 0:  # an empty batch says nothing
        model(inputs.to(place))
    return len(inputs)


class _Counting:
    def __init__(self, counts_for: Callable[[Call, torch.Tensor], CensusCounts]):
        self.counts_for = counts_for

    def meet(self, call: Call, function: Any, args: tuple, kwargs: dict) -> torch.Tensor:
        values, rest = (args[0], kwargs) if args else (kwargs["input"], {name: each for name, each in kwargs.items() if name != "input"})
        return self.counts_for(call, values).forward(values, lambda z: function(z, *args[1:], **rest))


def run(model: torch.nn.Module, loader: Iterable[Any], device: Any, counts_for: Callable[[Call, torch.Tensor], CensusCounts]) -> int:
    """Feeds every batch; the examples there were."""
    _check(loader)
    place = device if device is not None else device_of(model)
    calls = Calls(model, _Counting(counts_for))
    examples = 0
    calls.open()
    try:
        with Frozen(model), torch.no_grad():
            for batch in loader:
                examples += _feed(model, batch, place)
    finally:
        calls.close()
    if examples == 0:
        raise InputError("[loader] gives no batch; expected the whole data set", "loader", "bad data")
    return examples

"""Undying: trains deep networks, watches every neuron, and says whether Leaky ReLU or a relative cures the network at hand."""

from typing import Any as _Any

from ._commands import advise, compare, diagnose, evaluate, forecast, inspect, prune, revive, train
from ._commands import list_all as list
from ._errors import ConditionMet, InputError, InternalError, Interrupted, UndyingError
from ._undying import __version__

__all__ = [
    "ConditionMet",
    "InputError",
    "InternalError",
    "Interrupted",
    "UndyingClassifier",
    "UndyingError",
    "UndyingRegressor",
    "__version__",
    "advise",
    "compare",
    "diagnose",
    "evaluate",
    "forecast",
    "inspect",
    "list",
    "prune",
    "revive",
    "train",
    "watch",
]


def watch(model: _Any, **settings: _Any) -> _Any:
    """Watches the units of a torch.nn.Module while you train it; docs/python.md says how. Returns a Watch."""
    from ._torch.watcher import Watch

    return Watch(model, **settings)


def __getattr__(name: str) -> _Any:
    if name in ("UndyingClassifier", "UndyingRegressor"):  # scikit-learn is imported with the first of them
        from . import _sklearn

        return getattr(_sklearn, name)
    raise AttributeError(f"module 'undying' has no attribute {name!r}")

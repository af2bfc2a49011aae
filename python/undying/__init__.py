"""Undying: trains deep networks, watches every neuron, and says whether Leaky ReLU or a relative cures the network at hand."""

from ._commands import compare, diagnose, evaluate, forecast, inspect, prune, revive, train
from ._commands import list_all as list
from ._errors import ConditionMet, InputError, InternalError, Interrupted, UndyingError
from ._undying import __version__

__all__ = [
    "ConditionMet",
    "InputError",
    "InternalError",
    "Interrupted",
    "UndyingError",
    "__version__",
    "compare",
    "diagnose",
    "evaluate",
    "forecast",
    "inspect",
    "list",
    "prune",
    "revive",
    "train",
]

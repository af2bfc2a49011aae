"""Undying: trains deep networks, watches every neuron, and says whether Leaky ReLU or a relative cures the network at hand."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any
from typing import Callable as _Callable
from typing import Iterable as _Iterable

from ._commands import advise, compare, diagnose, evaluate, forecast, inspect, prune, revive, train
from ._commands import list_all as list
from ._predict import predict, predict_proba
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
    "predict",
    "predict_proba",
    "prune",
    "revive",
    "train",
    "watch",
]


if _TYPE_CHECKING:
    from ._torch.watcher import Watch as _Watch


def watch(
    model: _Any,
    *,
    every: int = 50,
    exact: bool = False,
    fail_on: "str | _Iterable[str] | None" = None,
    rules: "_Iterable[_Callable[[_Watch], None]]" = (),
    on_transfer: "_Callable[[_Watch], None] | None" = None,
    tau: float = 0.025,
    eps: float = 1e-3,
) -> "_Watch":
    """Watches the units of a torch.nn.Module while you train it; docs/python.md says more. Returns a Watch, which is a context manager, with
    `layers`, `step`, `actions`, `report()`, `findings()`, `census(loader)`, `close()`.

    model: the network, also compiled or within DistributedDataParallel.
    every: one step in so many is counted; with `exact`, counts are read so often.
    exact: count every step.
    fail_on: "dead>20%", "silent>=0.1", "dormant>30%" of all units, or several: raises ConditionMet, whose `result` is the report, at a reading or
        at a census that finds it so. Before a census dead are the units that are silent, over at least 1,000 outputs counted.
    rules: of undying.rules, or functions of the watch: looked at after each reading.
    on_transfer: called with the watch after each reading (undying.writers).
    tau: a unit is dormant where it fires and E|h| is at most this share of its layer's mean.
    eps: a unit is saturated where |f'| is below this.
    """
    from ._torch.watcher import Watch

    return Watch(model, every=every, exact=exact, fail_on=fail_on, rules=rules, on_transfer=on_transfer, tau=tau, eps=eps)


def __getattr__(name: str) -> _Any:
    if name in ("UndyingClassifier", "UndyingRegressor"):  # scikit-learn is imported with the first of them
        from . import _sklearn

        return getattr(_sklearn, name)
    raise AttributeError(f"module 'undying' has no attribute {name!r}")

"""A PyTorch network and its data as the commands take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .._data import is_frame, is_name
from .._errors import InputError
from . import loading
from .export import Exported, export
from .wrappers import Frozen, device_of, unwrapped


@dataclass
class Opened:
    exported: Exported
    X: np.ndarray
    y: np.ndarray | None
    classes: int  # that integers of y count; 0: they are values


def _width(model: torch.nn.Module, exported: Exported) -> int:
    sample = torch.from_numpy(exported.sample[:2]).to(device_of(model))
    with Frozen(model), torch.no_grad():
        given = model(sample) if exported.keyword is None else model(**{exported.keyword: sample})
    first = next((leaf for leaf in torch.utils._pytree.tree_leaves(given) if torch.is_tensor(leaf)), None)
    return 0 if first is None or first.ndim < 2 else first.shape[-1]


def _as_inputs(model: torch.nn.Module, X: Any) -> torch.Tensor:
    """Of the type that the network takes: whole numbers stay what they are, all else has that of its parameters."""
    values = torch.as_tensor(X.to_numpy() if is_frame(X) else X).detach().cpu()
    kind = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
    return values.to(kind) if values.is_floating_point() else values


def _data(model: torch.nn.Module, X: Any, y: Any) -> tuple[torch.Tensor, Any, str | None]:
    if is_name(X):
        raise InputError(
            f"[X] is {X!r}; expected of a PyTorch network a loader, an array or a tensor", "X", "invalid argument"
        )
    if isinstance(X, (dict, tuple)):
        loading.refuse_several("X", f"is a {type(X).__name__} of {len(X)}")
    if is_frame(X) or hasattr(X, "shape"):
        return _as_inputs(model, X), y, None
    if y is not None:
        raise InputError("[y] has no use: a loader gives targets with its batches", "y", "invalid argument")
    inputs, targets, keyword = loading.collect(X)
    return inputs, targets, keyword


def open_network(model: torch.nn.Module, X: Any, y: Any) -> Opened:
    """`X`: a loader, or an array or a tensor (examples, ...), with `y` beside."""
    model = unwrapped(model)
    loading.check_takes_one(model)
    inputs, targets, keyword = _data(model, X, y)
    exported = export(model, inputs, keyword)
    if torch.is_tensor(targets):
        targets = targets.detach().cpu().numpy()
    targets = None if targets is None else np.asarray(targets)
    classes = 0
    if targets is not None and targets.dtype.kind in "iu" and targets.ndim == 1:
        classes = _width(model, exported)
        classes = classes if classes > 1 else 0
        targets = targets if classes else targets.astype(np.float32)
    return Opened(exported, inputs.float().numpy(), targets, classes)

"""What a loader of a PyTorch network gives, as arrays."""

from __future__ import annotations

from typing import Any, Iterable

import torch

from .._errors import InputError

_TARGETS = ("labels", "label", "targets", "target", "y")  # of a batch that is a dict


def _from_dict(batch: Any) -> tuple[Any, Any, str | None]:
    target = next((name for name in _TARGETS if name in batch), None)
    inputs = [name for name in batch if name != target and torch.is_tensor(batch[name])]
    if len(inputs) != 1:
        raise InputError(
            f"[loader] gives batches of {len(inputs)} inputs ({', '.join(inputs)}); expected one. A network of several"
            " is exported by torch.onnx.export, and its data given as an npz file with an array for each",
            "loader",
            "unsupported",
        )
    return batch[inputs[0]], None if target is None else batch[target], inputs[0]


def split_batch(batch: Any) -> tuple[torch.Tensor, Any, str | None]:
    """Inputs, targets or None, and the keyword that the inputs go by, of a dict."""
    keyword = None
    if hasattr(batch, "items"):
        inputs, targets, keyword = _from_dict(batch)
    elif isinstance(batch, (tuple, list)):
        inputs, targets = batch[0], batch[1] if len(batch) > 1 else None
    else:
        inputs, targets = batch, None
    if not torch.is_tensor(inputs):
        raise InputError(
            f"[loader] gives a {type(inputs).__name__}; expected tensors, tuples of inputs and targets, or dicts",
            "loader",
            "bad data",
        )
    return inputs, targets, keyword


def collect(loader: Iterable[Any]) -> tuple[torch.Tensor, torch.Tensor | None, str | None]:
    """All that it gives: (examples, ...) inputs, targets or None, the inputs' keyword."""
    inputs, targets, keyword = [], [], None
    for batch in loader:
        x, y, keyword = split_batch(batch)
        inputs.append(x.detach().cpu())
        if y is not None:
            targets.append(torch.as_tensor(y).detach().cpu())
    if not inputs:
        raise InputError("[loader] gives no batch; expected the whole data set", "loader", "bad data")
    if targets and len(targets) < len(inputs):
        raise InputError("[loader] gives targets in some batches only; expected them in all", "loader", "bad data")
    return torch.cat(inputs), torch.cat(targets) if targets else None, keyword

"""What a loader of a PyTorch network gives, as arrays."""

from __future__ import annotations

import inspect
from typing import Any, Iterable, NoReturn

import torch

from .._errors import InputError

_TARGETS = ("labels", "label", "targets", "target", "y")  # of a batch that is a dict


def refuse_several(subject: str, found: str) -> NoReturn:
    """A network of several inputs, and its way out."""
    raise InputError(
        f"[{subject}] {found}; expected one tensor of inputs. A network of several is exported by torch.onnx.export(..., dynamo=True,"
        ' input_names=[...]), and the file passed as the network, its data as "npz:FILE" with an array called after each input, and y',
        subject,
        "unsupported",
    )


def check_takes_one(model: torch.nn.Module) -> None:
    """Whether a network can be called with one input alone."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):  # of a forward that is no Python function
        return
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [each.name for each in parameters if each.default is inspect.Parameter.empty
              and (each.kind in positional or each.kind is inspect.Parameter.KEYWORD_ONLY)]
    if len(needed) > 1:
        refuse_several("model", f"{type(model).__name__} takes {len(needed)} inputs ({', '.join(needed)})")


def _from_dict(batch: Any) -> tuple[Any, Any, str | None]:
    target = next((name for name in _TARGETS if name in batch), None)
    inputs = [name for name in batch if name != target and torch.is_tensor(batch[name])]
    if len(inputs) != 1:
        refuse_several("loader", f"gives batches of {len(inputs)} inputs ({', '.join(inputs)})")
    return batch[inputs[0]], None if target is None else batch[target], inputs[0]


def split_batch(batch: Any) -> tuple[torch.Tensor, Any, str | None]:
    """Inputs, targets or None, and the keyword that the inputs go by, of a dict."""
    keyword = None
    if hasattr(batch, "items"):
        inputs, targets, keyword = _from_dict(batch)
    elif isinstance(batch, (tuple, list)):
        if len(batch) > 2 or len(batch) == 0:
            refuse_several("loader", f"gives tuples of {len(batch)}, where (inputs, targets) was expected")
        inputs, targets = batch[0], batch[1] if len(batch) > 1 else None
    else:
        inputs, targets = batch, None
    if isinstance(inputs, (tuple, list, dict)):
        refuse_several("loader", f"gives a {type(inputs).__name__} of {len(inputs)} as inputs")
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

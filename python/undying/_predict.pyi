# Written by python/make_stubs.py.

import os
from typing import Any, Callable, Sequence

import numpy as np

_Text = str | Sequence[str]
_File = str | os.PathLike[str]

def predict(
    model: Any,
    X: Any,
    *,
    data_dir: _File | None = None,
    normalize: _Text | None = None,
    split: _Text | None = None,
    group: _Text | None = None,
    ordered: bool | None = None,
    output: _Text | None = None,
    shape: _Text | None = None,
    part: _Text | None = None,
    threads: int | None = None,
    out: _File | None = None,
    drop: _Text | None = None,
    keep: _Text | None = None,
    text: _Text | None = None,
    numbers: _Text | None = None,
    missing: _Text | None = None,
    values: int | None = None,
    channels: _Text | None = None,
) -> np.ndarray | dict[str, np.ndarray]: ...

def predict_proba(
    model: Any,
    X: Any,
    *,
    data_dir: _File | None = None,
    normalize: _Text | None = None,
    split: _Text | None = None,
    group: _Text | None = None,
    ordered: bool | None = None,
    output: _Text | None = None,
    shape: _Text | None = None,
    part: _Text | None = None,
    threads: int | None = None,
    out: _File | None = None,
    drop: _Text | None = None,
    keep: _Text | None = None,
    text: _Text | None = None,
    numbers: _Text | None = None,
    missing: _Text | None = None,
    values: int | None = None,
    channels: _Text | None = None,
) -> np.ndarray: ...

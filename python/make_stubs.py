"""Writes undying/_commands.pyi: the commands' keyword arguments as their --help has them. Run after a flag has changed.

PYTHONPATH=build/release/python python -P python/make_stubs.py
"""

from pathlib import Path

from undying import _commands
from undying._data import COLUMN_OPTIONS

STUBS = Path(__file__).parent / "undying" / "_commands.pyi"

HEAD = '''# Written by python/make_stubs.py.

import os
from typing import Any, Callable, Sequence

from ._results import Diagnosis, Evaluation, Forecast, Inspection, Listing, Pruning, Record, Revival, Run, Study

_Text = str | Sequence[str]
_File = str | os.PathLike[str]
'''

TAIL = '''
def forecast(model: Any, *, init_scheme: str | None = None, output: _Text | None = None, shape: _Text | None = None) -> Forecast: ...
def inspect(model: Any, *, output: _Text | None = None, shape: _Text | None = None) -> Inspection: ...
def list_all() -> Listing: ...
'''

FUNCTIONS = {"compare": "Study", "advise": "Study", "train": "Run", "diagnose": "Diagnosis", "revive": "Revival", "prune": "Pruning", "evaluate": "Evaluation"}
OWN = {"train": "on_epoch", "compare": "on_run", "advise": "on_run", "revive": "on_run"}
TYPES = {"": "bool", "N": "int", "X": "float", "X,X,...": "float | Sequence[float]", "FILE": "_File", "FOLDER": "_File"}


def kind(name: str, flag: dict) -> str:
    if name in ("model", "init"):
        return "_File | bytes"
    return "int | str" if name == "seeds" else TYPES.get(flag["type"], "_Text")


def function(name: str, result: str) -> str:
    lines = [f"\ndef {name}("]
    lines += ["    model: Any,"] if name not in ("compare", "advise", "train") else []
    lines += ["    X: Any,", "    y: Any = None,", "    *,", "    test: Any = None,", "    progress: bool | None = None,"]
    lines += ["    executor: Any = None,"] if name == "compare" else []
    lines += [f"    {OWN[name]}: Callable[[Record], Any] | None = None,"] if name in OWN else []
    lines += [f"    {key}: {kind(key, flag)} | None = None," for key, flag in _commands._flags(name).items()]
    lines += [f"    {key}: {'int' if key == 'values' else '_Text'} | None = None," for key in COLUMN_OPTIONS]
    return "\n".join([*lines, f") -> {result}: ...", ""])


def stubs() -> str:
    return HEAD + "".join(function(name, result) for name, result in FUNCTIONS.items()) + TAIL


if __name__ == "__main__":
    STUBS.write_text(stubs())

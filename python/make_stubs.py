"""Writes undying/_commands.pyi and undying/_predict.pyi: the commands' keyword arguments as their --help has them. Run after a flag has changed.

PYTHONPATH=build/release/python python -P python/make_stubs.py
"""

from pathlib import Path

from undying import _commands

PACKAGE = Path(__file__).parent / "undying"

HEAD = '''# Written by python/make_stubs.py.

import os
from typing import Any, Callable, Sequence
{imports}

_Text = str | Sequence[str]
_File = str | os.PathLike[str]
'''

RESULTS = '''
from ._results import Diagnosis, Evaluation, Forecast, Inspection, Listing, Pruning, Record, Revival, Run, Study'''

TAIL = '''
def forecast(model: Any, *, init_scheme: str | None = None, output: _Text | None = None, shape: _Text | None = None) -> Forecast: ...
def inspect(model: Any, *, output: _Text | None = None, shape: _Text | None = None) -> Inspection: ...
def list_all() -> Listing: ...
'''

FUNCTIONS = {"compare": "Study", "advise": "Study", "train": "Run", "diagnose": "Diagnosis", "revive": "Revival", "prune": "Pruning", "evaluate": "Evaluation"}
OWN = {"train": "on_epoch", "compare": "on_run", "advise": "on_run", "revive": "on_run"}
ANSWERS = {"predict": "np.ndarray | dict[str, np.ndarray]", "predict_proba": "np.ndarray"}
TYPES = {"": "bool", "N": "int", "X": "float", "X,X,...": "float | Sequence[float]", "FILE": "_File", "FOLDER": "_File"}


def kind(name: str, flag: dict) -> str:
    if name in ("model", "init"):
        return "_File | bytes"
    return "int | str" if name == "seeds" else TYPES.get(flag["type"], "_Text")


def function(name: str, result: str) -> str:
    lines = [f"\ndef {name}("]
    lines += ["    model: Any,"] if name not in ("compare", "advise", "train") else []
    answers = name in ANSWERS
    command = "predict" if answers else name
    lines += ["    X: Any,", "    *,"] if answers else ["    X: Any,", "    y: Any = None,", "    *,", "    test: Any = None,", "    progress: bool | None = None,"]
    lines += ["    executor: Any = None,"] if name == "compare" else []
    lines += [f"    {OWN[name]}: Callable[[Record], Any] | None = None,"] if name in OWN else []
    lines += [f"    {key}: {kind(key, flag)} | None = None," for key, flag in _commands._flags(command).items()]
    lines += [f"    {key}: {'int' if key == 'values' else '_Text'} | None = None," for key in _commands._columns(command)]
    return "\n".join([*lines, f") -> {result}: ...", ""])


def functions(results: dict[str, str]) -> str:
    return "".join(function(name, result) for name, result in results.items())


def stubs() -> dict[Path, str]:
    return {
        PACKAGE / "_commands.pyi": HEAD.format(imports=RESULTS) + functions(FUNCTIONS) + TAIL,
        PACKAGE / "_predict.pyi": HEAD.format(imports="\nimport numpy as np") + functions(ANSWERS),
    }


if __name__ == "__main__":
    for file, content in stubs().items():
        file.write_text(content)

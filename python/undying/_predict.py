"""A network used: data in, answers out, as the command predict reads the one and gives the other."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any, Callable

import numpy as np

from ._commands import _Call, _describe, _Folder
from ._data import is_name
from ._errors import InputError, Interrupted

# What chooses among the rows of a source that is read by name.
_OF_SOURCES = ("part", "split", "group", "ordered")


def _numbers(fields: list[list[str]]) -> np.ndarray:
    """float32; NaN in rows without an answer."""
    flat = np.fromiter((float(field or "nan") for row in fields for field in row), dtype=np.float32)
    return flat.reshape(len(fields), -1)


def _classes(names: np.ndarray) -> np.ndarray:
    """Whole numbers where all of them are: labels that were integers come back as such."""
    try:
        numbers = names.astype(np.int64)
    except (ValueError, OverflowError):
        return names
    return numbers if np.array_equal(numbers.astype(str), names) else names


class _Answers:
    """The rows that predict writes. `rows`: how many there are to be; 0: as many as are written."""

    def __init__(self, text: str, rows: int):
        header, *lines = csv.reader(io.StringIO(text, newline=""))
        self.header = header[1:]
        self.lines = lines
        if rows and len(lines) != rows:  # some could not be read
            written = {int(line[0]): line for line in lines}
            self.lines = [written.get(row, [str(row)] + [""] * len(self.header)) for row in range(1, rows + 1)]

    def several(self) -> bool:
        return self.header[0] != "prediction"

    def names(self) -> list[str]:
        """Of the classes; none: they are values."""
        return [name[2:-1] for name in self.header[1:] if name.startswith("p(")]

    def _chosen(self, place: int, names: np.ndarray) -> np.ndarray:
        """A class each, None without an answer. `names`: of all classes, as texts."""
        found = dict(zip(names.tolist(), _classes(names).tolist()))
        chosen = [found.get(line[place]) for line in self.lines]
        return np.array(chosen, dtype=object if None in chosen else None)

    def columns(self) -> dict[str, np.ndarray]:
        """Of several outputs: every column that is written, by its name."""
        found = {}
        for place, name in enumerate(self.header, 1):
            classes = [each for each in self.header if each.startswith(f"p({name}=")]
            if classes:
                found[name] = self._chosen(place, np.array([each[len(f"p({name}=") : -1] for each in classes]))
            else:
                found[name] = _numbers([[line[place]] for line in self.lines])[:, 0]
        return found

    def predictions(self) -> np.ndarray:
        if self.names():
            return self._chosen(1, np.array(self.names()))
        values = _numbers([line[1:] for line in self.lines])
        return values[:, 0] if values.shape[1] == 1 else values

    def probabilities(self) -> np.ndarray:
        return _numbers([line[2:] for line in self.lines])


def _answers(function: str, model: Any, X: Any, settings: dict[str, Any]) -> _Answers:
    if not is_name(X):
        for name in _OF_SOURCES:
            if settings.get(name):
                raise InputError(f"[{name}] is of data that is read by its name; of X in memory every row is answered", name, "invalid argument")
    with _Folder() as folder:
        call = _Call(function, "predict", settings, folder)
        call.add_network(model, X, None, None)
        _, text, ended = call.execute(False)
        if ended:
            raise Interrupted()
        out = settings.get("out")
        return _Answers(text if out is None else Path(os.fspath(out)).read_bytes().decode(), call.source.rows)


def predict(model: Any, X: Any, **settings: Any) -> np.ndarray | dict[str, np.ndarray]:
    answers = _answers("predict", model, X, settings)
    return answers.columns() if answers.several() else answers.predictions()


def predict_proba(model: Any, X: Any, **settings: Any) -> np.ndarray:
    answers = _answers("predict_proba", model, X, settings)
    if answers.several():
        raise InputError(
            "[output] has to name one output of the network, which has several; predict() gives all of them", "output", "invalid argument"
        )
    if not answers.names():
        raise InputError(
            "[predict_proba] the network's file names no classes: it gives values, or came from elsewhere; predict() gives its outputs",
            "predict_proba",
            "invalid argument",
        )
    return answers.probabilities()


_GIVES = {
    predict: """\
Gives an array with an answer for each example of X, in its order: the class, by its name where the data that it was trained on had names, else as
a whole number; or the value (n), or the values (n, outputs), in their own units; of a network whose file says nothing of its data, its outputs. Of a network of several outputs, of which `output` chooses none, a
dict of arrays by the names of the columns that the command writes.""",
    predict_proba: """\
Gives an array (n, classes): the probability of each class, in the order of their names in the network's file, which is that of sorted labels.""",
}
_ROWS = "\nRows that `missing=\"drop\"` leaves out are answered by None, or NaN."


def _described(function: Callable[..., Any]) -> None:
    _describe(function, "predict", True)
    _, model, rest = function.__doc__.replace("; default: print them", ", too").partition("\n\nmodel: ")
    function.__doc__ = f"Uses a network. {_GIVES[function]}{_ROWS}{model}{rest}"


for _function in _GIVES:
    _described(_function)

"""Arrays, frames and tensors as the library takes them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _undying
from ._errors import InputError

#: Keyword arguments that say how the columns of a frame are used, as the options behind csv: do (docs/data.md).
COLUMN_OPTIONS = {
    "target": "column of a frame to predict, of values; a label is named by y",
    "drop": "columns of a frame that are no inputs",
    "keep": "columns of a frame that are inputs though they look like an index",
    "text": "columns of a frame that are names, whatever they hold",
    "numbers": "columns of a frame that are numbers; what is none is missing",
    "missing": "rows of a frame that miss something: refuse, drop, mean or keep",
    "values": "how many different texts of a column become features at most",
    "channels": "of images as arrays: first or last, where the channels are to go",
}


@dataclass
class Source:
    """Data as a command takes it: by name, or in memory."""

    name: str
    memory: Any = None
    arguments: list[str] = field(default_factory=list)  # that go with it
    rows: int = 0  # in memory
    columns: list[str] | None = None  # of a frame, by name
    predicted: str | None = None  # the column of it that y became


def is_frame(data: Any) -> bool:
    """A pandas or polars frame, told by what it can do: neither library is imported."""
    return hasattr(data, "columns") and (hasattr(data, "iloc") or hasattr(data, "get_column"))


def is_name(data: Any) -> bool:
    return isinstance(data, (str, os.PathLike))


def to_numpy(data: Any, name: str) -> np.ndarray:
    """The array of whatever holds one: a numpy array as it is, a tensor by DLPack, lists by numpy."""
    if isinstance(data, np.ndarray):
        return data
    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        raise InputError(f"[{name}] is a sparse matrix; expected a dense array, such as {name}.toarray()", name, "bad data")
    try:
        if hasattr(data, "detach"):  # a torch tensor, perhaps with a gradient or on another device
            data = data.detach().cpu()
        return np.from_dlpack(data) if hasattr(data, "__dlpack__") else np.asarray(data)
    except (ValueError, TypeError, RuntimeError, BufferError) as error:  # rows of several lengths, types that numpy has not
        raise InputError(f"[{name}] is a {type(data).__name__} of which numpy makes no array: {error}", name, "bad data") from error


def _inputs(data: Any, name: str) -> np.ndarray:
    array = to_numpy(data, name)
    if array.dtype == object or array.dtype.kind not in "fiub":
        raise InputError(
            f"[{name}] is an array of {array.dtype}; expected numbers. A frame with columns of text is read as a table:"
            f" pass it as a pandas or polars frame",
            name,
            "bad data",
        )
    images = array.dtype == np.uint8 and array.ndim >= 3
    return np.ascontiguousarray(array, dtype=np.uint8 if images else np.float32)


def _names(values: np.ndarray) -> list[str]:
    return [str(value) for value in values.tolist()]


class _Targets:
    """Labels or values: integers and names are classes, numbers with fractions values."""

    def __init__(self, y: Any, test: Any | None, classes: int = 0, network: bool = False):
        """`classes`: how many there are, where y counts them from 0. `network`: there is one, which knows its classes."""
        parts = [to_numpy(y, "y")] + ([] if test is None else [to_numpy(test, "test")])
        self.integers = all(part.dtype.kind in "iub" for part in parts)
        self.classes: list[str] = [str(each) for each in range(classes)]
        if classes:
            self._check_counted(parts, classes)
            self.parts = [np.ascontiguousarray(part, dtype=np.float64) for part in parts]
            return
        named = any(part.dtype.kind in "OUS" for part in parts)
        if named or (self.integers and parts[0].ndim == 1):
            parts = self._coded(parts, named, network)
        self.parts = [np.ascontiguousarray(part, dtype=np.float64) for part in parts]

    @staticmethod
    def _check_counted(parts: list[np.ndarray], classes: int) -> None:
        least, most = min(part.min() for part in parts), max(part.max() for part in parts)
        if least < 0 or most >= classes:
            found = least if least < 0 else most
            raise InputError(
                f"[y] holds the class {found}; expected 0 to {classes - 1}, which the network tells apart", "y", "bad data"
            )

    def _coded(self, parts: list[np.ndarray], named: bool, network: bool) -> list[np.ndarray]:
        if named:
            parts = [part.astype(object) for part in parts]
            for part in parts:
                if any(value is None or value != value for value in part.ravel()):
                    raise InputError("[y] has a missing label; expected one for each example", "y", "bad data")
            parts = [part.astype(str) for part in parts]
        values = np.unique(np.concatenate([part.ravel() for part in parts]))
        if named or not np.array_equal(values, np.arange(len(values))):
            self.classes = _names(values)
        if not network and len(values) > 20 and 2 * len(values) > len(parts[0]):
            raise InputError(
                f"[y] has {len(values)} different labels in {len(parts[0])} rows, too many for classes;"
                f" to predict values pass numbers with fractions: y.astype(float)",
                "y",
                "bad data",
            )
        self.integers = True
        return [np.searchsorted(values, part) for part in parts] if self.classes else parts


def _test_part(test: Any) -> tuple[Any, Any]:
    if isinstance(test, (tuple, list)) and len(test) == 2:
        return test[0], test[1]
    raise InputError("[test] is not a pair; expected (X_test, y_test), or of a frame with its label a frame", "test", "invalid argument")


def _array_source(X: Any, y: Any, test: Any, options: dict[str, Any], classes: int = 0, network: bool = False) -> Source:
    for name in options:
        if name != "channels":
            raise InputError(f"[{name}] is of frames; X is an array", name, "invalid argument")
    x = _inputs(X, "X")
    test_x = test_y = None
    if test is not None:
        if y is None:
            raise InputError("[test] goes with y, which is missing", "test", "invalid argument")
        test_x, test_y = _test_part(test)
        test_x = _inputs(test_x, "test")
    targets = None if y is None else _Targets(y, test_y, classes, network)
    memory = _undying.arrays(
        name="X",
        x=x,
        y=None if targets is None else targets.parts[0],
        integers=targets is not None and targets.integers,
        classes=[] if targets is None else targets.classes,
        channels=_word(options, "channels"),
        test_x=test_x,
        test_y=None if test_y is None else targets.parts[1],
    )
    return Source(f"array {x.shape}", memory, rows=len(x))


def _column(series: Any) -> np.ndarray | list[str | None]:
    """Numbers as float64, NaN where there is none; all else as texts."""
    kind = getattr(series, "dtype", None)
    if hasattr(kind, "is_numeric"):  # polars
        if kind.is_numeric() or str(kind) == "Boolean":
            return np.ascontiguousarray(series.cast(__import__("polars").Float64).to_numpy(), dtype=np.float64)
        return [None if value is None else str(value) for value in series.to_list()]
    if getattr(kind, "kind", "O") in "fiub":
        if hasattr(series, "to_numpy") and hasattr(series, "isna"):
            return np.ascontiguousarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
        return np.ascontiguousarray(series, dtype=np.float64)
    missing = series.isna() if hasattr(series, "isna") else [value is None for value in series]
    return [None if gone else str(value) for value, gone in zip(series.tolist(), missing)]


def _columns(frame: Any) -> list[tuple[str, Any]]:
    get = frame.get_column if hasattr(frame, "get_column") else frame.__getitem__
    names = list(frame.columns)
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise InputError(f"[X] has two columns called {double!r}; rename one of them", "X", "bad data")
    return [(str(name), _column(get(name))) for name in names]


def _with_labels(columns: list[tuple[str, Any]], y: Any) -> tuple[list[tuple[str, Any]], str]:
    """The frame with a column more, of what is to be predicted."""
    name = str(getattr(y, "name", None) or "y")
    taken = {column for column, _ in columns}
    while name in taken:
        name += "_"
    array = to_numpy(y, "y") if not hasattr(y, "dtype") or isinstance(y, np.ndarray) else y
    if getattr(array, "ndim", 1) != 1:
        raise InputError("[y] has several columns; expected one with a frame, or arrays", "y", "bad data")
    values = array.astype(np.float64) if isinstance(array, np.ndarray) and array.dtype.kind in "fiub" else array
    if isinstance(values, np.ndarray) and values.dtype.kind in "OUS":
        values = [None if value is None else str(value) for value in values.tolist()]
    elif not isinstance(values, np.ndarray):
        values = _column(values)
    return [*columns, (name, values)], name


def _list(options: dict[str, Any], name: str) -> list[str]:
    """Names of columns, one or several."""
    value = options.get(name)
    if value is None or isinstance(value, str):
        return [] if value is None else [value]
    try:
        return [str(each) for each in value]
    except TypeError:
        raise InputError(f"[{name}] is {value!r}; expected the name of a column, or a list of names", name, "invalid argument") from None


def _word(options: dict[str, Any], name: str) -> str:
    value = options.get(name, "")
    if not isinstance(value, str):
        raise InputError(f"[{name}] is {value!r}; expected a word: {COLUMN_OPTIONS[name]}", name, "invalid argument")
    return value


def _most_values(options: dict[str, Any]) -> int:
    value = options.get("values", 32)
    if not isinstance(value, (int, np.integer)) or not 2 <= value <= 10000:
        raise InputError(f"[values] is {value!r}; expected the most values a text column may have, 2..10000", "values", "invalid argument")
    return int(value)


def _frame_source(X: Any, y: Any, test: Any, options: dict[str, Any]) -> Source:
    if "channels" in options:
        raise InputError("[channels] is of images as arrays; X is a frame", "channels", "invalid argument")
    columns = _columns(X)
    target = options.get("target")
    predicted = target if target is not None else y if isinstance(y, str) else None
    if target is not None and y is not None:
        raise InputError("[target] names the column to predict, and y gives another; expected one of them", "target", "invalid argument")
    test_columns = None
    if y is not None and not isinstance(y, str):
        columns, predicted = _with_labels(columns, y)
        if test is not None:
            test_frame, test_y = _test_part(test)
            test_columns = [*_columns(test_frame), (predicted, _with_labels([], test_y)[0][0][1])]
    elif test is not None:
        test_columns = _columns(test)
    memory = _undying.table(
        name="X",
        columns=columns,
        test=test_columns,
        predicted=predicted,
        values=target is not None,
        drop=_list(options, "drop"),
        keep=_list(options, "keep"),
        text=_list(options, "text"),
        numbers=_list(options, "numbers"),
        missing=_word(options, "missing"),
        most_values=_most_values(options),
    )
    names = [name for name, _ in columns]
    added = predicted if len(names) > len(X.columns) else None
    return Source(f"frame ({len(X)}, {len(X.columns)})", memory, rows=len(X), columns=names, predicted=added)


def open_source(X: Any, y: Any = None, *, test: Any = None, options: dict[str, Any] | None = None, learns: bool = False,
                classes: int = 0, network: bool = False) -> Source:
    """X and y as a command takes them. A name is that of --data, and goes with no y. `learns`: there must be something to predict.
    `network`: y is of one at hand; `classes`: how many integers of y count, where that is known."""
    options = {name: value for name, value in (options or {}).items() if value is not None}
    if is_name(X):
        if y is not None:
            raise InputError(f"[y] has no use: {os.fspath(X)} brings its own", "y", "invalid argument")
        for name in options:
            raise InputError(f"[{name}] has no use with {os.fspath(X)}; its notation has options of its own", name, "invalid argument")
        if test is not None and not is_name(test):
            raise InputError(f"[test] is a {type(test).__name__}; expected the name of a file, as X is a name", "test", "invalid argument")
        arguments = [] if test is None else [f"--test={os.fspath(test)}"]
        return Source(os.fspath(X), None, arguments)
    if learns and y is None and "target" not in options:
        expected = "labels or values, one for each example"
        if is_frame(X):
            expected += f", y=NAME of a column of classes, or target=NAME of one of values; the columns are {', '.join(map(str, X.columns))}"
        raise InputError(f"[y] is missing; expected {expected}", "y", "invalid argument")
    return _frame_source(X, y, test, options) if is_frame(X) else _array_source(X, y, test, options, classes, network)

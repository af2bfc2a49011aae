"""What commands find, as objects: the members of the command line's JSON (docs/formats.md) as attributes."""

from __future__ import annotations

import html
import json
import os
from typing import Any, Callable, Iterator

from ._errors import InputError


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return Record(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [Record(each) for each in value]
    return value


_MOST_SHOWN = 8  # entries of a list


def _shown(value: Any) -> str:
    """A value within a record: lists of records and long ones by their length."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return f"Record({', '.join(f'{name}={_shown(each)}' for name, each in value.items())})"
    if isinstance(value, list):
        plain = len(value) <= _MOST_SHOWN and not any(isinstance(each, (dict, list)) for each in value)
        return f"[{', '.join(map(_shown, value))}]" if plain else f"[{len(value)} entries]"
    return repr(value)


class Record:
    """Named values: `record.name`, `record["any name"]`, iteration over names, `to_dict()`."""

    def __init__(self, values: dict[str, Any]):
        object.__setattr__(self, "_values", values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return _wrapped(self._values[name])
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(self._values)}") from None

    def __getitem__(self, name: str) -> Any:
        return _wrapped(self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name in self._values if name.isidentifier())]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={_shown(value)}' for name, value in self._values.items())})"

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def keys(self):
        return self._values.keys()

    def to_dict(self) -> dict[str, Any]:
        """All of it, as the command line's JSON has it. Numbers that are not finite are None."""
        return self._values


def _frame(rows: list[dict[str, Any]]):
    try:
        import pandas
    except ImportError:
        raise InputError("[to_frame] needs pandas; install it, or take to_dict()", "to_frame", "unsupported") from None
    return pandas.DataFrame(rows)


def _write(function: str, path: str | os.PathLike, content: bytes) -> None:
    try:
        with open(path, "wb") as file:
            file.write(content)
    except (OSError, TypeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"[{path}] cannot be written: {why}; expected {function}(path) with a path in a folder that is there", str(path), "io") from error


def _scalars(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if not isinstance(value, (list, dict))}


def as_taker(take: Callable[[Record], Any] | None) -> Callable[[str], Any] | None:
    """What is finished comes as JSON, and goes on as a record."""
    return None if take is None else lambda text: take(Record(json.loads(text)))


class Result(Record):
    """What a command found. `str()` is what the command line prints."""

    def __init__(self, values: dict[str, Any], text: str, *, report: str | None = None, model: bytes | None = None,
                 exported: Any = None):
        super().__init__(values)
        object.__setattr__(self, "_text", text)
        object.__setattr__(self, "_report", report)
        #: The network as an ONNX file's bytes, where the command made one; else None.
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "_exported", exported)  # what a PyTorch network was

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        if self._report is None:
            return f"<pre>{html.escape(self._text)}</pre>"
        page = html.escape(self._report, quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:640px;border:0"></iframe>'

    def save_report(self, path: str | os.PathLike) -> None:
        """Writes the report, one page that loads nothing from elsewhere."""
        page = self._report
        if page is None:
            page = f"<!doctype html><meta charset=utf-8><title>undying</title><pre>{html.escape(self._text)}</pre>\n"
        _write("save_report", path, page.encode())

    def save_model(self, path: str | os.PathLike) -> None:
        """Writes the network as an ONNX file."""
        if self.model is None:
            raise InputError("[save_model] there is no network to write: this command made none", "save_model", "invalid argument")
        _write("save_model", path, self.model)

    def to_frame(self):
        """The main table as a pandas frame."""
        return _frame([_scalars(self._values)])


class Study(Result):
    """A controlled study: `verdict` in words, `arms` with their estimates and comparisons."""

    def to_frame(self):
        """A row an arm."""
        rows = []
        for arm in self._values["arms"]:
            row = {"label": arm["label"], "role": arm["role"]}
            for name in ("score", "dead_share", "steps_to_target", "seconds_per_step"):
                row[name] = arm[name]["mean"]
            row.update(lower=arm["score"]["lower"], upper=arm["score"]["upper"], n=arm["score"]["n"])
            comparison = arm.get("comparison") or {}
            difference = comparison.get("difference") or {}
            row.update(
                verdict=comparison.get("verdict"),
                difference=difference.get("mean"),
                difference_lower=difference.get("lower"),
                difference_upper=difference.get("upper"),
                diverged=arm["diverged"],
                collapsed=arm["collapsed"],
            )
            rows.append(row)
        return _frame(rows)


class _WithNetwork(Result):
    """Of what may hold a network."""

    _nothing = ""  # why it holds none

    def _network(self, function: str) -> bytes:
        if self.model is None:
            raise InputError(f"[{function}] there is no network to use: {self._nothing}", function, "invalid argument")
        return self.model

    def predict(self, X: Any, **settings: Any) -> Any:
        """What the network answers: `undying.predict` of it."""
        from ._predict import predict

        return predict(self._network("predict"), X, **settings)

    def predict_proba(self, X: Any, **settings: Any) -> Any:
        """The probability of each class: `undying.predict_proba` of the network."""
        from ._predict import predict_proba

        return predict_proba(self._network("predict_proba"), X, **settings)


class Run(_WithNetwork):
    """A training run: `epochs`, the `ledger` of its units, `model`; `predict(X)` and `predict_proba(X)` use it."""

    _nothing = "the run wrote none as an ONNX file"

    def to_frame(self):
        """A row an epoch."""
        return _frame([_scalars(epoch) for epoch in self._values["epochs"]])


class Diagnosis(Result):
    """What is wrong with a network: `findings`, `layers`, and `lives` of their units."""

    def to_frame(self, of: str = "layers"):
        """`of`: "layers", "units" or "findings", a row each."""
        if of == "units":
            rows = []
            for layer in self._values["layers"]:
                lives = layer["lives"]
                count = len(next(iter(lives.values()), []))
                rows += [{"layer": layer["name"], "unit": unit, **{name: values[unit] for name, values in lives.items()}} for unit in range(count)]
            return _frame(rows)
        if of not in ("layers", "findings"):
            raise InputError(f'[of] is "{of}"; expected layers, units or findings', "of", "invalid argument")
        return _frame([_scalars(entry) for entry in self._values[of]])


class Forecast(Result):
    """What an untrained network is in for."""

    def to_frame(self):
        """A row a layer."""
        return _frame([_scalars(layer) for layer in self._values["layers"]])


class _Changed(_WithNetwork):
    """Of a network that another one came of."""

    def apply_to(self, module: Any) -> Any:
        """Puts the network into the torch.nn.Module that the command was given, or one like it: weights by the names of its parameters,
        other activations, smaller shapes. It answers as the network here then, which is checked before anything is changed. Returns it.
        """
        if self._exported is None:
            raise InputError(
                "[apply_to] the network came as an ONNX file; expected one that was given as a torch.nn.Module. save_model(path) writes it",
                "apply_to",
                "invalid argument",
            )
        if self.model is None:
            raise InputError(f"[apply_to] there is no network to put back: {self._nothing}", "apply_to", "invalid argument")
        from ._torch.restore import apply_to

        return apply_to(module, self.model, self._exported)


class Revival(_Changed):
    """A trial of remedies: `outcome` in words, `chosen`, `study`, and the healed network as `model`."""

    _nothing = "none was better than yours"

    def to_frame(self):
        """A row a remedy."""
        return Study(self._values["study"], "").to_frame()


class Pruning(_Changed):
    """What was taken out of a network, and the smaller one as `model`."""

    _nothing = "nothing in it was proved useless"

    def to_frame(self):
        """A row a layer."""
        return _frame(self._values["layers"])


class Evaluation(Result):
    """Metrics with intervals, confusion matrix, calibration."""

    def to_frame(self):
        """A row a metric."""
        return _frame([{"metric": name, **values} for name, values in self._values["metrics"].items()])


class Listing(Result):
    """The activations, models, data sets and settings there are."""

    def to_frame(self):
        """A row an activation."""
        return _frame([_scalars(activation) for activation in self._values["activations"]])


class Inspection(Result):
    """What a network holds, in words."""

"""The commands of the command line as functions.

Each takes its data in memory or by name, and as keyword arguments the flags of the command, with their names, defaults and help: `--max-seeds`
is `max_seeds`. Nothing here repeats that list; it is asked of the library.
"""

from __future__ import annotations

import difflib
import inspect as _inspect
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable

from . import _undying
from ._data import COLUMN_OPTIONS, Source, open_source
from ._errors import ConditionMet, InputError, Interrupted
from ._progress import make_progress
from ._results import Diagnosis, Evaluation, Forecast, Inspection, Listing, Pruning, Record, Result, Revival, Run, Study, as_taker
from ._words import Words, keyword

_CONDITION_MET = 3
_LEARNING = ("compare", "advise", "train", "revive", "evaluate")  # commands that need something to predict
_HELP = {command["name"]: command for command in _undying.help()}
# Flags that the functions have other words for.
_OWN = {"--data", "--test", "--labels", "--quiet", "--explain", "--forecast", "MODEL"}
# Files that a command writes, and what becomes of them.
_OUTPUTS = {"--json": "result.json", "--report": "report.html", "--out": "network.onnx"}
_ANSWERS = "predict"  # whose --out is no network


def _flags(command: str) -> dict[str, dict[str, Any]]:
    """The flags of a command that are keyword arguments, by their names there."""
    return {keyword(flag["name"]): flag for flag in _HELP[command]["flags"] if flag["name"] not in _OWN}


def _columns(command: str) -> dict[str, str]:
    """The keyword arguments of frames and images, with their help."""
    return {name: text for name, text in COLUMN_OPTIONS.items() if command != _ANSWERS or name != "target"}


def _text(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return ",".join(_text(each) for each in value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return str(value)


def _argument(flag: dict[str, Any], value: Any) -> list[str]:
    """A keyword argument as words of the command line."""
    if value is None:
        return []
    if not flag["type"]:
        if value:
            return [flag["name"]]
        return [flag["negative"]] if flag["negative"] else []
    if flag["several"] and isinstance(value, (tuple, list)):
        return [f"{flag['name']}={_text(each)}" for each in value]
    return [f"{flag['name']}={_text(value)}"]


def _refuse_unknown(function: str, command: str, settings: dict[str, Any]) -> None:
    known = [*_flags(command), *_columns(command)]
    for name in settings:
        if name in known:
            continue
        near = difflib.get_close_matches(name, known, 1)
        raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{f', perhaps {near[0]!r}' if near else ''}")


class _Folder:
    """Where a command's files go while it runs; made when it is needed."""

    def __init__(self):
        self.path: Path | None = None

    def __enter__(self) -> "_Folder":
        return self

    def __exit__(self, *_: object) -> None:
        if self.path is not None:
            shutil.rmtree(self.path, ignore_errors=True)

    def __truediv__(self, name: str) -> Path:
        if self.path is None:
            self.path = Path(tempfile.mkdtemp(prefix="undying-"))
        return self.path / name


def _model_file(model: Any, folder: _Folder, name: str = "model.onnx") -> str:
    """A network by its file; one in memory goes into a file of its own."""
    if isinstance(model, (str, os.PathLike)):
        return os.fspath(model)
    if hasattr(model, "SerializeToString"):  # onnx.ModelProto
        model = model.SerializeToString()
    if isinstance(model, (bytes, bytearray, memoryview)):
        file = folder / name
        file.write_bytes(model)
        return os.fspath(file)
    raise InputError(
        f"[{Path(name).stem}] is a {type(model).__name__}; expected the path or the bytes of an ONNX file, an onnx.ModelProto,"
        " or a torch.nn.Module",
        Path(name).stem,
        "invalid argument",
    )


def _is_module(model: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _call_text(function: str, positional: list[str], settings: dict[str, Any]) -> str:
    words = [*positional, *(f"{name}={value!r}" for name, value in settings.items() if value is not None and not _is_bytes(value))]
    return f"undying.{function}({', '.join(words)})"


def _is_bytes(value: Any) -> bool:
    return isinstance(value, (bytes, bytearray, memoryview)) or hasattr(value, "SerializeToString")


class _Call:
    """One call of a command: its words, its files, its data."""

    def __init__(self, function: str, command: str, settings: dict[str, Any], folder: _Folder):
        self.function = function
        self.command = command
        self.folder = folder
        _refuse_unknown(function, command, settings)
        self.columns = {name: settings[name] for name in COLUMN_OPTIONS if name in settings}
        self.settings = {name: value for name, value in settings.items() if name not in COLUMN_OPTIONS}
        self.words = [command]
        self.shown: list[str] = []  # positional arguments, for the record
        self.source: Source | None = None
        self.files: dict[str, str] = {}
        self.exported: Any = None  # of a PyTorch network
        self.classes = 0
        self.network = False  # whether one at hand is what it is about

    def add_network(self, model: Any, X: Any, y: Any, test: Any) -> None:
        """A network and its data; of PyTorch as well, whose data may be a loader."""
        self.network = True
        if _is_module(model):
            from ._torch.bridge import open_network

            opened = open_network(model, X, y)
            self.exported, self.classes = opened.exported, opened.classes
            model, X, y = opened.exported.model, opened.X, opened.y
            if self.command == _ANSWERS:  # the targets that a loader gives are not looked at
                y = None
        self.add_model(model)
        if self.command in ("diagnose", "evaluate"):
            self._take_all(X, test)
        self.add_data(X, y, test)

    def add_model(self, model: Any) -> None:
        self.words.append(_model_file(model, self.folder))
        self.shown.append("model" if _is_bytes(model) else repr(os.fspath(model)))

    def add_data(self, X: Any, y: Any, test: Any) -> None:
        if X is None:
            raise InputError("[X] is None; expected the name of a data set, an array, a tensor or a frame", "X", "invalid argument")
        learns = self.command in _LEARNING
        self.source = open_source(X, y, test=test, options=self.columns, learns=learns, classes=self.classes, network=self.network)
        self.words += [f"--data={self.source.name}", *self.source.arguments]
        self.shown += [self.source.name if self.source.memory is not None else repr(self.source.name)] + ([] if y is None else ["y"])

    def _take_all(self, X: Any, test: Any) -> None:
        """Of a network at hand: what is handed over is what is meant, and no part of it."""
        if test is None and not isinstance(X, (str, os.PathLike)):
            self.settings.setdefault("part", "all")

    def _add_settings(self) -> None:
        flags = _flags(self.command)
        part = self.command == "compare" and self.settings.get("part")  # of a study: nothing is written but its store
        for flag, name in _OUTPUTS.items():
            key = flag[2:]
            if key in flags and not part and self.command != _ANSWERS:
                own = self.settings.pop(key, None)
                if own is not None and not isinstance(own, (str, os.PathLike)):
                    raise InputError(f"[{key}] is {own!r}; expected the path of a file to write", key, "invalid argument")
                self.files[key] = os.fspath(own if own is not None else self.folder / name)
                self.words.append(f"{flag}={self.files[key]}")
        for key, value in self.settings.items():
            if key in ("model", "init") and _is_bytes(value):
                value = _model_file(value, self.folder, f"{key}.onnx")
            self.words += _argument(flags[key], value)

    def _read(self, key: str) -> bytes | None:
        file = self.files.get(key)
        return Path(file).read_bytes() if file is not None and os.path.exists(file) else None

    def _result(self, kind: type[Result], text: str) -> Result | None:
        content = self._read("json")
        if content is None and "json" in self.files:
            return None
        page = self._read("report")
        values = self.said.say_all(json.loads(content)) if content is not None else {}
        if page is not None:
            page = self.said.say_page(page.decode())
            if self.folder.path is None or not self.files["report"].startswith(os.fspath(self.folder.path)):
                Path(self.files["report"]).write_text(page, encoding="utf-8")
        return kind(values, self.said.say(self._without_own_files(text)), report=page, model=self._network(), exported=self.exported)

    def _network(self) -> bytes | None:
        """The one that was written, as ONNX; a file of another kind holds no network."""
        return self._read("out") if self.files.get("out", "").endswith(".onnx") else None

    def _without_own_files(self, text: str) -> str:
        """What was printed, without the lines that name files which are gone when the call returns."""
        if self.folder.path is None:
            return text
        own = os.fspath(self.folder.path)
        return "".join(line for line in text.splitlines(keepends=True) if own not in line).rstrip("\n") + "\n"

    def _make_words(self) -> Words:
        """Those of this call: its files are gone with it, and are arguments to its caller."""
        own = self.folder.path
        files = {} if own is None else {os.fspath(own / name): name.partition(".")[0] for name in ("model.onnx", "init.onnx")}
        files.update({file: key for key, file in self.files.items() if own is not None and file.startswith(os.fspath(own))})
        source = self.source
        return Words(columns=source and source.columns, predicted=source and source.predicted, files=files)

    def execute(self, progress: bool | None, take: Callable[[Record], Any] | None = None) -> tuple[int, str, str]:
        """Exit code, what was printed, and what ended it early. `take`: is called with what was finished on the way."""
        if take is not None and not callable(take):
            name = "on_epoch" if self.command == "train" else "on_run"
            raise InputError(f"[{name}] is a {type(take).__name__}; expected a function that takes a record", name, "invalid argument")
        call = _call_text(self.function, self.shown, self.settings)
        self._add_settings()
        self.said = self._make_words()
        show = make_progress(progress)
        width = max(100, shutil.get_terminal_size((100, 24)).columns)
        memory = self.source.memory if self.source is not None else None
        try:
            return self.said.guard(_undying.run, self.words, call, width, memory, show, as_taker(take))
        finally:
            if show is not None:
                show.close()

    def run(self, kind: type[Result], progress: bool | None, take: Callable[[Record], Any] | None = None) -> Any:
        code, text, ended = self.execute(progress, take)
        result = self._result(kind, text)
        if ended == "interrupted" or (ended and result is None):
            raise Interrupted(result)
        if code == _CONDITION_MET:
            raise ConditionMet(text[text.rfind("--fail-on") :].strip().replace("--fail-on", "fail_on"), result)
        return result


def compare(X: Any, y: Any = None, *, test: Any = None, progress: bool | None = None, executor: Any = None,
            on_run: Callable[[Record], Any] | None = None, **settings: Any) -> Study:
    if executor is not None:
        if not hasattr(executor, "submit") and on_run is None:
            raise InputError(
                f"[executor] is a {type(executor).__name__}; expected what has submit(), as concurrent.futures.Executor does",
                "executor",
                "invalid argument",
            )
        if on_run is not None:
            raise InputError("[on_run] is of runs in this process; expected one of on_run and executor", "on_run", "invalid argument")
        return _compare_on(executor, X, y, test, settings)
    with _Folder() as folder:
        call = _Call("compare", "compare", settings, folder)
        call.add_data(X, y, test)
        return call.run(Study, progress, on_run)


def advise(X: Any, y: Any = None, *, test: Any = None, progress: bool | None = None,
           on_run: Callable[[Record], Any] | None = None, **settings: Any) -> Study:
    with _Folder() as folder:
        call = _Call("advise", "advise", settings, folder)
        call.add_data(X, y, test)
        return call.run(Study, progress, on_run)


def _compare_on(executor: Any, X: Any, y: Any, test: Any, settings: dict[str, Any]) -> Study:
    """The study with its runs on the workers of an executor; here they are only put together and judged."""
    from . import _executor

    _refuse_unknown("compare", "compare", settings)
    outputs = {name: settings[name] for name in ("json", "report") if name in settings}
    asked = {name: value for name, value in settings.items() if name not in (*outputs, "store", "threads") and value is not None}
    asked.setdefault("activations", _flags("compare")["activations"]["initial"])
    with _Folder() as folder:
        store = settings.get("store") or folder / "study.sqlite"

        def merge(contents: list[bytes]) -> None:
            parts = [folder / f"part{number}.sqlite" for number in range(len(contents))]
            for part, content in zip(parts, contents):
                part.write_bytes(content)
            _undying.run(["merge", *map(os.fspath, parts), f"--store={os.fspath(store)}"], "", 100, None, None, None)

        _executor.run(executor, (X, y, test), asked, merge)
        return compare(X, y, test=test, progress=False, store=store, **asked, **outputs)


def train(X: Any, y: Any = None, *, test: Any = None, progress: bool | None = None,
          on_epoch: Callable[[Record], Any] | None = None, **settings: Any) -> Run:
    with _Folder() as folder:
        call = _Call("train", "train", settings, folder)
        call.add_data(X, y, test)
        return call.run(Run, progress, on_epoch)


def diagnose(model: Any, X: Any, y: Any = None, *, test: Any = None, progress: bool | None = None, **settings: Any) -> Diagnosis:
    with _Folder() as folder:
        call = _Call("diagnose", "diagnose", settings, folder)
        call.add_network(model, X, y, test)
        return call.run(Diagnosis, progress)


def forecast(model: Any, *, init_scheme: str | None = None, output: str | None = None, shape: Any = None) -> Forecast:
    settings = {"init_scheme": init_scheme, "output": output, "shape": shape}
    with _Folder() as folder:
        call = _Call("forecast", "diagnose", settings, folder)
        call.add_model(model)
        call.words.append("--forecast")
        return call.run(Forecast, False)


def revive(model: Any, X: Any, y: Any = None, *, test: Any = None, progress: bool | None = None,
           on_run: Callable[[Record], Any] | None = None, **settings: Any) -> Revival:
    with _Folder() as folder:
        call = _Call("revive", "revive", settings, folder)
        call.add_network(model, X, y, test)
        return call.run(Revival, progress, on_run)


def prune(model: Any, X: Any, y: Any = None, *, test: Any = None, progress: bool | None = None, **settings: Any) -> Pruning:
    with _Folder() as folder:
        call = _Call("prune", "prune", settings, folder)
        call.add_network(model, X, y, test)
        return call.run(Pruning, progress)


def evaluate(model: Any, X: Any, y: Any = None, *, test: Any = None, progress: bool | None = None, **settings: Any) -> Evaluation:
    with _Folder() as folder:
        call = _Call("evaluate", "evaluate", settings, folder)
        call.add_network(model, X, y, test)
        return call.run(Evaluation, progress)


def inspect(model: Any, *, output: str | None = None, shape: Any = None) -> Inspection:
    with _Folder() as folder:
        call = _Call("inspect", "inspect", {"output": output, "shape": shape}, folder)
        call.add_model(model)
        return call.run(Inspection, False)


def list_all() -> Listing:
    with _Folder() as folder:
        return _Call("list", "list", {}, folder).run(Listing, False)


_INPUT_HELP = """\
X: the name of a data set as --data has it ("fashion-mnist", "csv:FILE:label=NAME"), an array (examples, features...), a tensor, or a pandas or
    polars frame. float32 is taken as it is, images of uint8 (examples, height, width[, channels]) as such, all else becomes float32."""

_DATA_HELP = _INPUT_HELP + """
y: of arrays and frames what is to be predicted, (examples) or (examples, outputs): integers and texts are classes, numbers with fractions
    values; of a frame also the name of the column.
test: (X_test, y_test), or of a frame that names its label another frame; without it a part is held out (split).
progress: whether to show it; None: on a terminal or in a notebook."""

_MODEL_HELP = """\
model: the network: the path or the bytes of an ONNX file, an onnx.ModelProto, or a torch.nn.Module, whose X may be a loader of (inputs, targets).
"""

_EXECUTOR_HELP = """
executor: a concurrent.futures.Executor, or what has submit() like one (Dask's client.get_executor(), mpi4py's MPIPoolExecutor, submitit's), whose
    workers train the runs, one at a time each; needs a fixed number of seeds. The numbers are those of one process."""


_WAITS = ", on this\n    thread while the work waits. An exception ends the work and is raised; after StopIteration what was finished is the result."
_RUN_HELP = "\non_run: called after each run with its record: arm, seed, status, test_accuracy, test_loss, units, dead" + _WAITS
_CALLBACK_HELP = {
    "train": "\non_epoch: called after each epoch with its record: epoch, step, train_loss, test_loss, test_accuracy, units, dead" + _WAITS,
    "compare": _RUN_HELP,
    "advise": _RUN_HELP,
    "revive": _RUN_HELP,
}


def _setting_help(name: str, flag: dict[str, Any]) -> str:
    default = f" (default: {flag['initial']})" if flag["initial"] else ""
    return f"{name}: {Words().say(flag['help'])}{default}"


def _describe(function: Any, command: str, model: bool) -> None:
    """The docstring and the signature of a command's function, of its --help."""
    flags = _flags(command)
    model_help = _MODEL_HELP if model else ""
    settings = "\n".join(_setting_help(name, flag) for name, flag in sorted(flags.items()))
    columns = "\n".join(f"{name}: {text}" for name, text in _columns(command).items())
    asks = "y" in _inspect.signature(function).parameters
    data_help = (_DATA_HELP if asks else _INPUT_HELP) + _CALLBACK_HELP.get(command, "") + (_EXECUTOR_HELP if command == "compare" else "")
    function.__doc__ = f"{Words().say(_HELP[command]['description']).strip()}\n\n{model_help}{data_help}\n\nSettings:\n\n{settings}\n\nOf frames and images:\n\n{columns}\n"
    own = [p for p in _inspect.signature(function).parameters.values() if p.kind is not _inspect.Parameter.VAR_KEYWORD]
    more = [_inspect.Parameter(name, _inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Any) for name in [*flags, *_columns(command)]]
    function.__signature__ = _inspect.signature(function).replace(parameters=[*own, *more])


for _function, _command, _model in (
    (compare, "compare", False),
    (advise, "advise", False),
    (train, "train", False),
    (diagnose, "diagnose", True),
    (revive, "revive", True),
    (prune, "prune", True),
    (evaluate, "evaluate", True),
):
    _describe(_function, _command, _model)
forecast.__doc__ = "What an untrained network is in for, from its graph alone: no data is read. `init_scheme`: how weights will be drawn."
inspect.__doc__ = _HELP["inspect"]["description"]
list_all.__doc__ = _HELP["list"]["description"]
list_all.__name__ = list_all.__qualname__ = "list"

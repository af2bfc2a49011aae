"""A study over the workers of an executor that exists: concurrent.futures', Dask's, mpi4py's, Ray's, Slurm's by submitit.

Work goes out as a part of the study, one run each (compare --part), and comes back as a store's bytes; one writer, the caller, puts them
together. Data travels to a worker once: tasks name it by a digest, and a worker that lacks it says so.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import pickle
import re
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator

from ._data import is_name
from ._errors import InputError, UndyingError

_TRIES = 3
_MERGE_EVERY = 1.0  # seconds: what is finished is put together so often, for a merge of many costs little more than one
_KEPT: dict[str, tuple] = {}  # of a worker: the data of the study at hand, by digest


def run_part(digest: str, data: tuple | None, settings: dict[str, Any], part: str) -> bytes | None:
    """Of a worker: trains the runs of a part; the bytes of their store. None: it needs the data."""
    from ._commands import compare

    if data is not None:
        _KEPT.clear()
        _KEPT[digest] = data
    if digest not in _KEPT:
        return None
    X, y, test = _KEPT[digest]
    with tempfile.TemporaryDirectory(prefix="undying-") as folder:
        store = Path(folder) / "part.sqlite"
        compare(X, y, test=test, progress=False, **{**settings, "part": part, "store": store, "threads": 1})
        return store.read_bytes()


def arm_count(activations: Any) -> int:
    """With the control and the placebo, which are always among the arms."""
    names = re.split(r",(?=\s*[a-zA-Z])", activations) if isinstance(activations, str) else [str(each) for each in activations]
    return 2 + len({name.strip() for name in names} - {"relu"})


def _workers(executor: Any) -> int:
    known = getattr(executor, "_max_workers", None)
    return int(known) if known else 2 * (os.cpu_count() or 1)


class _Tasks:
    """The parts in flight: as many as keep the workers busy."""

    def __init__(self, executor: Any, data: tuple, settings: dict[str, Any], parts: int):
        self.executor = executor
        self.data = data
        self.digest = hashlib.sha256(pickle.dumps(data)).hexdigest()
        self.small = is_name(data[0])  # a name may travel with each task
        self.settings = settings
        self.waiting = [f"{part}/{parts}" for part in range(1, parts + 1)]
        self.room = 2 * _workers(executor)
        self.sent = 0
        self.tries: dict[str, int] = {}
        self.running: dict[Any, str] = {}

    def submit(self, part: str, with_data: bool) -> None:
        try:
            future = self.executor.submit(run_part, self.digest, self.data if with_data else None, self.settings, part)
        except Exception as error:
            raise UndyingError(f"[executor] takes no more work: {error}; finished runs are in the store, if one was named", "executor") from error
        self.running[future] = part

    def fill(self) -> None:
        while self.waiting and len(self.running) < self.room:
            self.submit(self.waiting.pop(0), self.small or self.sent < self.room)
            self.sent += 1

    def again(self, part: str, error: BaseException) -> None:
        """A task whose worker died, or raised: once more, elsewhere perhaps."""
        if isinstance(error, (InputError, TypeError)):
            raise error
        self.tries[part] = self.tries.get(part, 1) + 1
        if self.tries[part] > _TRIES:
            raise UndyingError(f"[executor] part {part} failed {_TRIES} times, the last time with {type(error).__name__}: {error}", "executor") from error
        self.submit(part, True)

    def finished(self) -> Iterator[bytes]:
        self.fill()
        while self.running:
            done = next(iter(_wait(self.running)))
            part = self.running.pop(done)
            error = done.exception()
            if error is not None:
                self.again(part, error)
            elif (store := done.result()) is None:
                self.submit(part, True)
            self.fill()
            if error is None and store is not None:
                yield store

    def cancel(self) -> None:
        for future in self.running:
            future.cancel()


def _wait(futures: Any) -> Any:
    """The first futures that are done. Futures that are not concurrent.futures' own are asked in turn."""
    if all(isinstance(future, concurrent.futures.Future) for future in futures):
        return concurrent.futures.wait(futures, return_when=concurrent.futures.FIRST_COMPLETED).done
    while True:
        done = [future for future in futures if future.done()]
        if done:
            return done
        time.sleep(0.05)


def run(executor: Any, data: tuple, settings: dict[str, Any], merge: Any) -> None:
    """Trains every run of the study on the workers. `merge(list of bytes)`: puts parts' stores into the study's."""
    seeds = settings.get("seeds")
    if seeds in (None, "auto"):
        raise InputError("[executor] needs a fixed number of seeds, for runs go out all at once; expected seeds=N", "executor", "invalid argument")
    parts = arm_count(settings["activations"]) * int(seeds)
    tasks = _Tasks(executor, data, settings, parts)
    stores: list[bytes] = []
    begun = time.monotonic()
    try:
        for store in tasks.finished():
            stores.append(store)
            if time.monotonic() - begun > _MERGE_EVERY:
                merge(stores)
                stores, begun = [], time.monotonic()
    finally:
        tasks.cancel()
        if stores:
            merge(stores)

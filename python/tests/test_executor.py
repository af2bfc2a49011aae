"""Studies on the workers of executors."""

import concurrent.futures
import multiprocessing

import pytest
import undying
from undying import _executor

STUDY = {"model": "mlp:8x2", "epochs": 1, "activations": "relu,leaky_relu:0.1,elu", "seeds": 3}


def facts(study):
    """All that was trained, without what a clock says."""
    found = []
    for arm in study.to_dict()["arms"]:
        for run in arm["runs"]:
            found.append((arm["label"], run["seed"], run["test_loss"], run["test_accuracy"], str(run["curve"]), str(run["events"])))
    return found


def test_runs_of_two_processes_are_those_of_one_bit_by_bit(blobs, tmp_path):
    alone = undying.compare(*blobs, threads=1, **STUDY)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        apart = undying.compare(*blobs, executor=pool, store=tmp_path / "s.sqlite", **STUDY)
    assert facts(apart) == facts(alone)
    assert apart.verdict == alone.verdict
    assert undying.compare(*blobs, store=tmp_path / "s.sqlite", threads=1, **STUDY).verdict == alone.verdict


class Unreliable(concurrent.futures.Executor):
    """Runs what it is given at once, forgets the data between tasks, and loses every third task's worker."""

    def __init__(self, most=100):
        self.calls = 0
        self.most = most

    def submit(self, function, *arguments):
        self.calls += 1
        future = concurrent.futures.Future()
        if self.calls % 3 == 0 and self.most > 0:
            self.most -= 1
            future.set_exception(RuntimeError("the worker died"))
            return future
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        _executor._KEPT.clear()
        return future


def test_a_worker_that_dies_loses_no_run(blobs):
    assert facts(undying.compare(*blobs, executor=Unreliable(most=4), **STUDY)) == facts(undying.compare(*blobs, threads=1, **STUDY))


def test_what_cannot_work_is_said_once(blobs):
    class Dead(Unreliable):
        def submit(self, function, *arguments):
            future = concurrent.futures.Future()
            future.set_exception(RuntimeError("the worker died"))
            return future

    with pytest.raises(undying.UndyingError, match=r"part \d+/12 failed 3 times, the last time with RuntimeError: the worker died"):
        undying.compare(*blobs, executor=Dead(), **STUDY)
    with pytest.raises(undying.InputError, match="expected seeds=N"):
        undying.compare(*blobs, executor=Unreliable(), activations="elu")
    with pytest.raises(undying.InputError, match="--batch"):
        undying.compare(*blobs, executor=Unreliable(most=4), **STUDY, batch=-1)

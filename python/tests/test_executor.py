"""Studies on the workers of executors."""

import concurrent.futures
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
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
    with pytest.raises(undying.InputError, match=r"^\[batch\]"):
        undying.compare(*blobs, executor=Unreliable(most=4), **STUDY, batch=-1)


def killing(number, marker, *arguments):
    """A worker that dies in the middle: the first to come here once this part is at its turn."""
    part = arguments[-1]
    if part.startswith(f"{number}/") and not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return _executor.run_part(*arguments)


class Killing:
    """Another executor, one of whose workers is killed in the middle of the study."""

    def __init__(self, inner, marker):
        self.inner = inner
        self.marker = str(marker)

    def submit(self, function, *arguments):
        return self.inner.submit(killing, 5, self.marker, *arguments)


def test_dask_loses_a_worker_and_no_run(blobs, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            client.wait_for_workers(2)
            executor = Killing(client.get_executor(retries=2), tmp_path / "killed")
            apart = undying.compare(*blobs, executor=executor, **STUDY)
    assert (tmp_path / "killed").exists()
    assert facts(apart) == facts(undying.compare(*blobs, threads=1, **STUDY))


MPI = """
import json, sys
import numpy as np
from mpi4py.futures import MPIPoolExecutor
import undying
if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    from test_executor import STUDY, facts
    data = np.load(sys.argv[2])
    with MPIPoolExecutor() as pool:
        json.dump(facts(undying.compare(data["X"], data["y"], executor=pool, **STUDY)), open(sys.argv[3], "w"))
"""


def test_mpi_on_two_ranks(blobs, tmp_path):
    pytest.importorskip("mpi4py")
    launcher = Path(sys.executable).with_name("mpiexec")
    if not launcher.exists():
        pytest.skip("the environment has no mpiexec (pip install mpich)")
    (tmp_path / "study.py").write_text(MPI)
    np.savez(tmp_path / "data.npz", X=blobs[0], y=blobs[1])
    words = [launcher, "-n", "2", sys.executable, "-m", "mpi4py.futures", "study.py", Path(__file__).parent, "data.npz", "facts.json"]
    package = os.path.abspath(Path(undying.__file__).parents[1])
    subprocess.run(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": package}, check=True, timeout=300)
    found = [tuple(each) for each in json.loads((tmp_path / "facts.json").read_text())]
    assert found == [tuple(json.loads(json.dumps(each))) for each in facts(undying.compare(*blobs, threads=1, **STUDY))]

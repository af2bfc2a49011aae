"""What is wrong is said as the command line says it, and ends nothing."""

import os
import pickle
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import undying


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"lr": -1}, r"^\[lr\] -1 is out of range"),
        ({"optimizer": "adm"}, r"^\[optimizer\] .*adm.*expected .*sgd"),
        ({"optimizer": "adam", "momentum": 0.9}, r"^\[momentum\] is not a setting of the optimizer adam"),
        ({"activations": "rellu"}, "rellu"),
        ({"activations": "leaky"}, "did you mean leaky_relu"),
        ({"on_run": 3}, r"^\[on_run\] is a int; expected a function"),
        ({"executor": 3}, r"^\[executor\] is a int; expected what has submit"),
        ({"json": 3}, r"^\[json\] is 3; expected the path"),
        ({"model": "mlp:0x2"}, "mlp:0x2"),
        ({"shards": 2}, r"^\[shards\] is 2"),
        ({"activations": "swish"}, "did you mean silu, which is the same function"),
        ({"schedule": "linear"}, r"^\[schedule linear\] "),
        ({"keep_alive": "rado"}, r'^\[keep_alive "rado"\] .*perhaps redo'),
        ({"loss": "mse", "batch_norm": True, "class_weights": "balanced"}, r"^\[class_weights\] |^\[loss mse\] "),
        ({"batch": "many"}, r"^\[batch\] \"many\" is not a whole number"),
    ],
)
def test_settings(blobs, settings, words):
    with pytest.raises(undying.InputError, match=words) as caught:
        undying.compare(*blobs, **{"seeds": 1, "epochs": 1, "model": "mlp:4x1", **settings})
    assert isinstance(caught.value, ValueError)
    assert caught.value.subject and not caught.value.subject.startswith("--")


def test_an_unknown_keyword_names_the_nearest(blobs):
    with pytest.raises(TypeError, match="activation.*perhaps 'activations'"):
        undying.compare(*blobs, activation="relu")


def nan(x):
    x = x.copy()
    x[3, 1] = np.nan
    return x


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda X, y: (nan(X), y), "value 1 of example 3 is not finite"),
        (lambda X, y: (X[:, 0], y), "1 dimension, 240 values; expected"),
        (lambda X, y: (X, y[:-1]), "239 entries; expected one for each of the 240 examples"),
        (lambda X, y: (X[:0], y[:0]), "0 values"),
        (lambda X, y: (X.astype(object), y), "array of object; expected numbers"),
        (lambda X, y: (X.astype(str), y), "expected numbers"),
        (lambda X, y: (X.astype(complex), y), "complex.*expected numbers"),
        (lambda X, y: (X, np.arange(240)), "240 different labels .* too many"),
        (lambda X, y: (X, None), "y. is missing; expected labels or values"),
        (lambda X, y: (None, None), r"^\[X\] is None; expected the name of a data set"),
        (lambda X, y: ([[1.0, 2.0], [3.0]], [0, 1]), r"^\[X\] is a list of which numpy makes no array"),
        (lambda X, y: (X, [[0], [0, 1]]), r"^\[y\] is a list of which numpy makes no array"),
        (lambda X, y: (X, np.where(y == 0, np.nan, y + 0.5)), "finite"),
        (lambda X, y: (X, [None] + ["a", "b"] * 119 + ["a"]), "missing label"),
    ],
)
def test_data(blobs, change, words):
    X, y = change(*blobs)
    with pytest.raises(undying.InputError, match=words):
        undying.train(X, y, model="mlp:4x1", epochs=1, threads=1)


def test_a_frame_with_text_gets_the_advice_of_a_csv_file():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"name": [f"person {i}" for i in range(90)], "age": np.arange(90.0) % 7, "y": ["a", "b", "c"] * 30})
    with pytest.raises(undying.InputError, match="name: 90 different texts in 90 rows"):
        undying.train(frame, "y", model="mlp:4x1", epochs=1)
    with pytest.raises(undying.InputError, match='no column "z"'):
        undying.train(frame, "z", model="mlp:4x1", epochs=1)
    with pytest.raises(undying.InputError, match="y=NAME of a column of classes, or target=NAME .* the columns are name, age, y"):
        undying.train(frame, model="mlp:4x1", epochs=1)
    assert undying.train(frame, "y", drop="name", model="mlp:4x1", epochs=1).data.train == 72
    for name, value in {"drop": 3, "values": "many", "missing": 5, "text": 1.5}.items():
        with pytest.raises(undying.InputError, match=rf"^\[{name}\] is .*; expected "):
            undying.train(frame, "y", **{"drop": "name", name: value}, model="mlp:4x1", epochs=1)
    with pytest.raises(undying.InputError, match=r"^\[test\] is a tuple; expected the name of a file"):
        undying.train("spirals", test=(1, 2), model="mlp:4x1", epochs=1)


def test_networks(blobs, tmp_path):
    X, y = blobs
    with pytest.raises(undying.InputError, match="missing.onnx"):
        undying.diagnose(tmp_path / "missing.onnx", X, y)
    with pytest.raises(undying.InputError):
        undying.diagnose(b"not a network", X, y)
    for call in (lambda: undying.diagnose(3, X, y), lambda: undying.inspect(3), lambda: undying.predict(3, X)):
        with pytest.raises(undying.InputError, match=r"^\[model\] is a int; expected the path or the bytes"):
            call()


def test_files_that_cannot_be_written(blobs, network, tmp_path):
    run = undying.train(*blobs, model="mlp:4x1", epochs=1, threads=1)
    for save in (run.save_model, run.save_report, undying.inspect(network).save_report):
        for path in (tmp_path / "none" / "x", tmp_path):
            with pytest.raises(undying.InputError, match="cannot be written: .*; expected save_") as caught:
                save(path)
            assert caught.value.kind == "io" and caught.value.subject == str(path)
        with pytest.raises(undying.InputError, match="cannot be written"):
            save(None)


def test_records_show_their_values(blobs):
    study = undying.compare(*blobs, model="mlp:4x1", epochs=1, seeds=2, activations="elu", threads=1)
    arm = repr(study.arms[2])
    assert arm.startswith("Record(label='elu:1', activation='elu:1',") and "score=Record(mean=" in arm and "runs=[2 entries]" in arm
    assert f"lr={study.settings.lr:g}" in repr(study.settings)


def test_inputs_of_another_width_than_the_network(blobs, network):
    X, y = blobs
    with pytest.raises(undying.InputError):
        undying.diagnose(network, X[:, :3], y)


def test_a_condition_that_is_met_carries_the_diagnosis(blobs, network):
    with pytest.raises(undying.ConditionMet, match="fail_on 'dead>=0%' is met") as caught:
        undying.diagnose(network, *blobs, fail_on=["dead>=0%", "locked>99%"])
    assert caught.value.result.units == 16


def test_exceptions_are_pickled():
    error = pickle.loads(pickle.dumps(undying.InputError("[--lr] wrong", "--lr", "invalid argument")))
    assert (str(error), error.subject) == ("[--lr] wrong", "--lr")


def test_ctrl_c_stops_a_run_and_keeps_what_is_finished(blobs):
    X, y = blobs
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(undying.Interrupted) as caught:
        undying.train(X, y, model="mlp:8x2", epochs=1_000_000, threads=1)
    assert caught.value.result.status == "interrupted"
    assert len(caught.value.result.epochs) > 0


def test_epochs_and_runs_are_told_as_they_end(blobs):
    told = []
    here = threading.get_ident()

    def note(record):
        assert threading.get_ident() == here
        told.append(record)

    run = undying.train(*blobs, model="mlp:8x2", epochs=3, threads=1, on_epoch=note)
    assert [(each.epoch, each.train_loss, each.test_loss) for each in told] == [(e.epoch, e.train_loss, e.test_loss) for e in run.epochs]
    assert told[-1].units == 16 and told[-1].dead == run.ledger.dead
    told.clear()
    study = undying.compare(*blobs, model="mlp:4x1", epochs=1, seeds=3, activations="elu", threads=2, on_run=note)
    expected = {(arm.label, each.seed, each.test_loss) for arm in study.arms for each in arm.runs}
    assert len(told) == 9 and {(each.arm, each.seed, each.test_loss) for each in told} == expected


def test_a_callback_ends_the_work(blobs):
    def stop(record):
        if record.epoch == 4:
            raise StopIteration

    run = undying.train(*blobs, model="mlp:8x2", epochs=1_000_000, threads=1, on_epoch=stop)
    assert run.status == "interrupted" and len(run.epochs) == 4

    def fail(record):
        raise LookupError(record.arm)

    with pytest.raises(LookupError, match="relu"):
        undying.compare(*blobs, model="mlp:8x2", epochs=1, seeds=500, activations="elu", threads=2, on_run=fail)

    def stop_study(record):
        raise StopIteration

    study = undying.compare(*blobs, model="mlp:8x2", epochs=1, seeds=500, activations="elu", threads=1, on_run=stop_study)
    assert study.missing == 1499
    with pytest.raises(undying.InputError, match="expected one of on_run and executor"):
        undying.compare(*blobs, on_run=stop_study, executor=object())


def test_threads_of_the_caller_go_on(blobs):
    X, y = blobs
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.wait(0.01):
            ticks.append(1)

    ticker = threading.Thread(target=tick)
    ticker.start()
    undying.train(X, y, model="mlp:64x4", epochs=3000, threads=1)
    stop.set()
    ticker.join()
    assert len(ticks) > 3


CALLS = """
import gc, numpy as np, undying
X, y = np.random.default_rng(1).normal(size=(40, 3)).astype("float32"), np.arange(40) % 2
network = undying.train(X, y, model="mlp:4x1", epochs=1, threads=1).model
def bad(call, *arguments, **settings):
    try: call(*arguments, **settings)
    except undying.InputError: return
    raise SystemExit("no error")
def round():
    undying.train(X, y, model="mlp:4x1", epochs=1, threads=1)
    undying.evaluate(network, X, y, threads=1)
    undying.diagnose(network, X, y, threads=1)
    undying.prune(network, X, threads=1)
    undying.predict(network, X, threads=1)
    bad(undying.train, X, y, model="mlp:4x1", lr=-1)
    bad(undying.train, np.full_like(X, np.nan), y, model="mlp:4x1")
    bad(undying.diagnose, b"not a network", X, y)
    bad(undying.diagnose, network, X[:, :2], y)
def resident():
    gc.collect()
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
for _ in range(40): round()
before = resident()
for _ in range(60): round()
print(resident() - before)
"""


def test_calls_leave_no_memory_behind():
    grown = int(subprocess.run([sys.executable, "-c", CALLS], check=True, capture_output=True, text=True).stdout)
    assert grown < 240  # KiB, of 540 calls


def test_a_forked_process_works(blobs):
    import multiprocessing

    undying.train(*blobs, model="mlp:4x1", epochs=1)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        losses = pool.map_async(_loss, [blobs] * 2).get(60)
    assert losses[0] == losses[1] == _loss(blobs)


def _loss(data):
    return undying.train(*data, model="mlp:4x1", epochs=1, threads=1).test_loss

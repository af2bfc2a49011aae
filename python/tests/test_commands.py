"""The commands as functions: the same numbers as the command line's, whatever form the data has."""

import json
import os
import subprocess

import numpy as np
import pytest
import undying

QUICK = {"model": "mlp:8x2", "epochs": 2, "threads": 1, "shards": 1}


def program(*words):
    return subprocess.run([os.environ["UNDYING_PROGRAM"], *words], check=True, capture_output=True, text=True)


def same_run(a, b):
    return [epoch["train_loss"] for epoch in a["epochs"]] == [epoch["train_loss"] for epoch in b["epochs"]] and a["test_loss"] == b["test_loss"]


def test_train_equals_the_command_line_bit_by_bit(blobs, tmp_path):
    X, y = blobs
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    program("train", f"--data=npy:{tmp_path}/X.npy,{tmp_path}/y.npy", "--model=mlp:8x2", "--epochs=2", "--threads=1", "--shards=1",
            f"--json={tmp_path}/run.json")
    ours = undying.train(X, y, **QUICK)
    assert same_run(ours.to_dict(), json.loads((tmp_path / "run.json").read_text()))


def test_a_frame_equals_the_csv_file(tmp_path):
    pandas = pytest.importorskip("pandas")
    draw = np.random.default_rng(3)
    frame = pandas.DataFrame({"age": draw.normal(40, 10, 150).round(3), "sex": draw.choice(["f", "m"], 150), "kids": draw.integers(0, 4, 150)})
    frame["bought"] = np.where(frame.age + 5 * frame.kids > 45, "yes", "no")
    frame.loc[3, "age"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    program("train", f"--data=csv:{tmp_path}/t.csv:label=bought:missing=mean", "--model=mlp:8x2", "--epochs=2", "--threads=1", "--shards=1",
            f"--json={tmp_path}/run.json")
    named = undying.train(frame, "bought", missing="mean", **QUICK)
    assert same_run(named.to_dict(), json.loads((tmp_path / "run.json").read_text()))
    apart = undying.train(frame.drop(columns="bought"), frame["bought"], missing="mean", **QUICK)
    assert same_run(named.to_dict(), apart.to_dict())
    assert "sex (f, m)" in str(named)


def test_polars_and_pandas_are_read_alike():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    draw = np.random.default_rng(4)
    table = {"a": draw.normal(size=120), "b": draw.choice(["x", "y", "z"], 120), "t": draw.normal(size=120)}
    runs = [undying.train(frame, target="t", **QUICK).to_dict() for frame in (pandas.DataFrame(table), polars.DataFrame(table))]
    assert same_run(*runs)


@pytest.mark.parametrize("convert", [lambda x: x.astype(np.float64), lambda x: np.asfortranarray(x), lambda x: x.tolist()])
def test_other_types_and_orders_of_the_same_numbers(blobs, convert):
    X, y = blobs
    assert same_run(undying.train(X, y, **QUICK).to_dict(), undying.train(convert(X), y, **QUICK).to_dict())


def test_labels_may_be_names(blobs):
    X, y = blobs
    run = undying.train(X, np.array(["low", "mid", "top"])[y], **QUICK)
    assert same_run(run.to_dict(), undying.train(X, y, **QUICK).to_dict())
    assert [each.name for each in run.data.classes] == ["low", "mid", "top"]


def test_a_test_part_is_taken_as_it_is(blobs):
    X, y = blobs
    run = undying.train(X[:200], y[:200], test=(X[200:], y[200:]), **QUICK)
    assert (run.data.train, run.data.test) == (200, 40)


def test_images_of_bytes_are_scaled_as_images():
    draw = np.random.default_rng(5)
    X = draw.integers(0, 256, (60, 1, 8, 8), dtype=np.uint8)
    run = undying.train(X, draw.integers(0, 2, 60), **QUICK)
    assert "images to [0, 1]" in run.data.scaling


def test_compare_says_what_the_command_line_says(blobs, tmp_path):
    study = undying.compare(*blobs, model="mlp:8x2", epochs=2, activations=["relu", "leaky_relu:0.1"], seeds=2, threads=1)
    assert [arm.role for arm in study.arms] == ["control", "placebo", "treatment"]
    assert study.arms[2].comparison.verdict in ("helps", "hurts", "the same", "undecided")
    assert all(sentence in " ".join(str(study).split()) for sentence in study.verdict[:1])
    assert study.settings.seeds == 2
    study.save_report(tmp_path / "report.html")
    assert "<html" in (tmp_path / "report.html").read_text()[:200].lower()
    assert study._repr_html_().startswith("<iframe")
    frame = study.to_frame()
    assert list(frame.label) == [arm.label for arm in study.arms]


def test_a_store_keeps_the_runs(blobs, tmp_path):
    settings = dict(model="mlp:8x2", epochs=1, activations="relu,elu", seeds=2, threads=1, store=tmp_path / "s.sqlite")
    first, again = (undying.compare(*blobs, **settings).to_dict() for _ in range(2))
    assert first["arms"] == again["arms"]


def test_diagnose_prune_and_evaluate_take_the_network_in_memory(blobs, network, tmp_path):
    X, y = blobs
    (tmp_path / "n.onnx").write_bytes(network)
    found = undying.diagnose(network, X, y, threads=1)
    assert found.layers == undying.diagnose(tmp_path / "n.onnx", X, y, threads=1).layers
    assert found.units == 16 and len(found.to_frame("units")) == 16
    assert undying.diagnose(network, X, threads=1).accuracy is None  # no labels, no accuracy
    assert undying.prune(network, X, threads=1).sound
    evaluation = undying.evaluate(network, X, y, threads=1)
    assert evaluation.metrics["accuracy"]["value"] > 0.5


@pytest.mark.parametrize("names", [None, np.array(["low", "mid", "top"])])
def test_labels_are_the_networks_classes_though_not_all_occur(blobs, names):
    X, y = blobs
    labels = y if names is None else names[y]
    network = undying.train(X, labels, model="mlp:8x2", epochs=20, lr=0.1, seed=1, threads=1).model
    some = y != 1
    assert undying.evaluate(network, X[some], labels[some]).metrics["accuracy"]["value"] > 0.8
    assert undying.diagnose(network, X[some], labels[some]).accuracy > 0.8
    with pytest.raises(undying.InputError, match="expected a class of the network: "):
        undying.evaluate(network, X, np.where(some, labels, "else"))


def test_values_to_predict(line):
    X, y = line
    run = undying.train(X, y, model="mlp:16", epochs=20, lr=0.05, threads=1)
    assert run.test_loss < np.var(y) / 2
    assert undying.evaluate(run.model, X, y).metrics["R2"]["value"] > 0.5


def test_revive_heals_a_network_whose_units_are_dead(blobs):
    X, y = blobs
    dead = undying.train(X, y, model="mlp:8x2", epochs=1, lr=0.01, seed=3, threads=1).model
    revival = undying.revive(dead, X, y, remedies="leaky_relu:0.1", seeds=5, epochs=1, threads=1)
    assert revival.outcome and len(revival.remedies) == 3
    assert (revival.model is None) == (revival.chosen is None)


def test_forecast_inspect_and_list(network):
    assert 0.0 <= undying.forecast(network).born_dead_bound <= 1.0
    assert "relu" in str(undying.inspect(network))
    assert "leaky_relu" in [each.name for each in undying.list().activations]


def test_the_flags_are_the_keywords():
    import inspect

    names = inspect.signature(undying.compare).parameters
    assert {"activations", "max_seeds", "early_stop", "store", "missing"} <= set(names)
    assert "examples a step" in undying.compare.__doc__

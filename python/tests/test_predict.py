"""A network used: the answers of the command predict, as arrays."""

import csv
import os
import subprocess

import numpy as np
import pytest
import undying

QUICK = {"model": "mlp:8x2", "epochs": 20, "lr": 0.1, "seed": 1, "threads": 1}


def program(*words):
    return subprocess.run([os.environ["UNDYING_PROGRAM"], *words], check=True, capture_output=True, text=True).stdout


def written(model, X, folder):
    """What the program writes, by column."""
    (folder / "n.onnx").write_bytes(model)
    np.save(folder / "X.npy", X)
    header, *lines = csv.reader(program("predict", f"{folder}/n.onnx", f"--data=npy:{folder}/X.npy").splitlines())
    return dict(zip(header, zip(*lines)))


@pytest.mark.parametrize("labels", [np.arange(3), np.array([2, 5, 11]), np.array(["lo,w", 'mi"d', "to\np\u2028"]), np.array(["00", "01", "10"])])
def test_classes_come_back_as_they_went_in(blobs, labels):
    X, y = blobs
    run = undying.train(X, labels[y], **QUICK)
    answers, odds = run.predict(X), run.predict_proba(X)
    assert answers.dtype.kind == labels.dtype.kind
    assert (answers == labels[y]).mean() > 0.7
    assert odds.shape == (240, 3) and odds.dtype == np.float32
    np.testing.assert_allclose(odds.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(labels[odds.argmax(axis=1)], answers)
    assert run.predict(X[:1]).shape == (1,)


def test_they_are_those_of_the_command_line(blobs, tmp_path):
    X, y = blobs
    run = undying.train(X, y, **QUICK)
    theirs = written(run.model, X, tmp_path)
    np.testing.assert_array_equal(run.predict(X), np.array(theirs["prediction"], dtype=int))
    np.testing.assert_array_equal(run.predict_proba(X)[:, 2], np.array(theirs["p(2)"], dtype=np.float32))
    np.testing.assert_array_equal(undying.predict(run.model, X), run.predict(X))
    np.testing.assert_array_equal(undying.predict(tmp_path / "n.onnx", f"npy:{tmp_path}/X.npy"), run.predict(X))
    np.testing.assert_array_equal(undying.predict(run.model, X, out=tmp_path / "answers.csv"), run.predict(X))
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 241


def test_a_score_of_the_answers_is_that_of_evaluate(blobs):
    X, y = blobs
    run = undying.train(X, y, **QUICK)
    assert (run.predict(X) == y).mean() == pytest.approx(undying.evaluate(run.model, X, y).metrics["accuracy"]["value"])


@pytest.mark.parametrize("shape", [(200,), (200, 2)])
def test_values_are_in_their_own_units(line, shape):
    X, y = line
    y = 1000.0 * np.column_stack([y, -y])[:, : 1 if len(shape) == 1 else 2].reshape(shape)
    run = undying.train(X, y, model="mlp:16", epochs=20, lr=0.05, threads=1)
    answers = run.predict(X)
    assert answers.shape == shape and np.mean((answers - y) ** 2) < y.var() / 2
    with pytest.raises(undying.InputError, match="names no classes: it gives values"):
        run.predict_proba(X)


@pytest.fixture(scope="module")
def table():
    pandas = pytest.importorskip("pandas")
    draw = np.random.default_rng(3)
    frame = pandas.DataFrame({"age": draw.normal(40, 10, 150), "sex": draw.choice(["f", "m"], 150), "kids": draw.integers(0, 4, 150)})
    frame["bought"] = np.where(frame.age + 5 * frame.kids > 45, "yes", "no")
    return frame


def test_a_frame_is_read_by_the_columns_of_the_network(table):
    run = undying.train(table, "bought", **QUICK)
    answers = run.predict(table)
    assert set(answers) == {"yes", "no"} and (answers == table.bought).mean() > 0.8
    np.testing.assert_array_equal(run.predict(table[["kids", "age", "sex"]]), answers)
    np.testing.assert_array_equal(run.predict(table[::-1]), answers[::-1])
    with pytest.raises(undying.InputError, match='no column "age", which the model reads'):
        run.predict(table.drop(columns="age"))


def test_a_row_that_cannot_be_read_has_no_answer(table):
    run = undying.train(table, "bought", **QUICK)
    gaps = table.copy()
    gaps.loc[[3, 149], "age"] = np.nan
    with pytest.raises(undying.InputError, match='missing="drop" leaves these rows without an answer'):
        run.predict(gaps)
    answers, odds = run.predict(gaps, missing="drop"), run.predict_proba(gaps, missing="drop")
    whole = np.setdiff1d(np.arange(150), [3, 149])
    assert answers[3] is None and answers[149] is None and np.isnan(odds[[3, 149]]).all()
    np.testing.assert_array_equal(answers[whole], run.predict(table)[whole])
    kids = undying.train(table.drop(columns="bought"), target="kids", **{**QUICK, "lr": 0.01})
    assert np.flatnonzero(np.isnan(kids.predict(gaps, missing="drop"))).tolist() == [3, 149]


def test_revivals_and_prunings_answer_too(blobs):
    X, y = blobs
    dead = undying.train(X, y, **QUICK).model
    pruned = undying.prune(dead, X, threads=1)
    if pruned.model is not None:
        np.testing.assert_array_equal(pruned.predict(X), undying.predict(dead, X))
    revival = undying.revive(dead, X, y, remedies="leaky_relu:0.1", seeds=5, epochs=1, threads=1)
    if revival.model is None:
        with pytest.raises(undying.InputError, match=r"\[predict\] there is no network to use: none was better than yours"):
            revival.predict(X)
    else:
        assert revival.predict(X).shape == (240,)


def test_the_network_of_a_revival_answers(blobs):
    """Whatever the trial found: of a revival that holds one."""
    X, y = blobs
    run = undying.train(X, y, **QUICK)
    revival = undying._results.Revival({}, "", model=run.model)
    np.testing.assert_array_equal(revival.predict(X), run.predict(X))
    np.testing.assert_array_equal(revival.predict_proba(X, threads=1), run.predict_proba(X))


def test_a_run_that_wrote_weights_alone_says_so(blobs, tmp_path):
    run = undying.train(*blobs, **{**QUICK, "epochs": 1}, out=tmp_path / "w.safetensors")
    with pytest.raises(undying.InputError, match="there is no network to use"):
        run.predict(blobs[0])


def test_what_cannot_be_asked(blobs, network):
    X, _ = blobs
    with pytest.raises(undying.InputError, match=r"\[part\] is of data that is read by its name"):
        undying.predict(network, X, part="test")
    with pytest.raises(TypeError, match="perhaps 'threads'"):
        undying.predict(network, X, thread=1)
    with pytest.raises(undying.InputError, match="2 inputs"):
        undying.predict(network, X[:, :2])
    with pytest.raises(undying.InputError, match=r"^\[model\] is not an ONNX model"):
        undying.predict(b"", X)


def test_several_outputs_come_by_name():
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = [helper.make_tensor(name, kind, (2, width), np.arange(2 * width)) for name, width in (("v", 1), ("w", 3))]
    nodes = [helper.make_node("MatMul", ["x", "v"], ["one"]), helper.make_node("MatMul", ["x", "w"], ["three"])]
    outputs = [helper.make_tensor_value_info(name, kind, ["N", width]) for name, width in (("one", 1), ("three", 3))]
    graph = helper.make_graph(nodes, "two", [helper.make_tensor_value_info("x", kind, ["N", 2])], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    X = np.array([[1, 2], [3, 4]], dtype=np.float32)
    answers = undying.predict(model, X)
    assert {name: each.tolist() for name, each in answers.items()} == {"one": [2, 4], "three_0": [6, 12], "three_1": [9, 19], "three_2": [12, 26]}
    np.testing.assert_array_equal(undying.predict(model, X, output="three"), [[6, 9, 12], [12, 19, 26]])
    with pytest.raises(undying.InputError, match=r"\[output\] has to name one"):
        undying.predict_proba(model, X)


def test_the_settings_are_the_commands():
    import inspect

    names = set(inspect.signature(undying.predict).parameters)
    assert {"model", "X", "threads", "output", "shape", "part", "missing", "out"} <= names
    assert not {"y", "target", "lr", "test", "progress"} & names
    assert "probability" in undying.predict_proba.__doc__ and "worker threads" in undying.predict.__doc__

"""The estimators among scikit-learn's own."""

import pickle
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

import undying
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from undying import UndyingClassifier, UndyingRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WEIGHTS = "batches are drawn at random: a row twice and a weight of 2 give other batches (as of MLPClassifier)"


def expected_failures(estimator):
    return {"check_sample_weight_equivalence_on_dense_data": WEIGHTS}


@parametrize_with_checks(
    [UndyingClassifier(max_iter=100), UndyingRegressor(max_iter=100)], expected_failed_checks=expected_failures
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16.0, y, random_state=1)


def test_digits_are_told_apart(digits):
    X, X_test, y, y_test = digits
    model = UndyingClassifier((32, 32), "leaky_relu:0.1", learning_rate_init=0.01, max_iter=30, random_state=1).fit(X, y)
    assert model.score(X_test, y_test) > 0.93
    assert len(model.loss_curve_) == model.n_iter_ == 30
    assert model.loss_curve_[-1] < model.loss_curve_[0] / 5
    np.testing.assert_allclose(model.predict_proba(X_test).sum(axis=1), 1.0, atol=1e-12)


def test_the_seed_decides_and_not_the_threads(digits):
    X, _, y, _ = digits
    first, again, other = (
        UndyingClassifier((16,), max_iter=3, random_state=seed, threads=threads, shards=2).fit(X, y)
        for seed, threads in ((1, 1), (1, 2), (2, 1))
    )
    assert first.loss_curve_ == again.loss_curve_ != other.loss_curve_


def test_names_are_classes(digits):
    X, X_test, y, y_test = digits
    names = np.array([f"digit {i}" for i in range(10)])
    model = UndyingClassifier((16,), learning_rate_init=0.01, max_iter=20, random_state=1).fit(X, names[y])
    assert (model.predict(X_test) == names[y_test]).mean() > 0.85


def test_early_stopping_keeps_the_best_epoch(digits):
    X, _, y, _ = digits
    model = UndyingClassifier((32,), early_stopping=True, n_iter_no_change=3, max_iter=300, random_state=1).fit(X, y)
    assert model.n_iter_ < 300
    assert model.best_epoch_ == int(np.argmax(model.validation_scores_)) + 1


def test_a_run_ends_where_the_loss_falls_no_more(digits):
    X, _, y, _ = digits
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = UndyingClassifier((16,), tol=0.01, n_iter_no_change=2, max_iter=1000, random_state=1).fit(X, y)
    assert model.n_iter_ < 1000
    with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs are over"):
        UndyingClassifier((16,), max_iter=2).fit(X, y)


def test_a_run_that_diverges_says_so(digits):
    X, _, y, _ = digits
    with pytest.warns(ConvergenceWarning, match="diverged: "):
        UndyingClassifier((16, 16), solver="sgd", learning_rate_init=1e6, max_iter=20).fit(X, y)


def test_partial_fit_and_warm_start_go_on(digits):
    X, X_test, y, y_test = digits
    model = UndyingClassifier((32,), random_state=1)
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(X, y)
    for _ in range(15):
        for part in np.array_split(np.arange(len(X)), 3):
            model.partial_fit(X[part], y[part], classes=np.arange(10))
    assert model.score(X_test, y_test) > 0.85
    warm = UndyingClassifier((32,), warm_start=True, max_iter=10, random_state=1)
    first = warm.fit(X, y).loss_
    assert warm.fit(X, y).loss_ < first and warm.n_iter_ == 20


def test_weights_of_classes_and_examples(digits):
    X, _, y, _ = digits
    rare = (y == 8).astype(int)
    plain, weighed = (UndyingClassifier((8,), class_weight=weight, max_iter=15, random_state=1).fit(X, rare) for weight in (None, "balanced"))
    assert weighed.predict(X).sum() > plain.predict(X).sum()
    alone = UndyingClassifier((8,), max_iter=30, random_state=1).fit(X, rare, sample_weight=(rare == 1).astype(float))
    assert alone.predict(X).all()  # nothing else counts


def test_it_works_within_a_pipeline_and_a_search(digits):
    X, _, y, _ = digits
    pipeline = make_pipeline(StandardScaler(), UndyingClassifier((16,), max_iter=5, random_state=1, threads=1))
    grid = {"undyingclassifier__activation": ["relu", "leaky_relu:0.1"], "undyingclassifier__learning_rate_init": [1e-3, 1e-2]}
    search = GridSearchCV(pipeline, grid, n_jobs=2, cv=2).fit(X, y)
    assert search.best_score_ > 0.8


def test_pickles_and_clones(digits):
    X, X_test, y, _ = digits
    model = UndyingClassifier((16,), "prelu", max_iter=5, batch_norm=True, random_state=1).fit(X, y)
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(back.predict_proba(X_test), model.predict_proba(X_test))
    assert clone(model).get_params() == model.get_params()
    assert back.partial_fit(X, y).t_ > model.t_


def test_values_in_their_own_units():
    X, y = load_diabetes(return_X_y=True, scaled=True)
    X = X * 20
    model = make_pipeline(StandardScaler(), UndyingRegressor((32,), max_iter=60, random_state=1)).fit(X, 1000 * y)
    assert model.score(X, 1000 * y) > 0.4
    several = UndyingRegressor((16,), max_iter=20, random_state=1).fit(X, np.column_stack([y, -y]))
    assert several.predict(X).shape == (len(X), 2)


def test_the_network_as_onnx_gives_the_same_answers(digits):
    X, X_test, y, y_test = digits
    model = UndyingClassifier((16,), "leaky_relu:0.2", max_iter=20, random_state=1).fit(X, y)
    evaluation = undying.evaluate(model.to_onnx(), X_test.astype(np.float32), y_test.astype(str))
    assert evaluation.metrics["accuracy"]["value"] == pytest.approx(model.score(X_test, y_test))
    found = model.diagnose(X, y)
    assert found.units == 16 and found.accuracy == pytest.approx(model.score(X, y))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"activation": "rellu"}, "rellu"),
        ({"solver": "lbfgs"}, r"^\[solver\] .*lbfgs.*expected .*sgd"),
        ({"learning_rate": "adaptive"}, r"^\[learning_rate adaptive\] .*expected one of constant"),
        ({"alpha": -1}, r"^\[alpha\] is -1"),
        ({"batch_size": "x"}, r"^\[batch_size\] is 'x'"),
        ({"batch_size": 0}, r"^\[batch_size\] is 0"),
        ({"hidden_layer_sizes": "a"}, r"^\[hidden_layer_sizes\] is 'a'"),
        ({"validation_fraction": 2}, r"^\[validation_fraction\] is 2"),
        ({"tol": "a"}, r"^\[tol\] is 'a'"),
        ({"n_iter_no_change": 0.5}, r"^\[n_iter_no_change\] is 0.5"),
        ({"on_epoch": 3}, r"^\[on_epoch\] is 3"),
        ({"initializer": "x"}, r"^\[initializer\]"),
        ({"beta_1": 2}, r"^\[beta_1\]"),
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes"),
        ({"max_iter": 0}, "max_iter.*at least 1"),
        ({"dropout": 1.5}, r"^\[dropout\]"),
        ({"learning_rate_init": -1}, r"^\[learning_rate_init\]"),
    ],
)
def test_settings_that_cannot_be_used(digits, settings, words):
    X, _, y, _ = digits
    with pytest.raises(undying.InputError, match=words):
        UndyingClassifier(**settings).fit(X, y)


def test_epochs_are_told_and_may_be_the_last(blobs):
    told = []

    def note(record):
        told.append(record.train_loss)
        if record.epoch == 3:
            raise StopIteration

    model = UndyingClassifier((8,), max_iter=50, random_state=1, on_epoch=note).fit(*blobs)
    assert model.loss_curve_ == told and model.n_iter_ == 3
    with pytest.raises(ZeroDivisionError):
        UndyingRegressor((8,), max_iter=50, on_epoch=lambda record: 1 / 0).fit(*blobs)


def test_the_parameters_are_those_of_scikit_learn(digits, line):
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    X, _, y, _ = digits
    for ours, theirs, data in ((UndyingClassifier, MLPClassifier, (X, y)), (UndyingRegressor, MLPRegressor, line)):
        given = theirs(max_iter=2, random_state=1).get_params()
        assert set(given) <= set(ours().get_params())
        assert ours(**given).fit(*data).n_iter_ == 2
        assert {name: ours().get_params()[name] for name in given if name != "loss"} == {k: v for k, v in theirs().get_params().items() if k != "loss"}
    logistic, sigmoid = (UndyingClassifier((8,), name, max_iter=2, random_state=1).fit(X, y).loss_curve_ for name in ("logistic", "sigmoid"))
    assert logistic == sigmoid


def test_epochs_are_printed(blobs, capsys):
    told = []
    model = UndyingClassifier((8,), max_iter=2, random_state=1, verbose=True, on_epoch=told.append).fit(*blobs)
    assert capsys.readouterr().out == "".join(f"Iteration {n}, loss = {loss:.8f}\n" for n, loss in enumerate(model.loss_curve_, 1))
    assert len(told) == 2
    UndyingClassifier((8,), max_iter=2, random_state=1, verbose=True, early_stopping=True).fit(*blobs)
    assert capsys.readouterr().out.count("Validation score: 0.") == 2


def test_several_labels_an_example_are_refused(blobs):
    X, y = blobs
    for several in (np.column_stack([y > 1, y < 1]).astype(int), np.column_stack([y, y])):
        with pytest.raises(undying.InputError, match="y. has several labels an example; expected one class each"):
            UndyingClassifier(max_iter=2).fit(X, several)

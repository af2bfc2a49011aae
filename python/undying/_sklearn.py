"""Multilayer perceptrons as scikit-learn has them, with its parameters, trained by the engine, with any activation of the family."""

from __future__ import annotations

import numbers
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_random_state, column_or_1d, compute_sample_weight
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:  # pragma: no cover
    raise ImportError("UndyingClassifier and UndyingRegressor need scikit-learn 1.6 or newer: pip install scikit-learn") from error

from . import _commands, _undying
from ._errors import InputError
from ._results import as_taker
from ._words import Words

# Of the multiply-adds of a step so many, and of its rows so many, are worth a shard of their own.
_SHARD_WORK = 2_000_000
_SHARD_ROWS = 25
_MOST_SHARDS = 8
# What scikit-learn calls by another name.
_ACTIVATIONS = {"logistic": "sigmoid"}
_LOSSES = {"squared_error": "mse"}
_WORDS = Words(
    {
        "--model": "hidden_layer_sizes",
        "--optimizer": "solver",
        "--lr": "learning_rate_init",
        "--weight-decay": "alpha",
        "--schedule": "learning_rate",
        "schedule": "learning_rate",
        "--batch": "batch_size",
        "--epochs": "max_iter",
        "--init-scheme": "initializer",
        "--seed": "random_state",
        "--early-stop": "n_iter_no_change",
        "--beta1": "beta_1",
        "--beta2": "beta_2",
        "--nesterov": "nesterovs_momentum",
    }
)


def _refuse(name: str, value: Any, expected: str) -> None:
    raise InputError(f"[{name}] is {value!r}; expected {expected}", name, "invalid argument")


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, numbers.Real) and float(value).is_integer() and value >= least


def _scaled(weights: np.ndarray) -> np.ndarray:
    """To a mean of 1, so that the learning rate keeps its meaning."""
    total = weights.sum()
    if not total > 0:
        raise ValueError("sample_weight is 0 for every example; expected some above 0")
    return np.ascontiguousarray(weights * (len(weights) / total), dtype=np.float32)


class _Estimator(BaseEstimator):
    """What both have: parameters, the network, its training."""

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        dropout=0.0,
        batch_norm=False,
        initializer="kaiming-normal",
        clip_norm=0.0,
        precision="float32",
        threads=None,
        shards=None,
        on_epoch=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.initializer = initializer
        self.clip_norm = clip_norm
        self.precision = precision
        self.threads = threads
        self.shards = shards
        self.on_epoch = on_epoch

    # What the engine is told.

    def _widths(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        widths = [sizes] if np.isscalar(sizes) else list(sizes)
        if not widths or not all(_is_whole(width, 1) for width in widths):
            _refuse("hidden_layer_sizes", sizes, "a width of at least 1 for each hidden layer, of which there is one or more")
        return [int(width) for width in widths]

    def _batch(self, rows: int) -> int:
        if isinstance(self.batch_size, str) and self.batch_size == "auto":
            return min(200, rows)
        if not _is_whole(self.batch_size, 1):
            _refuse("batch_size", self.batch_size, "a whole number of at least 1, or auto")
        return min(int(self.batch_size), rows)

    def _shard_count(self, rows: int) -> int:
        """Of the network and the batch alone: the same results on any machine."""
        if self.shards is not None:
            return int(self.shards)
        widths = [self.n_features_in_, *self._widths(), self._width]
        work = sum(a * b for a, b in zip(widths, widths[1:])) * self._batch(rows)
        return max(1, min(work // _SHARD_WORK, self._batch(rows) // _SHARD_ROWS, _MOST_SHARDS))

    def _thread_count(self) -> int:
        if self.threads is not None:
            return int(self.threads)
        return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))

    def _arguments(self, rows: int, epochs: int) -> list[str]:
        values = {
            "model": "mlp:" + "-".join(map(str, self._widths())),
            "optimizer": self.solver,
            "lr": self.learning_rate_init,
            "weight-decay": self.alpha if self.solver == "adamw" else self.alpha / self._batch(rows),  # as MLPClassifier has it
            "schedule": self.learning_rate,
            "batch": self._batch(rows),
            "epochs": epochs,
            "dropout": self.dropout,
            "init-scheme": self.initializer,
            "clip-norm": self.clip_norm,
            "precision": self.precision,
            "threads": self._thread_count(),
            "shards": self._shard_count(rows),
            "seed": self._seed,
            "early-stop": self.n_iter_no_change if self.early_stopping and epochs > 1 else 0,
        }
        if self.solver in ("adam", "adamw"):
            values.update({"beta1": self.beta_1, "beta2": self.beta_2})
        if self.solver in ("adam", "adamw", "rmsprop"):
            values["epsilon"] = self.epsilon
        if self.solver in ("sgd", "rmsprop"):
            values["momentum"] = self.momentum
        words = [f"--{name}={value}" for name, value in values.items()]
        words += ["--nesterov"] if self.solver == "sgd" and self.nesterovs_momentum and self.momentum > 0 else []
        words += ["--batch-norm"] if self.batch_norm else []
        words += [] if self.shuffle else ["--no-shuffle"]
        return [*words, *self._own_arguments()]

    def _own_arguments(self) -> list[str]:
        return []

    def _check_settings(self) -> None:
        """Those that the engine does not hear of as they are."""
        for name, fits, expected in (
            ("alpha", lambda value: value >= 0, "a number of at least 0"),
            ("tol", lambda value: value >= 0, "a number of at least 0"),
            ("validation_fraction", lambda value: 0 < value < 1, "a number between 0 and 1"),
        ):
            value = getattr(self, name)
            if not isinstance(value, numbers.Real) or not fits(value):
                _refuse(name, value, expected)
        if not _is_whole(self.n_iter_no_change, 0):
            _refuse("n_iter_no_change", self.n_iter_no_change, "a whole number of at least 0")
        if self.on_epoch is not None and not callable(self.on_epoch):
            _refuse("on_epoch", self.on_epoch, "a function that takes a record")

    # Training.

    def _make_network(self, rows: int, epochs: int) -> None:
        activation = _ACTIVATIONS.get(str(self.activation), str(self.activation))
        outputs = 0 if self._classes else self._width
        self._network = _WORDS.guard(
            _undying.Network, self._arguments(rows, epochs), activation, self.n_features_in_, self._classes, outputs
        )
        self._made_for = (rows, epochs)

    def _train(self, X, labels, targets, weights, epochs: int, fresh: bool) -> None:
        rows = X.shape[0]
        self._check_settings()
        if fresh or not hasattr(self, "_network"):
            self._seed = int(check_random_state(self.random_state).randint(1, 2**31 - 1))
            self.loss_curve_: list[float] = []
            self.n_iter_ = 0
            self.t_ = 0
            self._make_network(rows, epochs)
        elif self._made_for != (rows, epochs):
            kept = self._network.tensors()
            self._make_network(rows, epochs)
            self._network.load(kept)
        watched = self.early_stopping and epochs > 1
        fitted = self._network.fit(
            X,
            labels,
            targets,
            weights,
            self._target_mean,
            self._target_deviation,
            self.validation_fraction if watched else 0.0,
            self._seed,
            float(self.tol),
            0 if watched or epochs == 1 else int(self.n_iter_no_change),
            as_taker(self._tell if self.verbose else self.on_epoch),
        )
        self._note(fitted, epochs)

    def _tell(self, record) -> None:
        """An epoch is over."""
        print(f"Iteration {self.n_iter_ + record.epoch}, loss = {record.train_loss:.8f}")
        if record.validation_score is not None:
            print(f"Validation score: {record.validation_score:f}")
        if self.on_epoch is not None:
            self.on_epoch(record)

    def _note(self, fitted: dict[str, Any], epochs: int) -> None:
        self.loss_curve_ += fitted["losses"]
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else np.nan
        self.best_loss_ = min(self.loss_curve_, default=np.nan)
        self.n_iter_ += len(fitted["losses"])
        self.t_ += fitted["steps"]
        self.validation_scores_ = fitted["validation_scores"] or None
        self.best_epoch_ = fitted["best_epoch"] or None
        self.n_layers_ = len(self._widths()) + 2
        self.n_outputs_ = self._width
        if fitted["status"] == "diverged":
            warnings.warn(
                f"the run diverged: {fitted['reason']}. A smaller learning_rate_init, standardised inputs or clip_norm may help",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif fitted["status"] == "finished" and 1 < epochs == len(fitted["losses"]) and not self.early_stopping:
            warnings.warn(
                f"max_iter={self.max_iter} epochs are over and the loss was still falling by more than tol={self.tol}",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _outputs(self, X) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, order="C", reset=False)
        return self._network.predict(X, self._target_mean, self._target_deviation)

    # Afterwards.

    def to_onnx(self) -> bytes:
        """The network as an ONNX file's bytes: it takes X as it is and gives the classes' logits by name, or values in their own units."""
        check_is_fitted(self)
        with tempfile.TemporaryDirectory(prefix="undying-") as folder:
            file = Path(folder) / "network.onnx"
            self._network.save(str(file), self._class_names(), self._target_mean, self._target_deviation)
            return file.read_bytes()

    def diagnose(self, X, y=None, **settings):
        """`undying.diagnose` of this network on data: which units are dead, where the gradient vanishes, what to try."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, order="C", reset=False)
        return _commands.diagnose(self.to_onnx(), X, None if y is None else self._as_named(y), **settings)

    def __getstate__(self):
        state = dict(super().__getstate__())
        network = state.pop("_network", None)
        if network is not None:
            state["_tensors"] = network.tensors()
        return state

    def __setstate__(self, state):
        tensors = state.pop("_tensors", None)
        super().__setstate__(state)
        if tensors is not None:
            self._make_network(*self._made_for)
            self._network.load(tensors)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_network")

    @property
    def _epochs(self) -> int:
        if not _is_whole(self.max_iter, 1):
            _refuse("max_iter", self.max_iter, "a whole number of at least 1")
        return int(self.max_iter)


class UndyingClassifier(ClassifierMixin, _Estimator):
    """A multilayer perceptron classifier with the parameters of scikit-learn's MLPClassifier and any activation of the family.

    Beyond those: `activation` takes "leaky_relu:0.1" and whatever `undying.list()` names; `solver` sgd, adam, adamw or rmsprop;
    `learning_rate` constant, step:PERIOD[,GAMMA], cosine[:FINAL] or one-cycle (`power_t` and `max_fun` have no use with these, as there); `class_weight` as scikit-learn has it; `dropout`, `batch_norm`,
    `initializer`, `clip_norm`, `precision`; `threads` (None: the machine's, or OMP_NUM_THREADS) and `shards`, on which the last bits of
    a result depend, and never on the threads (None: as many as network and batch are worth); `on_epoch`, called after each epoch with its
    record (epoch, step, train_loss, validation_score), which ends the training by StopIteration.

    Attributes: `classes_`, `loss_curve_`, `loss_`, `best_loss_`, `n_iter_`, `validation_scores_` and `best_epoch_` with early stopping.
    """

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        dropout=0.0,
        batch_norm=False,
        initializer="kaiming-normal",
        clip_norm=0.0,
        precision="float32",
        threads=None,
        shards=None,
        on_epoch=None,
        class_weight=None,
        label_smoothing=0.0,
    ):
        given = {name: value for name, value in locals().items() if name not in ("self", "class_weight", "label_smoothing", "__class__")}
        super().__init__(**given)
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing

    def _own_arguments(self) -> list[str]:
        return [f"--label-smoothing={self.label_smoothing}"] if self.label_smoothing else []

    def _weights(self, sample_weight, X, y):
        if sample_weight is None and self.class_weight is None:
            return None
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if self.class_weight is not None:
            weights = weights * compute_sample_weight(self.class_weight, y)
        return _scaled(weights)

    def _check(self, X, y, reset: bool):
        X, y = validate_data(self, X, y, dtype=np.float32, order="C", reset=reset, multi_output=True)
        check_classification_targets(y)
        if type_of_target(y).startswith(("multilabel", "multiclass-multioutput")):
            raise InputError("[y] has several labels an example; expected one class each", "y", "bad data")
        return X, column_or_1d(y, warn=True)

    def _start(self, classes: np.ndarray) -> None:
        self.classes_ = classes
        self._classes = max(2, len(classes))
        self._width = self._classes
        self._target_mean, self._target_deviation = [], 1.0

    def fit(self, X, y, sample_weight=None):
        """Trains on (examples, features) and their classes; with warm_start from where the last fit ended."""
        warm = self.warm_start and hasattr(self, "_network")
        X, y = self._check(X, y, reset=not warm)
        classes = np.unique(y)
        if warm and not np.array_equal(classes, self.classes_):
            raise ValueError(f"warm_start=True needs the classes of the last fit, {self.classes_}; y has {classes}")
        if not warm:
            self._start(classes)
        labels = np.searchsorted(self.classes_, y).astype(np.int32)
        self._train(X, labels, None, self._weights(sample_weight, X, y), self._epochs, fresh=not warm)
        return self

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One pass over these examples. `classes`: all there will be, needed in the first call."""
        fresh = not hasattr(self, "_network")
        if fresh and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit")
        X, y = self._check(X, y, reset=fresh)
        if fresh:
            self._start(np.unique(classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"`classes={classes}` is not the same as on last call to partial_fit, was: {self.classes_}")
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y contains previously unseen labels {unknown}; the classes are {self.classes_}")
        labels = np.searchsorted(self.classes_, y).astype(np.int32)
        self._train(X, labels, None, self._weights(sample_weight, X, y), 1, fresh=fresh)
        return self

    def predict_proba(self, X) -> np.ndarray:
        """(examples, classes), each row with sum 1."""
        logits = self._outputs(X).astype(np.float64)
        logits = logits[:, : len(self.classes_)]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X) -> np.ndarray:
        return np.log(self.predict_proba(X))

    def predict(self, X) -> np.ndarray:
        logits = self._outputs(X)
        return self.classes_[logits[:, : len(self.classes_)].argmax(axis=1)]

    def _class_names(self) -> list[str]:
        names = [str(name) for name in self.classes_.tolist()]
        return names if len(names) > 1 else [*names, "(none)"]

    def _as_named(self, y):
        return np.asarray(y).astype(str)


class UndyingRegressor(RegressorMixin, _Estimator):
    """A multilayer perceptron regressor with the parameters of scikit-learn's MLPRegressor and any activation of the family.

    See UndyingClassifier for what goes beyond those. `loss` is mse or huber; `scale_targets` trains on targets brought to zero mean and unit
    variance, and answers in their own units.
    """

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        loss="mse",
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        dropout=0.0,
        batch_norm=False,
        initializer="kaiming-normal",
        clip_norm=0.0,
        precision="float32",
        threads=None,
        shards=None,
        on_epoch=None,
        scale_targets=True,
    ):
        given = {name: value for name, value in locals().items() if name not in ("self", "loss", "scale_targets", "__class__")}
        super().__init__(**given)
        self.loss = loss
        self.scale_targets = scale_targets

    def _own_arguments(self) -> list[str]:
        return [f"--loss={_LOSSES.get(self.loss, self.loss)}"]

    def _check(self, X, y, reset: bool):
        X, y = validate_data(self, X, y, dtype=np.float32, order="C", reset=reset, multi_output=True, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._flat = y.ndim == 1
        return X, np.ascontiguousarray(y, dtype=np.float32).reshape(len(y), -1)

    def _start(self, y: np.ndarray) -> None:
        self._classes = 0
        self._width = y.shape[1]
        self._target_mean, self._target_deviation = [], 1.0
        if self.scale_targets:
            self._target_mean = [float(mean) for mean in y.mean(axis=0, dtype=np.float64)]
            self._target_deviation = float(np.sqrt(y.var(axis=0, dtype=np.float64).mean())) or 1.0

    def _weights(self, sample_weight, X):
        if sample_weight is None:
            return None
        return _scaled(_check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True))

    def fit(self, X, y, sample_weight=None):
        """Trains on (examples, features) and (examples) or (examples, values); with warm_start from where the last fit ended."""
        warm = self.warm_start and hasattr(self, "_network")
        X, y = self._check(X, y, reset=not warm)
        if not warm:
            self._start(y)
        elif y.shape[1] != self._width:
            raise ValueError(f"warm_start=True needs {self._width} values an example, as in the last fit; y has {y.shape[1]}")
        self._train(X, None, y, self._weights(sample_weight, X), self._epochs, fresh=not warm)
        return self

    def partial_fit(self, X, y, sample_weight=None):
        """One pass over these examples. Targets are scaled as those of the first call."""
        fresh = not hasattr(self, "_network")
        X, y = self._check(X, y, reset=fresh)
        if fresh:
            self._start(y)
        self._train(X, None, y, self._weights(sample_weight, X), 1, fresh=fresh)
        return self

    def predict(self, X) -> np.ndarray:
        """(examples), or (examples, values) where y was so."""
        values = self._outputs(X)
        return values[:, 0] if self._flat else values

    def _class_names(self) -> list[str]:
        return []

    def _as_named(self, y):
        return np.asarray(y, dtype=np.float64)

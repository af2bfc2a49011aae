"""UndyingClassifier against scikit-learn's MLPClassifier at equal settings, time of fit(): a table for docs/performance.md.

Usage: python bench/python/estimators.py [--rounds N] [--case NAME]...
"""

import argparse
import statistics
import warnings

import numpy as np
from rounds import head, measure, ratios, row
from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from undying import UndyingClassifier


def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split((X / 16).astype(np.float32), y, random_state=0)


def rows():
    X, y = make_classification(88_000, 54, n_informative=20, n_classes=7, random_state=0)
    return train_test_split(X.astype(np.float32), y, test_size=8_000, random_state=0)


#: name: data, widths, epochs, batch, target of the ratio.
CASES = {
    "digits, (100,)": (digits, (100,), 50, 64, 2.5),
    "digits, (32, 32, 32)": (digits, (32,) * 3, 50, 64, 3.5),
    "digits, (64,) * 8": (digits, (64,) * 8, 50, 64, 4.5),
    "80,000 x 54, (256, 256, 256)": (rows, (256,) * 3, 3, 200, 2.5),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", action="append", choices=list(CASES))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    head("", "MLPClassifier, s", "UndyingClassifier, s", "times as fast (least to greatest; target)", "score on held-out rows: theirs, ours")
    for name in options.case or CASES:
        data, widths, epochs, batch, target = CASES[name]
        X, X_test, y, y_test = data()
        fitted = {}

        def fit(kind):
            options = {"initializer": "xavier-uniform"} if kind is UndyingClassifier else {}  # MLPClassifier's own
            model = kind(
                widths,
                max_iter=epochs,
                batch_size=batch,
                tol=0.0,
                n_iter_no_change=epochs + 1,
                random_state=len(fitted.get(kind, [])),
                **options,
            )
            fitted.setdefault(kind, []).append(model.fit(X, y))

        seconds = measure({kind.__name__: lambda kind=kind: fit(kind) for kind in (MLPClassifier, UndyingClassifier)}, options.rounds)
        scores = {kind: [model.score(X_test, y_test) for model in models] for kind, models in fitted.items()}
        middle = {kind: statistics.median(values) for kind, values in seconds.items()}
        spread = "{:.2f} ({:.2f} to {:.2f}; >= {})".format(*ratios(seconds, "MLPClassifier", "UndyingClassifier"), target)
        mean = {kind.__name__: f"{np.mean(each):.3f} ± {np.std(each, ddof=1):.3f}" for kind, each in scores.items()}
        row(name, f"{middle['MLPClassifier']:.2f}", f"{middle['UndyingClassifier']:.2f}", spread, ", ".join(mean.values()))


main()

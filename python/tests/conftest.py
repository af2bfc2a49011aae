import os
import sys

import numpy as np
import pytest

sys.path.insert(0, os.path.dirname(__file__))


@pytest.fixture(scope="session")
def blobs():
    """Three classes in five dimensions, easy to tell apart: (X, y)."""
    draw = np.random.default_rng(1)
    y = draw.integers(0, 3, 240)
    X = draw.normal(size=(240, 5)) + 2.0 * np.eye(3, 5)[y]
    return X.astype(np.float32), y


@pytest.fixture(scope="session")
def line():
    """Values to predict: (X, y)."""
    draw = np.random.default_rng(2)
    X = draw.normal(size=(200, 3)).astype(np.float32)
    return X, X @ np.array([1.0, -2.0, 0.5]) + 0.1 * draw.normal(size=200)


@pytest.fixture(scope="session")
def network(blobs):
    """A small trained network as an ONNX file's bytes."""
    import undying

    return undying.train(*blobs, model="mlp:8x2", epochs=20, lr=0.1, seed=1, threads=1).model

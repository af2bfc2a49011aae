"""What data sets are made of: arrays of numpy, written as NPZ for Undying."""

import functools
import gzip
import pathlib
from dataclasses import dataclass

import numpy


@dataclass
class Data:
    """`classes` is 0 where targets are values. The first `train` examples are the training part."""

    name: str
    inputs: numpy.ndarray
    targets: numpy.ndarray
    classes: int
    train: int

    def part(self, which="train"):
        cut = slice(None, self.train) if which == "train" else slice(self.train, None)
        return self.inputs[cut], self.targets[cut]

    def save(self, file):
        (x, y), (x_test, y_test) = self.part(), self.part("test")
        numpy.savez(file, x_train=x, y_train=y, x_test=x_test, y_test=y_test)

    def outputs(self):
        return self.classes or self.targets.reshape(len(self.targets), -1).shape[1]

    def changed(self, inputs=None, targets=None, name=None):
        return Data(name or self.name,
                    self.inputs if inputs is None else inputs.astype(numpy.float32),
                    self.targets if targets is None else targets, self.classes, self.train)  # fmt: skip


def of(name, inputs, targets, classes, share=0.75):
    targets = targets.astype(numpy.int64 if classes else numpy.float32)
    return Data(name, inputs.astype(numpy.float32), targets, classes, int(share * len(inputs)))


def standard(x):
    return (x - x.mean(0)) / numpy.maximum(x.std(0), 1e-6)


def blobs(rng, n, inputs, classes, apart=2.5):
    """Gaussian clouds, standardised."""
    middles = rng.standard_normal((classes, inputs))
    middles *= apart / numpy.linalg.norm(middles, axis=1, keepdims=True)
    y = rng.integers(classes, size=n)
    return of("blobs", standard(middles[y] + 0.5 * rng.standard_normal((n, inputs))), y, classes)


def rings(rng, n, inputs, classes):
    """Shells about the origin: not to be separated by planes."""
    y = rng.integers(classes, size=n)
    x = rng.standard_normal((n, inputs))
    x *= (1 + y + 0.15 * rng.standard_normal(n))[:, None] / numpy.linalg.norm(x, axis=1)[:, None]
    return of("rings", standard(x), y, classes)


def prototypes(rng, n, side, classes, noise=0.3):
    """Images of a channel in [0, 1]: shifted patterns under noise."""
    patterns = rng.random((classes, side, side)) < 0.3
    y = rng.integers(classes, size=n)
    moves = rng.integers(-1, 2, size=(n, 2))
    x = numpy.stack([numpy.roll(patterns[c], m, (0, 1)) for c, m in zip(y, moves)])
    x = numpy.clip(x + noise * rng.standard_normal(x.shape), 0, 1)
    return of("prototypes", x[:, None], y, classes)


def waves(rng, n, inputs, outputs=1):
    """Values: sines of projections, standardised."""
    x = rng.standard_normal((n, inputs))
    directions = rng.standard_normal((inputs, 2 * outputs)) / numpy.sqrt(inputs)
    y = numpy.sin(1.5 * x @ directions).reshape(n, outputs, 2).sum(2)
    return of("waves", x, standard(y), 0)


def heavy_tails(rng, n, inputs, classes):
    """Student's t with 4 degrees of freedom: far values that are no mistake."""
    x = standard(rng.standard_t(4, size=(n, inputs)))
    scores = x @ rng.standard_normal((inputs, classes)) + 0.5 * numpy.abs(x[:, :classes])
    return of("heavy tails", x, scores.argmax(1), classes)


@functools.cache
def whole_fashion():
    """Debian's package of Fashion-MNIST, its training part."""
    root = pathlib.Path("/usr/share/datasets/fashion-mnist")
    images = gzip.decompress((root / "train-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((root / "train-labels-idx1-ubyte.gz").read_bytes())
    x = numpy.frombuffer(images, numpy.uint8, offset=16).reshape(-1, 28, 28)
    return x, numpy.frombuffer(labels, numpy.uint8, offset=8)


def fashion(rng, n):
    """Some of Fashion-MNIST, 14 x 14 by means of 2 x 2."""
    x, y = whole_fashion()
    rows = rng.choice(len(x), n, replace=False)
    small = x[rows].reshape(n, 14, 2, 14, 2).mean((2, 4)) / 255
    return of("fashion-mnist", small[:, None], y[rows], 10)

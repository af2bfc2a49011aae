"""What a generator draws from, and what it makes: a case is a network with its data, how it is
trained, what is done to it afterwards, and what is true of it because it was made so."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy

import network as nets
from data import Data


@dataclass
class Training:
    rate: float
    epochs: int = 6
    batch: int = 32
    flags: tuple = ()

    def arguments(self):
        return ["--lr", f"{self.rate:g}", "--batch", str(self.batch), *self.flags]


@dataclass
class Case:
    """`families`: what the plant makes true or false; None: not to be told, scored by nobody.
    `finish(rng, network, data)` works on the trained network and gives network and data.
    `control`: data on which the same training is repeated, to see whether scale is to blame."""

    kind: str
    network: nets.Network
    data: Data
    training: Training | None = None
    finish: Callable | None = None
    families: dict = field(default_factory=dict)
    healthy: bool = False
    part: str = "train"
    control: Data | None = None
    outputs_end: str = "linear"


@dataclass
class Plan:
    """The ranges of one generator."""

    seed: int
    counts: dict
    classes: list  # functions of rng that give data with classes, of one row an example
    values: list  # of values
    images: list
    widths: tuple  # least and most
    depths: tuple
    deep: tuple  # of networks made to vanish or explode
    channels: tuple
    kinds: tuple  # hidden activations of healthy networks
    rates: tuple  # that work, for SGD with momentum 0.9
    large: tuple  # that kill units
    huge: tuple  # that end the run
    tiny: tuple  # that move nothing
    scales: tuple
    margin: tuple  # how far below 0 a silenced unit's largest z is, of its spread
    gains: tuple = (0.08, 0.3)  # of deviations a layer, for a signal that vanishes
    sigmoids: tuple = (0.3, 0.7)
    growths: tuple = (2.5, 6.0)
    killing: tuple = (0.01, 0.1)  # rates of runs that follow far targets; those of `causes`, as all below
    slow: tuple = (0.001, 0.01)
    far: tuple = (20.0, 200.0)  # targets from where outputs are
    lags: tuple = (0.5, 2.0)  # of a running mean behind the data's, in a unit's largest normalised z
    small: tuple = (0.005, 0.05)  # inputs
    offsets: tuple = (3.0, 10.0)
    scalings: tuple = (0.05, 0.3)  # of a layer, undone by the next
    first: int = 0  # number of the first network of a kind; those before have been looked at
    variants: dict = field(default_factory=dict)  # kind -> functions of this generator alone

    def widths_of(self, rng, depth=None):
        depth = depth or int(rng.integers(self.depths[0], self.depths[1] + 1))
        return [int(each) for each in rng.integers(self.widths[0], self.widths[1] + 1, depth)]

    def data(self, rng, what="classes"):
        makers = getattr(self, what)
        return makers[rng.integers(len(makers))](rng)

    def rate(self, rng, which="rates"):
        low, high = getattr(self, which)
        return float(numpy.exp(rng.uniform(numpy.log(low), numpy.log(high))))

    def training(self, rng, which="rates", **settings):
        flags = ("--momentum", "0.9") if which == "rates" else ()
        return Training(self.rate(rng, which), flags=flags, **settings)

    def mlp(self, rng, data, kind="relu", **options):
        inputs = int(numpy.prod(data.inputs.shape[1:]))
        ops = nets.mlp(rng, inputs, self.widths_of(rng), data.outputs(), kind, **options)
        return with_flat_inputs(data, ops)

    def cnn(self, rng, data, kind="relu", with_norm=False):
        channels = [int(each) for each in rng.integers(*self.channels, size=2)]
        width = self.widths_of(rng, 1)[0]
        shape = data.inputs.shape[1:]
        return nets.Network(shape, nets.cnn(rng, shape, channels, width, data.outputs(), kind,
                                            with_norm))  # fmt: skip

    def some_network(self, rng, kind="relu"):
        """A small network of classes and its data: fully connected, or convolutional one in four."""
        if rng.random() < 0.25:
            data = self.data(rng, "images")
            return self.cnn(rng, data, kind), data
        data = self.data(rng)
        return self.mlp(rng, data, kind), data


def with_flat_inputs(data, ops):
    flat = [] if data.inputs.ndim == 2 else [nets.Op("flatten")]
    return nets.Network(data.inputs.shape[1:], flat + ops)

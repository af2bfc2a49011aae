"""The networks that export_models.py exports: small ones of every kind that people bring. Inputs are (12), (1, 8, 8) or (3, 16)."""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench/peers"))
from torch_networks import Block

CLASSES = 5


def mlp(activation, batch_norm=False, dropout=0.0, bias=True, last=()):
    layers = []
    for inputs, width in ((12, 8), (8, 8)):
        layers.append(nn.Linear(inputs, width, bias=bias))
        layers += [nn.BatchNorm1d(width)] if batch_norm else []
        layers.append(activation())
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(8, CLASSES, bias=bias), *last)


def vgg(activation, batch_norm=True, dropout=0.0, pool=nn.MaxPool2d):
    layers, channels = [], 1
    for width in (4, 8):
        layers.append(nn.Conv2d(channels, width, 3, padding=1))
        layers += [nn.BatchNorm2d(width)] if batch_norm else []
        layers += [activation(), pool(2)]
        channels = width
    layers += [nn.Flatten(), nn.Linear(8 * 2 * 2, 8), activation()]
    layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(8, CLASSES))


class View(nn.Module):
    """Flattens as older code does; with a dynamic batch axis this exports as arithmetic on shapes."""

    def forward(self, x):
        return x.view(x.size(0), -1)


def resnet(activation, flatten=nn.Flatten):
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), activation(), Block(4, 4, 1, activation),
                         Block(4, 8, 2, activation), nn.AdaptiveAvgPool2d(1), flatten(), nn.Linear(8, CLASSES))


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.reduce, self.activation = nn.Conv2d(channels, 4, 1), nn.ReLU()
        self.expand, self.gate = nn.Conv2d(4, channels, 1), nn.Hardsigmoid()

    def forward(self, x):
        return x * self.gate(self.expand(self.activation(self.reduce(x.mean((2, 3), keepdim=True)))))


class Inverted(nn.Module):
    """MobileNet's block: widen, depthwise convolution, squeeze and excite, narrow, + the input."""

    def __init__(self, channels, width, activation, squeeze):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), activation(),
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False), nn.BatchNorm2d(width), activation(),
            *([SqueezeExcite(width)] if squeeze else []), nn.Conv2d(width, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        return x + self.body(x)


def mobilenet(activation, squeeze=False):
    return nn.Sequential(nn.Conv2d(1, 4, 3, 2, padding=1, bias=False), nn.BatchNorm2d(4), activation(), Inverted(4, 8, activation, squeeze),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, CLASSES))


def conv1d(activation, batch_norm=True):
    layers, channels = [], 3
    for width in (4, 8):
        layers.append(nn.Conv1d(channels, width, 3, padding=1))
        layers += [nn.BatchNorm1d(width)] if batch_norm else []
        layers += [activation(), nn.AvgPool1d(2)]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(8, CLASSES))


def conv_prelu():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.PReLU(4), nn.Conv2d(4, 8, 3), nn.PReLU(), nn.Flatten(), nn.Linear(8 * 4 * 4, CLASSES))


class Repeated(nn.Module):
    """Uses its middle twice: the weights and the activation are shared."""

    def __init__(self, first, middle, last):
        super().__init__()
        self.first, self.middle, self.last = first, middle, last

    def forward(self, x):
        return self.last(self.middle(self.middle(self.first(x))))


def shared_mlp(activation):
    return Repeated(nn.Sequential(nn.Linear(12, 8), activation()), nn.Sequential(nn.Linear(8, 8), activation()), nn.Linear(8, CLASSES))


def shared_conv(activation):
    middle = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), activation())
    return Repeated(nn.Conv2d(1, 4, 3, padding=1), middle, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, CLASSES)))


class TiedWeight(nn.Module):
    """Two layers with one weight and biases of their own."""

    def __init__(self):
        super().__init__()
        self.first, self.a, self.b, self.last = nn.Linear(12, 8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, CLASSES)
        self.b.weight = self.a.weight
        self.activation = nn.LeakyReLU(0.1)

    def forward(self, x):
        for layer in (self.first, self.a, self.b):
            x = self.activation(layer(x))
        return self.last(x)


class Maximum(nn.Module):
    """Leaky ReLU as some write it."""

    def __init__(self, slope=0.1):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return torch.maximum(self.slope * x, x)


class Branches(nn.Module):
    """Splits the channels, treats each half in its own way and joins them again, as Inception and ShuffleNet do."""

    def __init__(self, split):
        super().__init__()
        self.split = split
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.wide = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.grouped = nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.head = nn.Linear(8, CLASSES)
        self.activations = nn.ModuleList(nn.ReLU() for _ in range(3))

    def forward(self, x):
        a, b = self.split(self.activations[0](self.stem(x)))
        x = torch.cat([self.activations[1](self.wide(a)), self.activations[2](self.grouped(b))], 1)
        return self.head(x.mean((2, 3)))


class Sequence(nn.Module):
    """A linear layer on each position of (positions, features), then a convolution over the positions."""

    def __init__(self):
        super().__init__()
        self.embed, self.conv, self.head = nn.Linear(16, 6), nn.Conv1d(6, 8, 2), nn.Linear(16, CLASSES)
        self.activation1, self.activation2 = nn.GELU(), nn.GELU()

    def forward(self, x):
        x = self.activation1(self.embed(x).transpose(1, 2))
        return self.head(self.activation2(self.conv(x)).flatten(1))


class ChannelsLast(nn.Module):
    """Images (8, 8, 1) as TensorFlow lays them: transposed to convolve, and back."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.head = nn.Conv2d(1, 4, 3, 2), nn.Conv2d(4, 8, 2), nn.Linear(2 * 2 * 8, CLASSES)
        self.activation1, self.activation2 = nn.ReLU(), nn.ReLU()

    def forward(self, x):
        x = self.activation1(self.conv1(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)
        x = self.activation2(self.conv2(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)
        return self.head(x.reshape(-1, 2 * 2 * 8))


class Padded(nn.Module):
    """TensorFlow's `same`: more padding at the end, by a node of its own; pooling with ceil_mode and padding that counts."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.head = nn.Conv2d(1, 4, 3, 2), nn.Conv2d(4, 8, (3, 2), 1, (1, 0)), nn.Linear(8 * 2 * 2, CLASSES)
        self.activation1, self.activation2 = nn.LeakyReLU(0.01), nn.LeakyReLU(0.01)
        self.pool1, self.pool2 = nn.AvgPool2d(3, 2, padding=1), nn.MaxPool2d(2, 2, ceil_mode=True)

    def forward(self, x):
        x = self.activation1(self.conv1(F.pad(x, (0, 1, 0, 1))))
        x = self.activation2(self.conv2(F.pad(x, (1, 1, 1, 1), mode="reflect")))
        return self.head(self.pool2(self.pool1(x)).flatten(1))


class Decoder(nn.Module):
    """Up again by transposed convolutions."""

    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Conv2d(1, 4, 3, 2, padding=1), nn.ConvTranspose2d(4, 4, 3, 2, padding=1, output_padding=1)
        self.norm, self.head = nn.BatchNorm2d(4), nn.Linear(4 * 8 * 8, CLASSES)
        self.activation1, self.activation2 = nn.ELU(), nn.ELU()

    def forward(self, x):
        x = self.activation1(self.encode(x))
        return self.head(self.activation2(self.norm(self.decode(x))).flatten(1))


def layer_norm():
    return nn.Sequential(nn.Linear(12, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, CLASSES))


def group_norm():
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, padding=1, bias=False),
                         nn.InstanceNorm2d(8, affine=True), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8, CLASSES))

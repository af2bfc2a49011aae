"""Which torch calls are activations of the family, and what the library calls them."""

from __future__ import annotations

import sys
from typing import Any, Callable

import torch
import torch.nn.functional as F
from torch import nn


def _argument(args: tuple, kwargs: dict, place: int, name: str, default: float) -> float:
    return float(args[place] if len(args) > place else kwargs.get(name, default))


def _plain(name: str) -> Callable[..., str]:
    return lambda args, kwargs: name


def _valued(name: str, argument: str, default: float) -> Callable[..., str]:
    return lambda args, kwargs: f"{name}:{_argument(args, kwargs, 1, argument, default):g}"


def _gelu(args: tuple, kwargs: dict) -> str:
    return "gelu_tanh" if kwargs.get("approximate", "none") == "tanh" else "gelu"


def _rrelu(args: tuple, kwargs: dict) -> str:
    return f"rrelu:{_argument(args, kwargs, 1, 'lower', 1 / 8):g},{_argument(args, kwargs, 2, 'upper', 1 / 3):g}"


def _hardtanh(args: tuple, kwargs: dict) -> str | None:
    """nn.ReLU6 is one from 0 to 6; others are none of the family."""
    bounds = _argument(args, kwargs, 1, "min_val", -1.0), _argument(args, kwargs, 2, "max_val", 1.0)
    return "relu6" if bounds == (0.0, 6.0) else None


#: What notation each callable has, of its arguments; None: none of the family. In-place forms stand beside the others; a module calls one of these.
NOTATION: dict[Any, Callable[[tuple, dict], str | None]] = {}


def _add(notation: Callable[[tuple, dict], str | None], *functions: Any) -> None:
    for function in functions:
        if function is not None:
            NOTATION[function] = notation


_T = torch.Tensor
_add(_plain("relu"), F.relu, F.relu_, torch.relu, torch.relu_, _T.relu, _T.relu_)
_add(_plain("relu6"), F.relu6)
_add(_hardtanh, F.hardtanh, F.hardtanh_)
_add(_valued("leaky_relu", "negative_slope", 0.01), F.leaky_relu, F.leaky_relu_)
_add(_plain("prelu"), F.prelu, torch.prelu, _T.prelu)
_add(_rrelu, F.rrelu, F.rrelu_, torch.rrelu, torch.rrelu_)
_add(_valued("elu", "alpha", 1.0), F.elu, F.elu_)
_add(_plain("selu"), F.selu, F.selu_, torch.selu, torch.selu_)
_add(_valued("celu", "alpha", 1.0), F.celu, F.celu_, torch.celu, torch.celu_)
_add(_gelu, F.gelu)
_add(_plain("silu"), F.silu)
_add(_plain("mish"), F.mish)
_add(_plain("hardswish"), F.hardswish)
_add(_plain("softplus"), F.softplus)

_CHANNELS_FIRST = (
    torch.nn.modules.conv._ConvNd,
    torch.nn.modules.batchnorm._NormBase,
    torch.nn.GroupNorm,
    torch.nn.modules.pooling._MaxPoolNd,
    torch.nn.modules.pooling._AvgPoolNd,
)
#: Layers whose weights feed the units behind them.
WEIGHTED = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
#: Modules that call one activation, and nothing else of torch.nn.functional; and such as call none.
ACTIVATIONS = {
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, nn.Softplus)
}
PLAIN = {
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm, nn.Embedding),
    *(nn.Dropout, nn.Flatten, nn.Identity, nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d),
}
_CHANNELS_LAST = (torch.nn.Linear, torch.nn.LayerNorm, torch.nn.Embedding)


def _keras_channels_last(module: torch.nn.Module) -> bool:
    """Keras has its layers' outputs with channels last, unless it is told otherwise."""
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(module, keras.layers.Layer):
        return False
    return getattr(module, "data_format", keras.config.image_data_format()) == "channels_last"


def unit_dimension(values: torch.Tensor, owner: torch.nn.Module, before: torch.nn.Module | None) -> int:
    """Which dimension counts the units: channels of images and of what convolutions gave, else the last one."""
    if values.ndim <= 2 or isinstance(before, _CHANNELS_LAST) or _keras_channels_last(owner):
        return values.ndim - 1
    if isinstance(before, _CHANNELS_FIRST) or values.ndim >= 4:
        return 1
    return values.ndim - 1


def differs_in_training(module: torch.nn.Module) -> bool:
    """Whether a training step computes something else than evaluation: what it shows of the units behind is no proof then."""
    if isinstance(module, torch.nn.modules.dropout._DropoutNd):
        return module.p > 0
    if type(module).__module__.startswith("keras."):
        return "Dropout" in type(module).__name__ or "Normalization" in type(module).__name__
    return isinstance(module, torch.nn.modules.batchnorm._NormBase)

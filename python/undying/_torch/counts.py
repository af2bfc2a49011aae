"""What is counted of an activation's calls, where they run. Nothing here waits for a device."""

from __future__ import annotations

from typing import Callable, Protocol

import numpy as np
import torch

from .. import _undying
from .._errors import InputError

RECTIFIERS = ("relu", "relu6")  # an output is above 0 where its input is, and 0 elsewhere

# Rows of a layer's sums, one entry a unit. FIRED: examples (x positions) with z > 0; OUTPUT: sum of |h|; GRADIENT: sum of |dL/dz|; FIRST, LAST:
# the first and the last step, from 1 since the dates were last forgotten, in which the unit fired, 0 for none.
FIRED, OUTPUT, GRADIENT, FIRST, LAST = range(5)

_SINGLE, _DOUBLE = torch.float32, torch.float64


def _wide(device: torch.device) -> torch.dtype:
    """float64 holds counts up to 2^53; Apple's devices have none."""
    return torch.float32 if device.type == "mps" else torch.float64


def _others(values: torch.Tensor, dimension: int) -> list[int]:
    return [each for each in range(values.ndim) if each != dimension]


class Sums(Protocol):
    """The sums of one layer."""

    def inputs(self, z: torch.Tensor) -> None:
        """To FIRED."""

    def outputs(self, h: torch.Tensor, rectified: bool) -> None:
        """To OUTPUT, and of a rectifier to FIRED."""

    def gradient(self, gradient: torch.Tensor) -> None:
        """To GRADIENT."""


class Pool(Protocol):
    """The sums of all layers that are in one memory."""

    def add(self, units: int, dimension: int) -> Sums:
        """A layer more."""

    def close_step(self, step: int) -> None:
        """What the step at hand has counted goes into the sums, with its date."""

    def take(self) -> list[np.ndarray]:
        """The sums of each layer, which begin at 0 again, dates aside: the one moment at which the host reads from a device."""

    def forget_dates(self) -> None: ...


class _HostSums:
    def __init__(self, units: int, dimension: int):
        self.units = units
        self.dimension = dimension
        self.sums = _undying.UnitSums(units)

    def inputs(self, z: torch.Tensor) -> None:
        self.add(z, True, -1)

    def outputs(self, h: torch.Tensor, rectified: bool) -> None:
        self.add(h, rectified, OUTPUT)

    def gradient(self, gradient: torch.Tensor) -> None:
        self.add(gradient, False, GRADIENT)

    def add(self, values: torch.Tensor, count: bool, row: int) -> None:
        kind = values.dtype
        if kind is not _SINGLE and kind is not _DOUBLE:
            values = values.detach().float()
        inner = 1  # values of a unit that lie side by side
        if not values.is_contiguous():
            values, inner = self.dense(values)
        elif self.units > 1:  # else the stride says nothing
            inner = values.stride(self.dimension)
        try:
            address = values.data_ptr()
        except RuntimeError:
            address = 0
        size = values.numel()
        if address:
            self.sums.add(count, row, address, kind is _DOUBLE, size, inner)
        elif size:
            self.unwrap(values, count, row)

    def unwrap(self, values: torch.Tensor, count: bool, row: int) -> None:
        """Within torch.func.grad tensors are wrapped."""
        inside = torch.func.debug_unwrap(values)
        if inside is values or inside.shape != values.shape:
            raise InputError(
                f"[watch] cannot count a {type(values).__name__} whose memory is not to be had, as within torch.vmap; expected the watch to be"
                " closed there",
                "watch",
                "unsupported",
            )
        self.add(inside, count, row)

    def dense(self, values: torch.Tensor) -> tuple[torch.Tensor, int]:
        if values.ndim == 4 and self.dimension == 1 and values.is_contiguous(memory_format=torch.channels_last):
            return values, 1
        values = values.detach().contiguous()
        return values, values.stride(self.dimension) if self.units > 1 else 1


class HostPool:
    """In the host's memory the library counts, one pass over a tensor."""

    def __init__(self) -> None:
        self.layers: list[_undying.UnitSums] = []

    def add(self, units: int, dimension: int) -> Sums:
        layer = _HostSums(units, dimension)
        self.layers.append(layer.sums)
        return layer

    def close_step(self, step: int) -> None:
        for sums in self.layers:
            sums.close_step(step)

    def take(self) -> list[np.ndarray]:
        return [sums.take() for sums in self.layers]

    def forget_dates(self) -> None:
        for sums in self.layers:
            sums.forget_dates()


class _DeviceSums:
    def __init__(self, units: int, dimension: int):
        self.units = units
        self.dimension = dimension
        self.now: tuple[torch.Tensor, ...] = ()  # rows of the pool's
        self.open = [False, False, False]  # which of them hold something of the step at hand
        self.ones: torch.Tensor | None = None

    def inputs(self, z: torch.Tensor) -> None:
        self.sum(z.detach().sign().relu_(), FIRED)

    def outputs(self, h: torch.Tensor, rectified: bool) -> None:
        h = h.detach()
        if rectified:
            self.sum(h.sign(), FIRED)
        self.sum(h if rectified else h.abs(), OUTPUT)

    def gradient(self, gradient: torch.Tensor) -> None:
        self.sum(gradient.detach().abs(), GRADIENT)

    def sum(self, values: torch.Tensor, row: int) -> None:
        """Sums alone, of signs and magnitudes: torch's norms and its sums of truth values take 10 to 30 times as long. With units last by a
        product with ones."""
        now, more = self.now[row], self.open[row]
        self.open[row] = True
        if self.dimension == values.ndim - 1:
            rows = values if values.ndim == 2 else values.reshape(-1, values.shape[-1])
            rows = rows if rows.dtype == torch.float32 else rows.float()
            if self.ones is None or len(self.ones) != len(rows):
                self.ones = rows.new_ones(len(rows))
            torch.addmv(now, rows.t(), self.ones, beta=1 if more else 0, out=now)
        elif more:
            now += values.sum(_others(values, self.dimension), dtype=torch.float32)
        else:
            torch.sum(values, _others(values, self.dimension), dtype=torch.float32, out=now)


class DevicePool:
    """On a device the sums of all layers stand side by side, so that what is done once a step is done for all of them at once.

    `now`: of the step at hand, FIRED, OUTPUT, GRADIENT; `sums`: since they were last taken, with the dates.
    """

    def __init__(self, device: torch.device):
        self.now = torch.zeros(3, 0, dtype=torch.float32, device=device)
        self.sums = torch.zeros(5, 0, dtype=_wide(device), device=device)
        self.layers: list[_DeviceSums] = []

    def add(self, units: int, dimension: int) -> Sums:
        layer = _DeviceSums(units, dimension)
        self.layers.append(layer)
        self.now, self.sums = (torch.cat([old, old.new_zeros(len(old), units)], 1) for old in (self.now, self.sums))
        for each, now in zip(self.layers, self.now.split([each.units for each in self.layers], 1)):
            each.now = now.unbind()
        return layer

    def close_step(self, step: int) -> None:
        if not any(any(each.open) for each in self.layers):
            return
        self.sums[:FIRST] += self.now
        fired = self.now[FIRED] > 0
        first, last = self.sums[FIRST], self.sums[LAST]
        last.masked_fill_(fired, step)
        first.masked_fill_(fired & (first == 0), step)
        self.now.zero_()
        for each in self.layers:
            each.open = [False, False, False]

    def take(self) -> list[np.ndarray]:
        read = self.sums.to("cpu", torch.float64, copy=True)
        self.sums[:FIRST].zero_()
        return [part.numpy() for part in read.split([each.units for each in self.layers], 1)]

    def forget_dates(self) -> None:
        self.sums[FIRST:].zero_()


def pool_for(device: torch.device) -> Pool:
    return HostPool() if device.type == "cpu" else DevicePool(device)


class StepCounts:
    """What is counted of one layer in training steps."""

    def __init__(self, units: int, dimension: int, rectifier: bool, pool: Pool):
        self.units = units
        self.dimension = dimension
        self.rectifier = rectifier
        self.outputs = 0  # examples x positions, known from shapes alone
        self.sums = pool.add(units, dimension)
        self.gradient = self.sums.gradient

    def before(self, z: torch.Tensor) -> None:
        """What must be known of the input is taken before the activation, for an in-place call overwrites it."""
        if not self.rectifier:
            self.sums.inputs(z)
        if z.requires_grad:
            z.register_hook(self.gradient)

    def after(self, h: torch.Tensor) -> None:
        self.sums.outputs(h, self.rectifier)
        self.outputs += h.numel() // self.units


class CensusCounts:
    """The same over a whole data set with frozen weights, with all that the judge asks for."""

    def __init__(self, units: int, dimension: int, device: torch.device, eps: float):
        self.units = units
        self.dimension = dimension
        self.eps = eps
        self.sums = torch.zeros(6, units, dtype=_wide(device), device=device)
        self.max = torch.full((units,), -torch.inf, dtype=torch.float32, device=device)
        self.outputs = 0

    def forward(self, z: torch.Tensor, function: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """Applies the activation to a copy, asks autograd for its slope, and counts."""
        others = _others(z, self.dimension)
        with torch.enable_grad():
            values = z.detach().clone().requires_grad_()
            h = function(values.clone())
            slope = torch.autograd.grad(h.sum(), values)[0]
        z, h = z.detach(), h.detach()
        wide = h.to(self.sums.dtype)
        for row, counted in enumerate((z > 0, slope == 0, slope.abs() < self.eps, wide.abs(), wide, wide * wide)):
            self.sums[row] += counted.sum(others, dtype=self.sums.dtype) if others else counted.to(self.sums.dtype)
        torch.maximum(self.max, z.float().amax(others) if others else z.float(), out=self.max)
        self.outputs += z.numel() // self.units
        return h

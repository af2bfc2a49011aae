"""What is counted of an activation's calls, on the device they run on. Nothing here waits for that device."""

from __future__ import annotations

from typing import Callable

import numpy as np
import torch

RECTIFIERS = ("relu", "relu6")  # an output is above 0 where its input is, and 0 elsewhere


def _wide(device: torch.device) -> torch.dtype:
    """float64 holds counts up to 2^53; Apple's devices have none."""
    return torch.float32 if device.type == "mps" else torch.float64


def _others(values: torch.Tensor, dimension: int) -> list[int]:
    return [each for each in range(values.ndim) if each != dimension]


def _add_up(values: torch.Tensor, dimension: int, row: torch.Tensor, more: bool) -> None:
    """The sum of values, one a unit, into a row; `more`: on top of it. Sums alone, of signs and magnitudes: torch's norms and its sums of
    truth values take 10 to 30 times as long. With units last by a product with ones."""
    if dimension == values.ndim - 1:
        rows = values if values.ndim == 2 else values.reshape(-1, values.shape[-1])
        rows = rows if rows.dtype == torch.float32 else rows.float()
        torch.addmv(row, rows.t(), rows.new_ones(len(rows)), beta=1 if more else 0, out=row)
    elif more:
        row += values.sum(_others(values, dimension), dtype=torch.float32)
    else:
        torch.sum(values, _others(values, dimension), dtype=torch.float32, out=row)


class Pool:
    """The sums of all layers on one device side by side, so that what is done once a step is done for all of them at once.

    `now`: of the step at hand, FIRED, OUTPUT, GRADIENT; `sums`: since they were last taken, with the dates.
    """

    def __init__(self, device: torch.device):
        self.now = torch.zeros(3, 0, dtype=torch.float32, device=device)
        self.sums = torch.zeros(5, 0, dtype=_wide(device), device=device)
        self.counts: list["StepCounts"] = []
        self.step = 0

    def add(self, counts: "StepCounts") -> None:
        self.counts.append(counts)
        grown = [torch.cat([old, old.new_zeros(len(old), counts.units)], 1) for old in (self.now, self.sums)]
        self.now, self.sums = grown
        at = 0
        for each in self.counts:
            each.rows = self.now[:, at : at + each.units].unbind()
            at += each.units

    def close_step(self) -> None:
        """What the step at hand has counted goes into the sums, with its date."""
        if not any(each.open or each.open_gradient for each in self.counts):
            return
        self.sums[: StepCounts.FIRST] += self.now
        fired = self.now[StepCounts.FIRED] > 0
        first, last = self.sums[StepCounts.FIRST], self.sums[StepCounts.LAST]
        last.masked_fill_(fired, self.step)
        first.masked_fill_(fired & (first == 0), self.step)
        self.now.zero_()
        for each in self.counts:
            each.open = each.open_gradient = False

    def take(self) -> list[tuple[np.ndarray, int]]:
        """The one moment at which the host reads from the device: sums and outputs of each layer, which begin at 0 again, dates aside."""
        self.close_step()
        read = self.sums.to("cpu", torch.float64, copy=True).numpy()
        self.sums[: StepCounts.FIRST].zero_()
        taken, at = [], 0
        for each in self.counts:
            taken.append((read[:, at : at + each.units], each.outputs))
            each.outputs = 0
            at += each.units
        return taken

    def forget_dates(self) -> None:
        self.sums[StepCounts.FIRST :].zero_()


class StepCounts:
    """What is counted of one layer, one entry a unit, in rows of a pool.

    FIRED: examples (x positions) with z > 0; OUTPUT: sum of |h|; GRADIENT: sum of |dL/dz|; FIRST, LAST: the first and the last step, from 1
    since the dates were last forgotten, in which the unit fired, 0 for none.
    """

    FIRED, OUTPUT, GRADIENT, FIRST, LAST = range(5)

    def __init__(self, units: int, dimension: int, rectifier: bool, pool: Pool):
        self.units = units
        self.dimension = dimension
        self.rectifier = rectifier
        self.outputs = 0  # examples x positions, known from shapes alone
        self.open = self.open_gradient = False  # whether the rows hold something of the step at hand
        self.rows: tuple[torch.Tensor, ...] = ()
        self.pool = pool
        pool.add(self)

    def forward(self, z: torch.Tensor, apply: Callable[[], torch.Tensor], step: int) -> torch.Tensor:
        """Applies the activation and counts. What must be known of the input is taken before, for an in-place call overwrites it."""
        fired = None if self.rectifier else z.detach().sign().relu_()
        if z.requires_grad:
            z.register_hook(self.backward)
        h = apply()
        values = h.detach()
        self.pool.step = step
        _add_up(values.sign() if fired is None else fired, self.dimension, self.rows[self.FIRED], self.open)
        _add_up(values.abs(), self.dimension, self.rows[self.OUTPUT], self.open)
        self.open = True
        self.outputs += z.numel() // self.units
        return h

    def backward(self, gradient: torch.Tensor) -> None:
        _add_up(gradient.detach().abs(), self.dimension, self.rows[self.GRADIENT], self.open_gradient)
        self.open_gradient = True


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

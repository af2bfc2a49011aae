"""What is counted of an activation's calls, on the device they run on. Nothing here waits for that device."""

from __future__ import annotations

from typing import Callable

import torch

RECTIFIERS = ("relu", "relu6")  # an output is above 0 where its input is, and 0 elsewhere


def _wide(device: torch.device) -> torch.dtype:
    """float64 holds counts up to 2^53; Apple's devices have none."""
    return torch.float32 if device.type == "mps" else torch.float64


def _others(values: torch.Tensor, dimension: int) -> list[int]:
    return [each for each in range(values.ndim) if each != dimension]


def _sizes(values: torch.Tensor, others: list[int]) -> torch.Tensor:
    """The sum of magnitudes, one a unit, in one pass."""
    return torch.linalg.vector_norm(values, 1, others, dtype=torch.float32) if others else values.abs().float()


class StepCounts:
    """The sums of one layer since they were last taken, one entry a unit, as rows of one tensor.

    FIRED: examples (x positions) with z > 0; OUTPUT: sum of |h|; GRADIENT: sum of |dL/dz|; FIRST, LAST: the first and the last step, from 1
    since the dates were last forgotten, in which the unit fired, 0 for none.
    """

    FIRED, OUTPUT, GRADIENT, FIRST, LAST = range(5)

    def __init__(self, units: int, dimension: int, rectifier: bool, device: torch.device):
        self.units = units
        self.dimension = dimension
        self.rectifier = rectifier
        self.sums = torch.zeros(5, units, dtype=_wide(device), device=device)
        self.outputs = 0  # examples x positions, known from shapes alone

    def forward(self, z: torch.Tensor, apply: Callable[[], torch.Tensor], step: int) -> torch.Tensor:
        """Applies the activation and counts. What must be known of the input is taken before, for an in-place call overwrites it."""
        others = _others(z, self.dimension)
        fired = None if self.rectifier else (z.detach() > 0).sum(others, dtype=torch.float32) if others else (z.detach() > 0).float()
        if z.requires_grad:
            z.register_hook(self.backward)
        h = apply()
        values = h.detach()
        if fired is None:
            fired = torch.linalg.vector_norm(values, 0, others, dtype=torch.float32) if others else (values != 0).float()
        self.sums[self.FIRED] += fired
        self.sums[self.OUTPUT] += _sizes(values, others)
        any_fired = fired > 0
        self.sums[self.LAST].masked_fill_(any_fired, step)
        first = self.sums[self.FIRST]
        first.masked_fill_(any_fired & (first == 0), step)
        self.outputs += z.numel() // self.units
        return h

    def backward(self, gradient: torch.Tensor) -> None:
        values = gradient.detach()
        self.sums[self.GRADIENT] += _sizes(values, _others(values, self.dimension))

    def take(self) -> int:
        """Sets the sums to 0, dates aside; how many outputs they were of."""
        outputs, self.outputs = self.outputs, 0
        self.sums[: self.FIRST].zero_()
        return outputs

    def forget_dates(self) -> None:
        self.sums[self.FIRST :].zero_()


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

"""One activation call of the network, and what the host knows of its units."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .. import _undying
from .activations import unit_dimension
from .calls import Call
from .counts import FIRED, FIRST, LAST, RECTIFIERS, CensusCounts, Pool, StepCounts

#: A unit that is silent on fewer outputs is not called silent: at 1,000 it fires on fewer than 0.3% (95%).
LEAST_OUTPUTS = 1000


class Layer:
    def __init__(self, call: Call, z: torch.Tensor, pool: Pool):
        self.name = call.name
        self.activation = call.notation
        self.call = call
        dimension = unit_dimension(z, call.owner, call.before)
        self.units = z.shape[dimension]
        self.device = z.device
        self.ledger = _undying.LayerLedger(self.name, self.activation, self.units, call.differs, True)
        self.pool = pool
        self.counts = StepCounts(self.units, dimension, self.activation in RECTIFIERS, pool)
        self.silent_since = np.zeros(self.units, np.int64)  # the last step that was counted in which the unit fired; 0: none
        self.silent_outputs = np.zeros(self.units, np.int64)  # counted since then
        self.firing_rate = np.zeros(self.units)  # of the outputs of the last transfer, as the two below
        self.output = np.zeros(self.units)
        self.gradient = np.zeros(self.units)
        self.census: dict[str, Any] | None = None
        self._certified = np.zeros(self.units, bool)  # dead by it
        self._seen = np.zeros((3, self.units))  # since the last census, for the ledger
        self._seen_outputs = 0
        self._dates = np.zeros((2, self.units))

    def __repr__(self) -> str:
        dead = "" if self.census is None else f", dead={self.census['dead']}"
        return (
            f"Layer(name={self.name!r}, activation={self.activation!r}, units={self.units}, silent={int(self.silent.sum())},"
            f" firing_rate={self.firing_rate.mean():.3g}{dead})"
        )

    @property
    def can_be_dead(self) -> bool:
        return self.activation in (*RECTIFIERS, "hardswish")

    @property
    def silent(self) -> np.ndarray:
        return self.silent_outputs >= LEAST_OUTPUTS

    @property
    def dead(self) -> np.ndarray:
        """Dead by the last census, and not seen to fire since; or silent since then, where units can be dead."""
        since = np.minimum(self.silent_outputs, self._seen_outputs) >= LEAST_OUTPUTS
        silent = since if self.can_be_dead else np.zeros(self.units, bool)
        return silent if self.census is None else silent | (self._certified & (self.silent_since <= self.census["step"]))

    def dormant(self, tau: float) -> np.ndarray:
        """Fires, and E|h| is at most tau times the layer's mean."""
        return (self.firing_rate > 0) & self.faint(tau)

    def faint(self, tau: float) -> np.ndarray:
        """E|h| is at most tau times the layer's mean, of the units that are not silent."""
        return ~self.silent & (self.output <= tau * max(float(self.output.mean()), 1e-30))

    def note(self, sums: np.ndarray, since: int) -> None:
        """What a transfer brought. `since`: the step of the last census, from which dates count."""
        outputs, self.counts.outputs = self.counts.outputs, 0
        if outputs == 0:
            return
        fired = sums[FIRED] > 0
        self.firing_rate, self.output, self.gradient = sums[: FIRST] / outputs
        self.silent_since = np.where(fired, since + sums[LAST].astype(np.int64), self.silent_since)
        self.silent_outputs = np.where(fired, 0, self.silent_outputs + outputs)
        self._seen += sums[: FIRST]
        self._seen_outputs += outputs
        self._dates = sums[FIRST :].copy()

    def certify(self, census: CensusCounts, step: int) -> None:
        """What a census counted goes to the ledger, after what the steps before it saw."""
        first, last = (np.ascontiguousarray(row, dtype=np.int64) for row in self._dates)
        fired, output, gradient = self._seen
        if self._seen_outputs:
            self.ledger.tell(fired.astype(np.int64), output.copy(), gradient.copy(), first, last, self._seen_outputs)
        table = census.sums.cpu().double().numpy()
        whole = [np.ascontiguousarray(row, dtype=np.int64) for row in table[:3]]
        sums = [np.ascontiguousarray(row) for row in table[3:]]
        self.census = self.ledger.census(step, census.outputs, *whole, *sums, census.max.cpu().double().numpy())
        self.census["n"] = census.outputs
        self.census["step"] = step
        self._certified = np.array([life["state"] == "dead" for life in self.ledger.lives()])
        self._seen[:] = 0
        self._seen_outputs = 0
        self._dates[:] = 0

"""Conditions under which a watch raises: "dead>20%", "silent>=0.1", "dormant>30%", of all units."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Iterable

import numpy as np

from .._errors import InputError

if TYPE_CHECKING:
    from .layer import Layer
    from .watcher import Watch

_FORM = re.compile(r"\s*(dead|silent|dormant)\s*(>=?)\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*(%?)\s*")


class Condition:
    def __init__(self, text: str):
        match = _FORM.fullmatch(text)
        if match is None:
            raise InputError(
                f'[fail_on] is "{text}"; expected dead, silent or dormant > a share of all units, such as dead>20%', "fail_on", "invalid argument"
            )
        self.text = text.strip()
        self.what, self.sign = match[1], match[2]
        self.bound = float(match[3]) / (100.0 if match[4] else 1.0)
        if self.bound > 1.0:
            meant = f", perhaps {self.what}{self.sign}{match[3]}%" if not match[4] and self.bound <= 100.0 else ""
            raise InputError(
                f'[fail_on] is "{text}", of which there can be no more than all units; expected {self.what}{self.sign}SHARE of 0..1 or 0%..100%{meant}',
                "fail_on",
                "invalid argument",
            )

    def _units(self, watch: "Watch", layer: "Layer") -> np.ndarray:
        if self.what == "dormant":
            return layer.dormant(watch.tau)
        return layer.silent if self.what == "silent" else layer.dead

    def _words(self, watch: "Watch") -> str:
        if self.what != "dead":
            return self.what
        census = max((layer.census["step"] for layer in watch.layers.values() if layer.census is not None), default=None)
        if census is None:
            return "silent; census(loader) says which of them are dead"
        return f"dead by the census of step {census}" + (", or silent since" if census < watch.step else "")

    def found(self, watch: "Watch") -> str:
        """How it is met, in words; "": it is not."""
        layers = list(watch.layers.values())
        units = sum(layer.units for layer in layers)
        count = sum(int(self._units(watch, layer).sum()) for layer in layers)
        share = count / max(units, 1)
        if not (share > self.bound or (self.sign == ">=" and share >= self.bound)):
            return ""
        return f"fail_on '{self.text}' is met at step {watch.step}: {count} of {units} units ({share:.1%}) are {self._words(watch)}"


def parse(texts: str | Iterable[str] | None) -> list[Condition]:
    return [Condition(text) for text in ([texts] if isinstance(texts, str) else texts or ())]

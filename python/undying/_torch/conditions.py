"""Conditions under which a watch raises: "dead>20%", "silent>=0.1", "dormant>30%", of all units."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Iterable

from .._errors import InputError

if TYPE_CHECKING:
    from .watcher import Watch

_FORM = re.compile(r"\s*(dead|silent|dormant)\s*(>=?)\s*([0-9.]+)\s*(%?)\s*")


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

    def found(self, watch: "Watch") -> str:
        """How it is met, in words; "": it is not. Before a census dead are the silent units of layers whose units can be dead."""
        layers = list(watch.layers.values())
        units = sum(layer.units for layer in layers)
        count = 0
        for layer in layers:
            if self.what == "dormant":
                count += int(layer.dormant(watch.tau).sum())
            elif self.what == "silent" or layer.can_be_dead:
                count += int(layer.silent.sum())
        share = count / max(units, 1)
        if not (share > self.bound or (self.sign == ">=" and share >= self.bound)):
            return ""
        words = {"dormant": "dormant", "silent": "silent", "dead": "silent; census(loader) says which of them are dead"}[self.what]
        return f"fail_on '{self.text}' is met at step {watch.step}: {count} of {units} units ({share:.1%}) are {words}"


def parse(texts: str | Iterable[str] | None) -> list[Condition]:
    return [Condition(text) for text in ([texts] if isinstance(texts, str) else texts or ())]

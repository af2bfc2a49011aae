"""What a watch knows, as an object: layers, findings, units, and a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._errors import InputError
from .._results import Result, _frame, _scalars

if TYPE_CHECKING:
    from .watcher import Layer, Watch

_VANISHING = 1e-3  # first over last gradient (AutoTrainer, ICSE 2021)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _layer_entry(watch: "Watch", layer: "Layer") -> dict[str, Any]:
    silent, dormant = layer.silent, layer.dormant(watch.tau)
    entry = {
        "name": layer.name,
        "activation": layer.activation,
        "units": layer.units,
        "silent": int(silent.sum()),
        "dormant": int(dormant.sum()),
        "firing_rate": float(layer.firing_rate.mean()),
        "output": float(layer.output.mean()),
        "gradient": float(layer.gradient.mean()),
    }
    if layer.census is not None:
        entry["census"] = dict(layer.census)
        entry["dead"] = layer.census["dead"]
    return entry


def _unit_entries(watch: "Watch", layer: "Layer") -> list[dict[str, Any]]:
    silent = layer.silent
    lives = layer.ledger.lives() if layer.census is not None else None
    entries = []
    for unit in range(layer.units):
        entry = {
            "layer": layer.name,
            "unit": unit,
            "silent": bool(silent[unit]),
            "silent_since": int(layer.silent_since[unit]) if layer.silent_outputs[unit] else None,
            "silent_outputs": int(layer.silent_outputs[unit]),
            "firing_rate": float(layer.firing_rate[unit]),
            "output": float(layer.output[unit]),
            "gradient": float(layer.gradient[unit]),
        }
        if lives is not None:
            entry.update({name: lives[unit][name] for name in ("state", "born_dead", "died", "revived")})
        entries.append(entry)
    return entries


def _silent_finding(watch: "Watch", layer: "Layer") -> dict[str, Any] | None:
    units = layer.silent.nonzero()[0]
    if not len(units):
        return None
    since, examples = int(layer.silent_since[units].max()), int(layer.silent_outputs[units].min())
    return {
        "what": "silent units",
        "layer": layer.name,
        "units": units.tolist(),
        "cost": len(units) / layer.units,
        "evidence": f"{len(units)} of {layer.units} units fired in none of at least {examples:,} outputs, the last to fall silent"
        f" since step {since}: each fires on fewer than {3 / examples:.2g} (95%)"
        f"{'' if watch.exact else f'; one step in {watch.every} is counted'}",
        "remedy": "census(loader) says whether they are dead; a leaky activation or a smaller learning rate would keep them",
    }


def _dead_finding(layer: "Layer") -> dict[str, Any] | None:
    dead = layer.census["dead"] if layer.census is not None else 0
    if not dead:
        return None
    units = [unit for unit, life in enumerate(layer.ledger.lives()) if life["state"] == "dead"]
    return {
        "what": "dead units",
        "layer": layer.name,
        "units": units,
        "cost": dead / layer.units,
        "evidence": f"{dead} of {layer.units} units fire on none of the whole set (n = {layer.census['n']:,} outputs)",
        "remedy": "undying.revive tries remedies in a controlled trial",
    }


def _gradient_finding(layers: list["Layer"]) -> dict[str, Any] | None:
    sizes = [(float(layer.gradient.mean()), layer) for layer in layers]
    if len(sizes) < 3 or not sizes[-1][0] > 0 or sizes[0][0] / sizes[-1][0] >= _VANISHING:
        return None
    return {
        "what": "vanishing gradients",
        "layer": sizes[0][1].name,
        "units": [],
        "cost": 1.0,
        "evidence": f"the mean |dL/dz| of {sizes[0][1].name} is {sizes[0][0] / sizes[-1][0]:.2g} times that of {sizes[-1][1].name}",
        "remedy": "residual paths, a norm before the activations, or an initial draw for this activation",
    }


def _findings(watch: "Watch") -> list[dict[str, Any]]:
    layers = list(watch.layers.values())
    found = [_dead_finding(layer) or _silent_finding(watch, layer) for layer in layers] + [_gradient_finding(layers)]
    return sorted((each for each in found if each is not None), key=lambda each: -each["cost"])


def _text(values: dict[str, Any], unseen: str) -> str:
    width = max([len(layer["name"]) for layer in values["layers"]] + [5])
    certified = any("dead" in layer for layer in values["layers"])
    lines = [
        f"watched {values['step']} steps of {values['network']}, {values['mode']}",
        f"{'layer':<{width}}  {'activation':<16} {'units':>6} {'silent':>7} {'dormant':>8} {'fires on':>9} {'|dL/dz|':>10}"
        + ("   dead" if certified else ""),
    ]
    for layer in values["layers"]:
        lines.append(
            f"{layer['name']:<{width}}  {layer['activation']:<16} {layer['units']:>6} {layer['silent']:>7} {layer['dormant']:>8}"
            f" {_percent(layer['firing_rate']):>9} {layer['gradient']:>10.2e}" + (f" {layer.get('dead', 0):>6}" if certified else "")
        )
    for finding in values["findings"]:
        lines += ["", f"{finding['what']}, {finding['layer']}: {finding['evidence']}. {finding['remedy']}."]
    if not values["findings"]:
        lines += ["", unseen or "nothing stands out"]
    for action in values["actions"]:
        lines.append(f"step {action['step']}: {action['action']} of {action['layer'] or 'the run'}, {len(action['units'])} units")
    return "\n".join(lines) + "\n"


class WatchReport(Result):
    """What a watch knows at one moment: `layers`, `findings`, `units`, `actions`."""

    @classmethod
    def of(cls, watch: "Watch") -> "WatchReport":
        layers = list(watch.layers.values())
        values = {
            "network": type(watch.model).__name__,
            "step": watch.step,
            "mode": "every step counted" if watch.exact else f"one step in {watch.every} counted",
            "layers": [_layer_entry(watch, layer) for layer in layers],
            "findings": _findings(watch),
            "units": [entry for layer in layers for entry in _unit_entries(watch, layer)],
            "actions": [action.to_dict() for action in watch.actions],
        }
        return cls(values, _text(values, watch.unseen))

    def to_frame(self, of: str = "layers"):
        """`of`: "layers", "units", "findings" or "actions", a row each."""
        if of not in ("layers", "units", "findings", "actions"):
            raise InputError(f'[of] is "{of}"; expected layers, units, findings or actions', "of", "invalid argument")
        rows = self._values[of]
        return _frame(rows if of == "units" else [_scalars(entry) for entry in rows])

"""What a watch has read goes to the logs of others: undying.watch(model, on_transfer=writers.TensorBoard("runs/a")).

Of each layer the shares of silent and dormant units, the mean firing rate, output and gradient; where the other end has histograms, those of the
units' firing rates and gradients. Each uses its library, which must be installed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._torch.watcher import Watch


def scalars(watch: "Watch") -> dict[str, float]:
    """By "undying/LAYER/what"."""
    found: dict[str, float] = {}
    for layer in watch.layers.values():
        values = {
            "silent": layer.silent.mean(),
            "dormant": layer.dormant(watch.tau).mean(),
            "firing_rate": layer.firing_rate.mean(),
            "output": layer.output.mean(),
            "gradient": layer.gradient.mean(),
        }
        if layer.census is not None:
            values["dead"] = layer.census["dead"] / layer.units
        found.update({f"undying/{layer.name}/{what}": float(value) for what, value in values.items()})
    return found


def histograms(watch: "Watch") -> dict[str, Any]:
    """A value a unit, by "undying/LAYER/what"."""
    found = {}
    for layer in watch.layers.values():
        found[f"undying/{layer.name}/firing_rates"] = layer.firing_rate
        found[f"undying/{layer.name}/gradients"] = layer.gradient
    return found


class TensorBoard:
    """`writer`: a torch.utils.tensorboard.SummaryWriter, or a folder for one."""

    def __init__(self, writer: Any):
        if isinstance(writer, (str, os.PathLike)):
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter(os.fspath(writer))
        self.writer = writer

    def __call__(self, watch: "Watch") -> None:
        for name, value in scalars(watch).items():
            self.writer.add_scalar(name, value, watch.step)
        for name, values in histograms(watch).items():
            self.writer.add_histogram(name, values, watch.step)


class WandB:
    """`run`: of wandb.init(); None: the current one."""

    def __init__(self, run: Any = None):
        self.run = run

    def __call__(self, watch: "Watch") -> None:
        import wandb

        run = self.run if self.run is not None else wandb.run
        values: dict[str, Any] = dict(scalars(watch))
        values.update({name: wandb.Histogram(each) for name, each in histograms(watch).items()})
        run.log({**values, "undying/step": watch.step})


class MLflow:
    """Into the active run, or the one of `run_id`. MLflow has no histograms."""

    def __init__(self, run_id: str | None = None):
        self.run_id = run_id

    def __call__(self, watch: "Watch") -> None:
        import mlflow

        metrics = {name.replace("#", "."): value for name, value in scalars(watch).items()}
        mlflow.log_metrics(metrics, step=watch.step, run_id=self.run_id)

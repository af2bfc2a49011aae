"""undying.watch within other people's training loops, and its logs in other people's formats (scripts/test --torch)."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F
import undying
from torch import nn
from undying import callbacks, rules, writers

STEPS = 12  # an epoch


def examples():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(STEPS * 16, 6, generator=generator), torch.randint(0, 3, (STEPS * 16,), generator=generator)


def make_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))


def kill(layer):
    with torch.no_grad():
        layer.bias[:5] = -100.0


def watched_by_lightning(epochs, rule):
    """The callback's watch, after so many epochs of a network with five units that are killed."""
    lightning = pytest.importorskip("lightning.pytorch")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = make_net()

        def training_step(self, batch, number):
            return F.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.01)

    module = Module()
    kill(module.net[0])
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*examples()), 16)
    callback = callbacks.lightning(exact=True, every=6, rules=[rules.Stop(rule)])
    quiet = {name: False for name in ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")}
    lightning.Trainer(max_epochs=epochs, accelerator="cpu", callbacks=[callback], **quiet).fit(module, loader)
    return callback.watch


def test_lightning():
    watch = watched_by_lightning(7, "silent>100%")
    assert watch.step == 7 * STEPS and list(watch.layers) == ["net.1", "net.3"]
    assert list(watch.layers["net.1"].silent.nonzero()[0]) == [0, 1, 2, 3, 4]


def test_lightning_stops_where_a_rule_says_so():
    watch = watched_by_lightning(20, "silent>10%")
    assert watch.actions[0].action.startswith("stop") and watch.step < 20 * STEPS


def test_hugging_face(tmp_path):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = make_net()

        def forward(self, values, labels=None):
            logits = self.net(values)
            return {"loss": F.cross_entropy(logits, labels), "logits": logits}

    x, y = examples()
    model = Net()
    kill(model.net[0])
    callback = callbacks.transformers(exact=True, every=6, rules=[rules.Stop("silent>10%")])
    settings = transformers.TrainingArguments(
        str(tmp_path), num_train_epochs=20, per_device_train_batch_size=16, save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True
    )
    rows = [{"values": a, "labels": b} for a, b in zip(x, y)]
    transformers.Trainer(model, settings, train_dataset=rows, callbacks=[callback]).train()
    assert list(callback.watch.layers) == ["net.1", "net.3"]
    assert list(callback.watch.layers["net.1"].silent.nonzero()[0]) == [0, 1, 2, 3, 4]
    assert callback.watch.should_stop and callback.watch.step < 20 * STEPS


def test_keras():
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras runs on another backend")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.layers.Input((8, 8, 1)), keras.layers.Conv2D(7, 3, activation="relu"), keras.layers.Flatten(),
         keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3)]
    )  # fmt: skip
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    weights, bias = model.layers[0].get_weights()
    bias[2] = -100.0
    model.layers[0].set_weights([weights, bias])
    draw = np.random.default_rng(1)
    x, y = draw.normal(size=(STEPS * 16, 8, 8, 1)).astype("float32"), draw.integers(0, 3, STEPS * 16)
    callback = callbacks.keras(exact=True, every=6)
    model.fit(x, y, batch_size=16, epochs=2, verbose=0, callbacks=[callback])
    layers = list(callback.watch.layers.values())
    assert callback.watch.step == 2 * STEPS and [layer.units for layer in layers] == [7, 16]
    assert list(layers[0].silent.nonzero()[0]) == [2]


def watched(on_transfer):
    net, (x, y) = make_net(), examples()
    kill(net[0])
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    with undying.watch(net, exact=True, every=50, on_transfer=on_transfer) as w:
        for step in range(100):
            rows = slice(16 * (step % STEPS), 16 * (step % STEPS) + 16)
            F.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
            optimizer.zero_grad()
    return w


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    writer = writers.TensorBoard(tmp_path)
    watched(writer)
    writer.writer.close()
    found = EventAccumulator(str(tmp_path), size_guidance={"histograms": 0}).Reload()
    silent = [(event.step, round(event.value, 4)) for event in found.Scalars("undying/1/silent")]
    assert silent == [(1, 0.0), (50, 0.0), (100, 0.3125)]
    assert [event.step for event in found.Histograms("undying/3/gradients")] == [1, 50, 100]


def test_wandb(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    logged = []
    with wandb.init(mode="offline", dir=str(tmp_path), project="undying") as run:
        monkeypatch.setattr(type(run), "log", lambda self, values, *rest, **more: logged.append(values))
        watched(writers.WandB(run))
    assert [values["undying/step"] for values in logged] == [1, 50, 100]
    assert logged[-1]["undying/1/silent"] == 0.3125
    assert isinstance(logged[-1]["undying/1/firing_rates"], wandb.Histogram)


def test_mlflow(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    with mlflow.start_run() as run:
        watched(writers.MLflow())
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "undying/1/silent")
    assert [(metric.step, metric.value) for metric in history][-1] == (100, 0.3125)

"""Writes the golden files of golden_cnn_test.cc with PyTorch 1.13 (Debian: python3-torch), in double, one thread.

Usage: python3 make_golden_cnn.py data/

vgg:small without batch norm and resnet:20 on 256 images, batches of 32 in order, 50 steps of SGD with momentum. Images, labels and initial
weights follow from an integer hash that the test computes too and are exact in float32, so no file holds them.

The draw and the learning rates are mild on purpose: an input of a ReLU that rounds to the other side of 0 changes the gradient, and at a
rate of 0.05 vgg:small diverges and either network's loss in PyTorch is further than 1e-3 from itself, float32 from double, before 20 steps.
At these, float32 differs by 2e-5 in the loss and 4e-5 in the statistics after 50.

cnn.json, for each case:
  loss        of every step
  change      [norm, product with random signs] of what the 50 steps added to each trained tensor
  first_step  how often each unit's input was above 0 in the first step, for each activation in the order of the forward pass, and how many
              inputs were so `near` to 0 that rounding may turn them: within 1e-5
  frozen      the same in evaluation mode over all images, after 50 steps with learning rate 0: initial weights, their running statistics;
              near is 1e-4, what 20 layers in float32 differ by
  final       the same after the last step; near is 3e-3, for the weights differ by then
cnn.safetensors: the running statistics after the last step. The running variance is that of ONNX, of the whole population, where PyTorch
keeps the unbiased one.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests"), str(ROOT / "bench/peers")]
from tensor_file import write_safetensors
from torch_networks import resnet, vgg_small

torch.set_num_threads(1)

STEPS, BATCH, EXAMPLES, SIDE, CLASSES, MOMENTUM = 50, 32, 256, 28, 10, 0.9
NEAR, NEAR_FROZEN, NEAR_FINAL = 1e-5, 1e-4, 3e-3

# The network, the learning rate, the gain of the initial draw.
CASES = {
    "vgg:small leaky_relu:0.01": (lambda: vgg_small(lambda: torch.nn.LeakyReLU(0.01)), 0.0025, 1.0),
    "resnet:20 leaky_relu:0.01": (lambda: resnet(3, lambda: torch.nn.LeakyReLU(0.01)), 0.005, 4.0),
    "resnet:20 relu": (lambda: resnet(3, torch.nn.ReLU), 0.005, 4.0),
}


def draw(name, count):
    """`count` 32-bit integers for this name: the finalizer of MurmurHash3 over FNV-1a(name) + i."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    x = (np.arange(count, dtype=np.uint64) + seed).astype(np.uint32)
    x = (x ^ x >> 16) * np.uint32(0x85EBCA6B)
    x = (x ^ x >> 13) * np.uint32(0xC2B2AE35)
    return x ^ x >> 16


def make_data():
    """A bar four pixels wide in noise; its direction and place are the class."""
    labels = draw("labels", EXAMPLES) % CLASSES
    place = 3 + 4 * (labels % 5) + draw("shift", EXAMPLES) % 3
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.uint32)
    line = np.where((labels < 5)[:, None, None], y, x)
    bar = (line >= place[:, None, None]) & (line < place[:, None, None] + 4)
    noise = draw("pixels", EXAMPLES * SIDE * SIDE).reshape(EXAMPLES, SIDE, SIDE) & 127
    images = (noise + 96 * bar).astype(np.float32) / np.float32(255)
    return torch.from_numpy(images[:, None]).double(), torch.from_numpy(labels.astype(np.int64))


def tensors_of(model):
    """The network's tensors under the names they have here, in the order of the forward pass."""
    tensors, n = {}, -1
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            n += 1
            tensors[f"layer.{n}.weight"] = module.weight
            if module.bias is not None:
                tensors[f"layer.{n}.bias"] = module.bias
        elif isinstance(module, torch.nn.BatchNorm2d):
            for name in ("weight", "bias", "running_mean", "running_var"):
                tensors[f"layer.{n}.bn.{name}"] = getattr(module, name)
    return tensors


def initial(name, shape, gain):
    """Every operation rounds to float32 once: the test does the same ones."""
    count = int(np.prod(shape))
    if name.endswith("running_mean"):
        return np.zeros(count, np.float32)
    if name.endswith("running_var"):
        return np.ones(count, np.float32)
    uniform = (draw(name, count) >> 8).astype(np.float32) * np.float32(2.0**-24)
    if name.endswith("bn.weight"):
        return uniform + np.float32(0.5)
    if name.endswith("bias"):
        return (uniform - np.float32(0.5)) * np.float32(0.25)
    scale = 1 / 32 if shape[0] == CLASSES else gain
    return (uniform - np.float32(0.5)) * np.float32(scale * np.sqrt(24.0 / (count // shape[0])))


class Watch:
    """Inside its block, counts the inputs of every activation by unit: those above 0, and those near it."""

    def __init__(self, model, near):
        self.activations = [m for m in model.modules() if isinstance(m, (torch.nn.ReLU, torch.nn.LeakyReLU))]
        self.near = near

    def __enter__(self):
        self.counts = [{"positions": 0, "fired": 0, "near": 0} for _ in self.activations]
        self.hooks = [m.register_forward_pre_hook(self.hook(count)) for m, count in zip(self.activations, self.counts)]
        return self

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()

    def hook(self, count):
        def add(_, inputs):
            z = inputs[0].detach().reshape(*inputs[0].shape[:2], -1)
            count["positions"] = z.shape[2]
            count["fired"] += (z > 0).sum((0, 2))
            count["near"] += (z.abs() <= self.near).sum((0, 2))

        return add

    def result(self):
        return [{"positions": c["positions"], "fired": c["fired"].tolist(), "near": c["near"].tolist()} for c in self.counts]


class Trained:
    """A network trained from the initial draw."""

    def __init__(self, build, rate, gain):
        self.model = build().double()
        self.tensors = tensors_of(self.model)
        self.initial = {name: torch.from_numpy(initial(name, t.shape, gain)).double().reshape(t.shape) for name, t in self.tensors.items()}
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                tensor.copy_(self.initial[name])
        self.variance = {m: torch.ones_like(m.running_var) for m in self.model.modules() if isinstance(m, torch.nn.BatchNorm2d)}
        for module in self.variance:
            module.register_forward_pre_hook(self.update_variance)
        self.train(torch.optim.SGD(self.model.parameters(), lr=rate, momentum=MOMENTUM))

    def update_variance(self, module, inputs):
        if module.training:
            self.variance[module].mul_(0.9).add_(inputs[0].detach().var((0, 2, 3), unbiased=False), alpha=0.1)

    def train(self, optimizer):
        x, y = make_data()
        self.losses = []
        for step in range(STEPS):
            rows = slice(step * BATCH % EXAMPLES, step * BATCH % EXAMPLES + BATCH)
            optimizer.zero_grad()
            with Watch(self.model, NEAR) as watch:
                loss = cross_entropy(self.model(x[rows]), y[rows])
            if step == 0:
                self.first_step = watch.result()
            loss.backward()
            optimizer.step()
            self.losses.append(loss.item())
        for module, values in self.variance.items():
            module.running_var.copy_(values)

    def evaluate(self, near):
        self.model.eval()
        with Watch(self.model, near) as watch, torch.no_grad():
            for images in make_data()[0].split(BATCH):
                self.model(images)
        return watch.result()

    def change(self):
        result = {}
        for name, tensor in self.tensors.items():
            if "running" in name:
                continue
            delta = (tensor.detach() - self.initial[name]).flatten()
            signs = torch.from_numpy(1.0 - 2.0 * (draw("sign " + name, delta.numel()) & 1))
            result[name] = [delta.norm().item(), (delta @ signs).item()]
        return result


def main():
    folder = Path(sys.argv[1])
    record, statistics = {"torch": torch.__version__, "cases": {}}, {}
    for case, (build, rate, gain) in CASES.items():
        frozen, trained = Trained(build, 0.0, gain), Trained(build, rate, gain)
        record["cases"][case] = {
            "rate": rate, "gain": gain, "shapes": {name: list(t.shape) for name, t in trained.tensors.items()}, "loss": trained.losses,
            "change": trained.change(), "first_step": trained.first_step, "frozen": frozen.evaluate(NEAR_FROZEN), "final": trained.evaluate(NEAR_FINAL)}
        statistics.update({f"{case} {name}": t for name, t in trained.tensors.items() if "running" in name})
        print(f"{case}: {trained.losses[0]:.4f} -> {trained.losses[-1]:.4f}")
    (folder / "cnn.json").write_text(json.dumps(record))
    write_safetensors(folder / "cnn.safetensors", statistics)


if __name__ == "__main__":
    main()

"""What undying.watch costs a training step, and what others cost: a table for docs/performance.md.

Usage: python bench/python/watch.py [--rounds N] [--threads N] [--network mlp|resnet18]...
Needs torch and undying; wandb where it is to be measured.
"""

import argparse
import copy
import importlib.util

import torch
import torch.nn.functional as F
import undying
from rounds import head, measure, ratios, row
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode


def mlp():
    """The shape of W2: 10 x 128 on images of 784 pixels."""
    widths = [784, *[128] * 10]
    layers = [part for a, b in zip(widths, widths[1:]) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(128, 10)), torch.randn(128, 784), 50


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        around = x if self.downsample is None else self.downsample(x)
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + around)


def resnet18():
    """As torchvision has it, with a stem for images of 32 x 32."""
    blocks = [Block(a, b, s) for a, b, s in
              ((64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1))]  # fmt: skip
    stem = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)), torch.randn(8, 3, 32, 32), 2


class Steps:
    """Some training steps of a copy of the network. Sampled watches count one in 50 of them all, over the rounds."""

    def __init__(self, network, x, steps, prepare=lambda model: None):
        self.model = copy.deepcopy(network)
        self.x, self.y = x, torch.arange(len(x)) % 10
        self.steps = steps
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01, momentum=0.9)
        self.kept = prepare(self.model)

    def __call__(self):
        for _ in range(self.steps):
            F.cross_entropy(self.model(self.x), self.y).backward()
            self.optimizer.step()
            self.optimizer.zero_grad()


def numpy_hooks(model):
    """What tutorials show: each output to the host."""
    kept = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda m, i, h, name=name: kept.update({name: (h.detach() > 0).float().mean(0).numpy()}))
    return kept


def wandb_watch(model):
    import wandb

    run = wandb.init(mode="offline", project="undying", dir="/tmp", settings=wandb.Settings(silent=True))
    run.watch(model, log="all", log_freq=1)
    return run


def variants(network, x, steps):
    found = {
        "alone": Steps(network, x, steps),
        "watch, sampled": Steps(network, x, steps, lambda model: undying.watch(model)),
        "watch, exact": Steps(network, x, steps, lambda model: undying.watch(model, exact=True)),
        "hooks to numpy": Steps(network, x, steps, numpy_hooks),
    }
    if importlib.util.find_spec("wandb"):
        found["W&B watch, every step"] = Steps(network, x, steps, wandb_watch)
    return found


class Operations(TorchDispatchMode):
    """Counts the operations that PyTorch dispatches."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


def operations(run):
    with Operations() as counted:
        run()
    return counted.count / run.steps


def verify(network, x):
    """What is timed counts what a hook on every activation counts."""
    rates = []

    def watched(model):
        for module in model.modules():
            if isinstance(module, nn.ReLU):
                module.register_forward_hook(lambda m, i, h: rates.append((h > 0).float().mean([d for d in range(h.ndim) if d != 1])))
        return undying.watch(model, exact=True)

    step = Steps(network, x, 1, watched)
    step()
    step.kept.close()
    found = [torch.from_numpy(layer.firing_rate).float() for layer in step.kept.layers.values()]
    assert len(found) == len(rates) and all(torch.allclose(a, b) for a, b in zip(found, rates)), "the watch counts otherwise"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--network", action="append", choices=("mlp", "resnet18"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    head("network", "", "of a step alone (least to greatest of the rounds)", "of its processor time", "operations dispatched more a step")
    for name in options.network or ("mlp", "resnet18"):
        network, x, steps = {"mlp": mlp, "resnet18": resnet18}[name]()
        verify(network, x)
        found, processor = variants(network, x, steps), {}
        seconds = measure(found, options.rounds, processor)
        dispatched = {variant: operations(run) for variant, run in found.items()}
        for variant in seconds:
            if variant != "alone":
                wall, used = ratios(seconds, variant, "alone"), ratios(processor, variant, "alone")[0]
                more = f"{dispatched[variant] - dispatched['alone']:.0f}"
                row(name, variant, "{:.3f} ({:.3f} to {:.3f})".format(*wall), f"{used:.3f}", more)


main()

"""Writes the golden files of golden_test.cc with PyTorch 1.13 (Debian: python3-torch), float32, one thread.

Usage: python3 make_golden.py data/

One network (20 -> 24 -> 24 -> 24 -> 5), one data set of 320 examples, batches of 16 in order, 200 steps, for each activation x optimizer.
inputs.safetensors holds the data and the common initial weights; losses.json the loss of every step, finals.safetensors the final weights of each case.
"""

import json
import sys
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parent.parent))
from tensor_file import write_safetensors

torch.set_num_threads(1)
torch.manual_seed(20240501)

STEPS, BATCH, EXAMPLES, WIDTHS = 200, 16, 320, [20, 24, 24, 24, 5]

ACTIVATIONS = {
    "relu": torch.nn.ReLU,
    "leaky_relu:0.01": lambda: torch.nn.LeakyReLU(0.01),
    "leaky_relu:0.3": lambda: torch.nn.LeakyReLU(0.3),
    "prelu:0.25": torch.nn.PReLU,
    "elu:1": torch.nn.ELU,
    "selu": torch.nn.SELU,
    "gelu": torch.nn.GELU,
    "silu": torch.nn.SiLU,
    "mish": torch.nn.Mish,
    "hardswish": torch.nn.Hardswish,
}

OPTIMIZERS = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.02, momentum=0.9, weight_decay=1e-3),
    "adam": lambda groups: torch.optim.Adam(groups, lr=1e-3),
    "adamw": lambda groups: torch.optim.AdamW(groups, lr=1e-3, weight_decay=0.01),
}


def build(activation, initial):
    layers = []
    for n, (i, o) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        linear = torch.nn.Linear(i, o)
        with torch.no_grad():
            linear.weight.copy_(initial[f"layer.{n}.weight"])
            linear.bias.copy_(initial[f"layer.{n}.bias"])
        layers.append(linear)
        if n + 2 < len(WIDTHS):
            layers.append(ACTIVATIONS[activation]())
    return torch.nn.Sequential(*layers)


def named(model):
    tensors, n = {}, -1
    for layer in model:
        if isinstance(layer, torch.nn.Linear):
            n += 1
            tensors[f"layer.{n}.weight"], tensors[f"layer.{n}.bias"] = layer.weight, layer.bias
        elif isinstance(layer, torch.nn.PReLU):
            tensors[f"layer.{n}.slope"] = layer.weight
    return tensors


def train(activation, optimizer, initial, x, y):
    model = build(activation, initial)
    slopes = [p for m in model if isinstance(m, torch.nn.PReLU) for p in m.parameters()]
    others = [p for m in model if not isinstance(m, torch.nn.PReLU) for p in m.parameters()]
    groups = [{"params": others}] + ([{"params": slopes, "weight_decay": 0.0}] if slopes else [])
    stepper = OPTIMIZERS[optimizer](groups)
    losses = []
    for step in range(STEPS):
        rows = slice(step * BATCH % EXAMPLES, step * BATCH % EXAMPLES + BATCH)
        stepper.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        stepper.step()
        losses.append(loss.item())
    return losses, named(model)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    x = torch.randn(EXAMPLES, WIDTHS[0])
    teacher = torch.randn(WIDTHS[0], WIDTHS[-1])
    y = (torch.tanh(x) @ teacher + 0.5 * torch.randn(EXAMPLES, WIDTHS[-1])).argmax(1)
    initial = {}
    for n, (i, o) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        initial[f"layer.{n}.weight"] = torch.randn(o, i) * (2.0 / i) ** 0.5
        initial[f"layer.{n}.bias"] = torch.randn(o) * 0.1
    write_safetensors(folder / "inputs.safetensors", {"x": x, "y": y.float(), **initial})
    losses, finals = {}, {}
    for activation in ACTIVATIONS:
        for optimizer in OPTIMIZERS:
            case = f"{activation} {optimizer}"
            losses[case], final = train(activation, optimizer, initial, x, y)
            for name, tensor in final.items():
                finals[f"{case} {name}"] = tensor
            print(f"{case}: {losses[case][0]:.4f} -> {losses[case][-1]:.4f}")
    (folder / "losses.json").write_text(json.dumps({"torch": torch.__version__, "losses": losses}))
    write_safetensors(folder / "finals.safetensors", finals)


main()

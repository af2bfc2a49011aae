#!/usr/bin/python3
"""Times PyTorch's activations on one thread, for comparison with activations_bench: the same sizes, outputs into given tensors.

Usage: activations_torch.py [--json FILE]
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

ATEN = torch.ops.aten

# Forward into a given output where PyTorch has such a variant, else the functional form, which allocates.
FORWARD = {
    "relu": lambda x, out: torch.clamp_min(x, 0, out=out),
    "leaky_relu": lambda x, out: ATEN.leaky_relu.out(x, 0.25, out=out),
    "elu": lambda x, out: ATEN.elu.out(x, out=out),
    "gelu": lambda x, out: ATEN.gelu.out(x, out=out),
    "gelu_tanh": lambda x, out: ATEN.gelu.out(x, approximate="tanh", out=out),
    "silu": lambda x, out: ATEN.silu.out(x, out=out),
    "mish": lambda x, out: ATEN.mish.out(x, out=out),
    "softplus": lambda x, out: ATEN.softplus.out(x, out=out),
    "hardswish": lambda x, out: ATEN.hardswish.out(x, out=out),
    "hardsigmoid": lambda x, out: ATEN.hardsigmoid.out(x, out=out),
    "sigmoid": lambda x, out: torch.sigmoid(x, out=out),
    "tanh": lambda x, out: torch.tanh(x, out=out),
}
BACKWARD = {
    "leaky_relu": lambda g, x, out: ATEN.leaky_relu_backward.grad_input(g, x, 0.25, False, grad_input=out),
    "elu": lambda g, x, out: ATEN.elu_backward.grad_input(g, 1.0, 1.0, 1.0, True, x, grad_input=out),
    "gelu": lambda g, x, out: ATEN.gelu_backward.grad_input(g, x, grad_input=out),
    "gelu_tanh": lambda g, x, out: ATEN.gelu_backward.grad_input(g, x, approximate="tanh", grad_input=out),
    "silu": lambda g, x, out: ATEN.silu_backward.grad_input(g, x, grad_input=out),
    "mish": lambda g, x, out: ATEN.mish_backward(g, x),
    "softplus": lambda g, x, out: ATEN.softplus_backward.grad_input(g, x, 1.0, 20.0, grad_input=out),
    "sigmoid": lambda g, x, out: ATEN.sigmoid_backward.grad_input(g, x, grad_input=out),
    "tanh": lambda g, x, out: ATEN.tanh_backward.grad_input(g, x, grad_input=out),
}
SIZES = {"16 KiB": 2**12, "256 KiB": 2**16, "4 MiB": 2**20, "256 MiB": 2**26}


def seconds(run, size, rounds):
    repeats = max(1, 2_500_000 // size)
    samples = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        samples.append((time.perf_counter() - start) / repeats)
    return statistics.median(samples)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    rows = []
    for label, size in SIZES.items():
        x, g, out = torch.randn(size), torch.randn(size), torch.empty(size)
        for kind, table, arrays in (("forward", FORWARD, 2), ("backward", BACKWARD, 3)):
            for name, function in table.items():
                if size > 2**20 and name != "leaky_relu":
                    continue
                run = (lambda: function(x, out)) if kind == "forward" else (lambda: function(g, x, out))
                run()
                spent = seconds(run, size, options.rounds if size <= 2**20 else 5)
                rate = 4 * arrays * size / spent * 1e-9
                rows.append({"problem": f"{name} {label}", "contender": f"PyTorch {kind}", "seconds": spent, "gigabytes_per_second": rate})
                print(f"{name + ' ' + label:<34} {'PyTorch ' + kind:<28} {rate:9.1f} GB/s {spent / size * 1e9:10.3f} ns/float")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"torch": torch.__version__, "rows": rows}, file, indent=2)


if __name__ == "__main__":
    main()

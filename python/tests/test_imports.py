"""Beside PyTorch, onnx and ONNX Runtime in one process, in every order (scripts/test --torch)."""

import itertools
import json
import subprocess
import sys

import pytest

for library in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(library)

SCRIPT = """
import importlib, json, sys
order = sys.argv[1:]
loaded = {name: importlib.import_module(name) for name in order}
torch, onnx, undying, onnxruntime = (loaded[name] for name in ("torch", "onnx", "undying", "onnxruntime"))
import numpy as np

draw = np.random.default_rng(1)
X, y = draw.normal(size=(120, 4)).astype("float32"), draw.integers(0, 2, 120)
torch.set_num_threads(2)


def train_torch():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    optimizer = torch.optim.Adam(net.parameters())
    for _ in range(3):
        loss = torch.nn.functional.cross_entropy(net(torch.from_numpy(X)), torch.from_numpy(y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def check_onnx(content):
    onnx.checker.check_model(onnx.load_model_from_string(content))


def run_onnxruntime(content):
    session = onnxruntime.InferenceSession(content)
    return float(session.run(None, {session.get_inputs()[0].name: X})[0].sum())


before = train_torch()
run = undying.train(X, y, model="mlp:8x2", epochs=2, seed=1, shards=2)
found = undying.diagnose(run.model, X, y)
check_onnx(run.model)
answers = run_onnxruntime(run.model)
again = undying.train(X, y, model="mlp:8x2", epochs=2, seed=1, shards=2)
assert torch.get_num_threads() == 2
assert train_torch() == before
print(json.dumps([before, run.test_loss, again.test_loss, found.loss, answers]))
"""


def numbers(order):
    done = subprocess.run([sys.executable, "-c", SCRIPT, *order], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_every_order_gives_the_same_numbers():
    orders = list(itertools.permutations(("torch", "onnx", "onnxruntime", "undying")))
    first = numbers(orders[0])
    assert first[1] == first[2]
    for order in orders[1:]:
        assert numbers(order) == first, order

"""undying.watch against a record of every pre-activation, on PyTorch (scripts/test --torch)."""

import copy
import gc
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F
import undying
from torch import nn
from undying.rules import Stop

STEPS = 40


class Mlp(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(6, width), nn.Linear(width, width), nn.Linear(width, 3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.relu(self.first(x))
        return self.last(F.relu(self.second(x)))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.last = nn.Conv2d(1, 6, 3), nn.Conv2d(6, 8, 3), nn.Linear(8 * 16, 3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.relu(self.conv1(x))
        return self.last(self.relu(self.conv2(x)).flatten(1))


def examples(shape, count=512):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, *shape, generator=generator), torch.randint(0, 3, (count,), generator=generator)


def killed(model, layers, step):
    """A few units of each layer get a bias from which nothing brings them back."""
    with torch.no_grad():
        for shift, layer in enumerate(layers):
            layer.bias[(step + shift) % len(layer.bias)] = -100.0


class Record:
    """Every pre-activation of every step, by plain module hooks on what comes before the activations."""

    def __init__(self, layers):
        self.fired = [[] for _ in layers]
        for place, layer in enumerate(layers):
            layer.register_forward_hook(lambda module, inputs, z, place=place: self.note(place, z))

    def note(self, place, z):
        if torch.is_grad_enabled():
            others = [dimension for dimension in range(z.ndim) if dimension != 1]
            self.fired[place].append((z > 0).sum(others).numpy())

    def last_fired(self, place):
        fired = np.array(self.fired[place]) > 0
        return np.where(fired.any(axis=0), len(fired) - np.argmax(fired[::-1], axis=0), 0)


def train(model, shape, layers, steps=STEPS, batch=64, optimizer=None, watch=None):
    x, y = examples(shape)
    optimizer = optimizer or torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    for step in range(steps):
        if step and step % 10 == 0:
            killed(model, layers, step // 10)
            for group in optimizer.param_groups:  # momentum would move them on
                for parameter in group["params"]:
                    optimizer.state[parameter].clear()
        rows = torch.arange(step * batch, (step + 1) * batch) % len(x)
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
        optimizer.zero_grad()


CASES = [(Mlp, (6,), lambda m: [m.first, m.second]), (Cnn, (1, 8, 8), lambda m: [m.conv1, m.conv2])]


@pytest.mark.parametrize("make, shape, layers_of", CASES)
def test_exact_deaths_are_those_of_a_record_of_everything(make, shape, layers_of):
    torch.manual_seed(0)
    model = make()
    layers = layers_of(model)
    x, y = examples(shape)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 100)
    with undying.watch(model, exact=True, every=7) as w:
        w.census(loader)
        record = Record(layers)
        train(model, shape, layers)
        report = w.census(loader)
    units = report.to_dict()["units"]
    deaths = 0
    for place, layer in enumerate(w.layers.values()):
        counts = np.array(record.fired[place])
        mine = [unit for unit in units if unit["layer"] == layer.name]
        for unit, life in enumerate(mine):
            if life["state"] == "dead" and not life["born_dead"]:
                deaths += 1
                assert life["died"][-1] == max(record.last_fired(place)[unit], 1)
        rates = counts[35:40].sum(axis=0)  # since the transfer after step 35
        np.testing.assert_allclose(layer.firing_rate, rates / (5 * 64 * (1 if len(shape) == 1 else (36, 16)[place])))
    assert deaths >= 4


@pytest.mark.parametrize("make, shape, layers_of", CASES)
def test_sampled_dates_are_within_the_steps_between(make, shape, layers_of):
    torch.manual_seed(0)
    model = make()
    layers = layers_of(model)
    x, y = examples(shape)
    loader = [(x, y)]
    every = 4
    with undying.watch(model, every=every) as w:
        w.census(loader)
        record = Record(layers)
        train(model, shape, layers)
        report = w.census(loader)
    deaths = 0
    for place, layer in enumerate(w.layers.values()):
        mine = [unit for unit in report.to_dict()["units"] if unit["layer"] == layer.name]
        for unit, life in enumerate(mine):
            if life["state"] == "dead" and not life["born_dead"]:
                last = record.last_fired(place)[unit]
                if not np.array(record.fired[place])[:last, unit].all():
                    continue  # it fired seldom: the steps that were counted may have seen it earlier
                deaths += 1
                assert abs(life["died"][-1] - last) <= every
    assert deaths >= 4
    assert w.transfers <= STEPS // every + 3


def test_every_call_is_a_layer_and_inputs_are_taken_before_it():
    model = Mlp()
    train(model, (6,), [], steps=0)
    with undying.watch(model, exact=True) as w:
        train(model, (6,), [], steps=3)
    assert list(w.layers) == ["relu", "relu#2"] or list(w.layers) == ["relu", "relu.relu"] or len(w.layers) == 2
    assert {layer.activation for layer in w.layers.values()} == {"relu"}


@pytest.mark.parametrize(
    "call, notation",
    [
        (lambda x: x.relu(), "relu"),
        (lambda x: torch.relu_(x.clone()), "relu"),
        (lambda x: F.leaky_relu(x, 0.2), "leaky_relu:0.2"),
        (nn.LeakyReLU(0.3), "leaky_relu:0.3"),
        (nn.ELU(0.5), "elu:0.5"),
        (nn.PReLU(), "prelu"),
        (nn.GELU(), "gelu"),
        (nn.GELU(approximate="tanh"), "gelu_tanh"),
        (nn.SiLU(), "silu"),
        (nn.Mish(), "mish"),
        (nn.SELU(inplace=True), "selu"),
        (nn.ReLU6(), "relu6"),
        (nn.Hardswish(), "hardswish"),
    ],
)
def test_activations_of_the_family(call, notation):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.act, self.b = nn.Linear(6, 8), call, nn.Linear(8, 3)

        def forward(self, x):
            return self.b(self.act(self.a(x)))

    model = Net()
    x, y = examples((6,))
    with undying.watch(model) as w:
        train(model, (6,), [], steps=1)
        report = w.census([x])
    (layer,) = w.layers.values()
    assert layer.activation == notation
    z = model.a(x)
    rates = (z > 0).double().mean(0).detach().numpy()
    np.testing.assert_allclose([unit["firing_rate"] for unit in layer.ledger.lives()], rates)
    assert report.layers[0].census["n"] == len(x)


def test_gradients_are_those_of_autograd():
    model = Mlp()
    x, y = examples((6,), 32)
    sizes = []

    def note(module, inputs, z):
        z.register_hook(lambda gradient: sizes.append(gradient.abs().sum(0)))

    model.second.register_forward_hook(note)
    with undying.watch(model, exact=True) as w:
        F.cross_entropy(model(x), y).backward()
        torch.optim.SGD(model.parameters(), 0.1).step()
    layer = list(w.layers.values())[1]
    np.testing.assert_allclose(layer.gradient * 32, sizes[0].numpy(), rtol=1e-5)


def test_what_a_network_learns_is_the_same_watched_or_not():
    models = [Mlp() for _ in range(3)]
    for model in models[1:]:
        model.load_state_dict(models[0].state_dict())
    train(models[0], (6,), [])
    with undying.watch(models[1], exact=True):
        train(models[1], (6,), [])
    with undying.watch(models[2], every=3):
        train(models[2], (6,), [])
    for a, b, c in zip(*(model.parameters() for model in models)):
        assert torch.equal(a, b) and torch.equal(a, c)


def test_autocast_counts_in_full():
    model = Mlp()
    x, y = examples((6,), 64)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with undying.watch(model, exact=True) as w:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    assert all(0.0 < layer.firing_rate.mean() < 1.0 for layer in w.layers.values())


def test_accumulated_batches_are_one_step():
    model = Mlp()
    x, y = examples((6,), 64)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with undying.watch(model, exact=True) as w:
        for step in range(3):
            for part in (slice(0, 32), slice(32, 64)):
                F.cross_entropy(model(x[part]), y[part]).backward()
            optimizer.step()
            optimizer.zero_grad()
        assert w.step == 3
        w.report()
    with torch.no_grad():
        w2 = undying.watch(model, exact=True)
    w2.close()


def test_evaluation_and_other_networks_are_not_counted():
    model, other = Mlp(), Mlp()
    x, y = examples((6,), 64)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with undying.watch(model, exact=True) as w:
        F.cross_entropy(model(x) + other(x), y).backward()
        with torch.no_grad():
            model(x)
        model.eval()
        model(x)
        model.train()
        torch.optim.SGD(other.parameters(), 0.01).step()
        assert w.step == 0
        assert [layer.counts.outputs for layer in w.layers.values()] == [64, 64]
        optimizer.step()
        assert w.step == 1


def test_nothing_is_read_between_transfers():
    from torch.utils._python_dispatch import TorchDispatchMode

    class Reads(TorchDispatchMode):
        def __init__(self):
            super().__init__()
            self.found = []

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            if function in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten._to_copy.default):
                self.found.append(function)
            return function(*args, **(kwargs or {}))

    model = Mlp()
    x, y = examples((6,), 64)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with undying.watch(model, exact=True, every=50):
        F.cross_entropy(model(x), y).backward()
        optimizer.step()  # the first step is transferred
        reads = Reads()
        with reads:
            for _ in range(5):
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
    assert torch.ops.aten._local_scalar_dense.default not in reads.found


def test_a_compiled_network_is_counted_in_its_sampled_steps():
    model = Mlp()
    x, y = examples((6,), 64)
    compiled = torch.compile(model, backend="eager")
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with undying.watch(compiled, every=3) as w:
        for _ in range(7):
            F.cross_entropy(compiled(x), y).backward()
            optimizer.step()
            optimizer.zero_grad()
    assert len(w.layers) == 2 and w.transfers == 3
    with pytest.raises(undying.InputError, match="compiled"):
        undying.watch(compiled, exact=True)


def test_a_network_without_activations_is_an_error():
    model = nn.Linear(6, 3)
    x, y = examples((6,), 64)
    undying.watch(model)
    F.cross_entropy(model(x), y).backward()
    with pytest.raises(undying.InputError, match="no activation of the family"):
        torch.optim.SGD(model.parameters(), 0.01).step()


def test_a_condition_raises_and_carries_the_report():
    torch.manual_seed(0)
    model = Mlp()
    with pytest.raises(undying.ConditionMet, match="silent") as caught:
        with undying.watch(model, exact=True, every=10, fail_on="dead>20%"):
            with torch.no_grad():
                model.first.bias[:] = -100.0
            train(model, (6,), [], steps=60)
    found = caught.value.result
    assert found.findings[0].what == "silent units" and "census(loader)" in found.findings[0].remedy
    with pytest.raises(undying.InputError, match="expected dead, silent or dormant"):
        undying.watch(model, fail_on="deaf>1%")


def test_reports_are_tables_and_frames():
    pytest.importorskip("pandas")
    model = Mlp()
    with undying.watch(model, every=2) as w:
        train(model, (6,), [], steps=5)
        report = w.census([examples((6,))[0]])
    assert "fires on" in str(report) and "<pre>" in report._repr_html_()
    assert len(report.to_frame()) == 2 and len(report.to_frame("units")) == 32


def test_a_network_may_go_and_be_copied():
    model = Mlp()
    w = undying.watch(model)
    copy.deepcopy(model)
    del model
    gc.collect()
    with pytest.raises(undying.InputError, match="is gone"):
        w.report()
    w.close()


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_what_stands_behind_a_part_with_dropout_differs_in_training(rate):
    model, (x, _) = nn.ModuleDict({"body": nn.Sequential(nn.Linear(6, 8), nn.Dropout(rate)), "head": nn.Sequential(nn.Linear(8, 8), nn.ReLU())}), examples((6,))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with undying.watch(model, exact=True) as w:
        for _ in range(3):
            model["head"](model["body"](x)).sum().backward()
            optimizer.step()
    assert w.layers["head.1"].call.differs == (rate > 0)


COMING_AND_GOING = """
import gc, torch, undying
torch.set_num_threads(1)
model, x = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3)), torch.randn(32, 6)
optimizer = torch.optim.SGD(model.parameters(), 0.01)
def watch():
    with undying.watch(model, exact=True) as w:
        model(x).sum().backward()
        optimizer.step()
    w.census([x])
    try: undying.watch(model, fail_on="nothing")
    except undying.InputError: return
    raise SystemExit("no error")
def held():
    gc.collect()
    return len(gc.get_objects()), next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
for _ in range(300): watch()
objects, memory = held()
for _ in range(400): watch()
now = held()
print(now[0] - objects, now[1] - memory, len(torch.nn.modules.module._global_forward_hooks))
"""


def test_watches_that_come_and_go_leave_nothing_behind():
    told = subprocess.run([sys.executable, "-c", COMING_AND_GOING], check=True, capture_output=True, text=True).stdout
    objects, memory, hooks = map(int, told.split())
    assert objects < 40 and memory < 1600 and hooks == 0  # KiB: the allocator's own, which levels off


def _worker(rank, port, results):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    torch.manual_seed(0)
    model = Mlp()
    parallel = nn.parallel.DistributedDataParallel(model)
    with undying.watch(parallel, exact=True, every=2) as w:
        train(parallel, (6,), [], steps=5)
        results.put((rank, list(w.layers), w.step))
    torch.distributed.destroy_process_group()


def test_two_processes_in_parallel():
    import socket

    import torch.multiprocessing as processes

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = processes.get_context("spawn")
    results = context.SimpleQueue()
    workers = [context.Process(target=_worker, args=(rank, port, results)) for rank in range(2)]
    for worker in workers:
        worker.start()
    found = sorted(results.get() for _ in workers)
    for worker in workers:
        worker.join()
    assert [step for _, _, step in found] == [5, 5]
    assert found[0][1] == found[1][1]


def test_recycled_units_begin_anew_and_change_no_answer():
    from undying.rules import Recycle

    torch.manual_seed(0)
    model = Cnn()
    x, y = examples((1, 8, 8))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    with torch.no_grad():
        model.conv2.bias[3] = -100.0
    before = {}

    def note(watch):
        before.update(out=model(x).detach(), weight=model.conv2.weight[3].clone())

    with undying.watch(model, exact=True, rules=[note, Recycle("silent")]) as w:
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert [(action.step, action.layer, action.units) for action in w.actions] == [(1, "relu#2", [3])]
    torch.testing.assert_close(model(x), before["out"], atol=1e-5, rtol=0)
    assert model.conv2.bias[3] == 0.0 and not torch.equal(model.conv2.weight[3], before["weight"])
    assert model.last.weight.view(3, 8, 16)[:, 3].eq(0).all()
    assert optimizer.state[model.conv2.weight]["exp_avg"][3].eq(0).all()
    assert "recycled" in str(w.report())


def test_rules_lower_the_rate_and_stop():
    from undying.rules import LowerRate

    model = Mlp()
    with torch.no_grad():
        model.first.bias[:] = -100.0
    optimizer = torch.optim.SGD(model.parameters(), 0.08)
    with undying.watch(model, exact=True, every=20, rules=[LowerRate("silent>10%"), Stop("dead>30%")]) as w:
        train(model, (6,), [], steps=40, optimizer=optimizer)
    assert w.should_stop and optimizer.param_groups[0]["lr"] == pytest.approx(0.04)
    assert [action.step for action in w.actions] == [20, 20]


def documented_example():
    """The one of docs/python.md with fail_on, and the line of it that makes the network."""
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
    (example,) = [each for each in re.findall(r"```python\n(.*?)```", page, re.S) if "fail_on=" in each]
    return example, next(line for line in example.splitlines() if line.startswith("model = "))


def test_the_documented_condition_fires_where_every_unit_is_dead(capsys):
    example, making = documented_example()
    dead = example.replace(making, f"{making}\ntorch.nn.init.constant_(model[0].bias, -50.0)")
    with pytest.raises(undying.ConditionMet, match="64 of 64 units .* are dead by the census of step 32$") as caught:
        exec(dead, {})
    assert caught.value.result.layers[0].dead == 64
    exec(example, {})
    assert "64" in capsys.readouterr().out


def step_once(model, optimizer=None):
    x, y = examples((6,), 64)
    F.cross_entropy(model(x), y).backward()
    (optimizer or torch.optim.SGD(model.parameters(), 0.0)).step()


def test_dead_by_a_census_until_a_unit_fires_again():
    torch.manual_seed(1)
    model = Mlp()
    kept = model.first.bias.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    with torch.no_grad():
        model.first.bias[:8] = -100.0
    with undying.watch(model, exact=True, every=1, rules=[]) as w:
        step_once(model, optimizer)
        w.census([examples((6,))[0]])
        half = next(iter(w.layers.values()))
        assert half.dead.sum() == 8
        step_once(model, optimizer)
        assert half.dead.sum() == 8  # 64 outputs more, and none fired
        with torch.no_grad():
            model.first.bias[:] = kept
        step_once(model, optimizer)
        assert half.dead.sum() == 0


def test_a_census_without_a_condition_that_is_met_raises_nothing():
    torch.manual_seed(1)
    model = Mlp()
    with undying.watch(model, fail_on=["dead>50%", "dormant>90%"]) as w:
        assert w.census([examples((6,))[0]]).layers[0].census["n"] == 512


@pytest.mark.parametrize("loader", [examples((6,))[0], None], ids=["tensor", "nothing"])
def test_a_census_wants_batches(loader):
    torch.manual_seed(1)
    model = Mlp()
    with undying.watch(model) as w, pytest.raises(undying.InputError, match=r"\[loader\] is a .*; expected batches"):
        w.census(loader)


def test_a_share_without_its_sign_is_proposed_with_it():
    torch.manual_seed(1)
    model = Mlp()
    with pytest.raises(undying.InputError, match="of 0..1 or 0%..100%, perhaps dead>=20%$"):
        undying.watch(model, fail_on="dead>=20")


@pytest.mark.parametrize("text", ["dead>20", "dormant>200%", "silent>=1.5", "dead>.", "dead>2.0.1%", "dead>-5%", "dead"])
def test_a_share_that_cannot_be_is_refused(text):
    torch.manual_seed(1)
    model = Mlp()
    for use in (lambda: undying.watch(model, fail_on=text), lambda: Stop(text)):
        with pytest.raises(undying.InputError, match="expected (dead|silent|dormant)"):
            use()


def test_a_watch_that_sees_no_training_says_so():
    torch.manual_seed(1)
    model = Mlp()
    with pytest.warns(UserWarning, match="no training step was seen"):
        with undying.watch(model) as w:
            model(examples((6,))[0])
    assert "no training step was seen" in str(w.report()) and "nothing stands out" not in str(w.report())
    model.eval()
    with undying.watch(model) as w:
        w.census([examples((6,))[0]])
        with pytest.raises(undying.InputError, match="no activation of the family was called in its first training step"):
            step_once(model)
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with undying.watch(model, exact=True, every=2):
        step_once(model, optimizer)
        model.eval()
        with pytest.warns(UserWarning, match="step 2 has called no activation that is counted"):
            step_once(model, optimizer)


def test_dead_units_are_not_dormant_too():
    torch.manual_seed(1)
    model = Mlp()
    with torch.no_grad():
        model.first.bias[:4] = -100.0
        model.first.weight[4:6] *= 1e-4
        model.first.bias[4:6] = 0.0
    with undying.watch(model, exact=True) as w:
        step_once(model)
        report = w.census([examples((6,))[0]])
    assert (report.layers[0].dead, report.layers[0].dormant) == (4, 2)


def test_the_settings_are_those_of_the_class():
    from undying._torch.watcher import Watch

    own, of_class = (inspect.signature(each).parameters for each in (undying.watch, Watch))
    assert {name: each.default for name, each in own.items()} == {name: each.default for name, each in of_class.items()}
    assert all(f"    {name}: " in undying.watch.__doc__ for name in own)


def test_layers_show_what_they_hold():
    torch.manual_seed(1)
    model = Mlp()
    with undying.watch(model) as w:
        step_once(model)
        w.census([examples((6,))[0]])
    assert "activation='relu', units=16, silent=0, firing_rate=0." in str(w.layers) and "dead=0" in repr(w.layers)
    assert repr(w) == "Watch(Mlp, step=1, 2 layers)"

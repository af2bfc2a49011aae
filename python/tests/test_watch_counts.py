"""What undying.watch counts, of every layout and number type, by both of its ways, and what it costs (scripts/test --torch)."""

import copy
import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F
import undying
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from undying._torch import counts, watcher


@pytest.fixture(params=["host", "device"])
def way(request, monkeypatch):
    """By the library in the host's memory, or as on other devices, by PyTorch."""
    if request.param == "device":
        monkeypatch.setattr(watcher, "pool_for", counts.DevicePool)
    return request.param


def seen_by_torch(z, h, gradient, dimension):
    others = [each for each in range(z.ndim) if each != dimension]
    return [
        (values.sum(others) if others else values).numpy()
        for values in ((z > 0).double(), h.double().abs(), gradient.double().abs())
    ]


def channels_last(z):
    return z.contiguous(memory_format=torch.channels_last)


LAYOUTS = {
    "rows": lambda draw: draw(37, 300),
    "one row": lambda draw: draw(19),
    "one unit": lambda draw: draw(21, 1),
    "tokens": lambda draw: draw(3, 7, 9),
    "transposed": lambda draw: draw(9, 37).t(),
    "images": lambda draw: draw(3, 5, 6, 7),
    "channels last": lambda draw: channels_last(draw(3, 5, 6, 7)),
    "cropped images": lambda draw: draw(3, 5, 6, 7)[:, :, 1:, :5],
    "one channel": lambda draw: channels_last(draw(3, 1, 6, 7)),
    "many rows": lambda draw: draw(5000, 3),
    "a large image": lambda draw: draw(1, 2, 300, 300),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("activation", ["relu", "elu"])
def test_counts_are_those_of_torch(way, layout, dtype, activation):
    generator = torch.Generator().manual_seed(3)
    z = LAYOUTS[layout](lambda *shape: torch.randn(*shape, generator=generator).to(dtype)).requires_grad_()
    weights = torch.randn(z.shape, generator=generator).to(dtype)
    dimension = 1 if z.ndim == 4 else z.ndim - 1
    pool = watcher.pool_for(z.device)
    layer = counts.StepCounts(z.shape[dimension], dimension, activation == "relu", pool)
    values = z * 1  # no leaf, of the same layout
    layer.before(values)
    h = getattr(F, activation)(values)
    layer.after(h)
    gradients = []
    values.register_hook(gradients.append)
    (h * weights).sum().backward()
    pool.close_step(4)
    (sums,) = pool.take()
    for found, expected in zip(sums, seen_by_torch(z.detach(), h.detach(), gradients[0], dimension)):
        np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype != torch.bfloat16 else 1e-2)
    fired = sums[counts.FIRED] > 0
    np.testing.assert_array_equal(sums[counts.FIRST], np.where(fired, 4, 0))
    np.testing.assert_array_equal(sums[counts.LAST], np.where(fired, 4, 0))
    assert layer.outputs == z.numel() // layer.units


def test_dates_are_of_the_first_and_the_last_step_that_fired(way):
    pool = watcher.pool_for(torch.device("cpu"))
    layer = counts.StepCounts(2, 1, True, pool)
    for step, row in enumerate([[0, 1], [1, 1], [1, 0], [0, 0]], 1):
        for value in (row, [0, 0]):  # two accumulated batches
            layer.after(torch.tensor([value], dtype=torch.float32))
        pool.close_step(step)
    (sums,) = pool.take()
    assert sums[counts.FIRED].tolist() == [2, 2]
    assert sums[counts.FIRST].tolist() == [2, 1] and sums[counts.LAST].tolist() == [3, 2]
    (sums,) = pool.take()
    assert sums[counts.FIRED].tolist() == [0, 0] and sums[counts.LAST].tolist() == [3, 2]
    pool.forget_dates()
    assert pool.take()[0].sum() == 0


def test_a_gradient_that_is_one_number_for_all_is_counted(way):
    z = torch.ones(6, 4, requires_grad=True) * 1
    pool = watcher.pool_for(z.device)
    layer = counts.StepCounts(4, 1, True, pool)
    layer.before(z)
    z.sum().backward()  # expands a single 1
    pool.close_step(1)
    assert pool.take()[0][counts.GRADIENT].tolist() == [6, 6, 6, 6]


class Mixed(nn.Module):
    """Activations by modules and functions, in place or not, one with a user's hook, one by keyword."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        self.wide, self.act, self.last = nn.Linear(36, 8), nn.LeakyReLU(0.2), nn.Linear(8, 3)
        self.last.register_forward_pre_hook(lambda module, inputs: (F.silu(inputs[0]),))

    def forward(self, x):
        x = self.wide(self.body(x).flatten(1))
        return self.last(F.gelu(self.act(input=self.act(x))))


def steps(model, watched, count=6):
    x, y = torch.randn(32, 1, 8, 8, generator=torch.Generator().manual_seed(1)), torch.arange(32) % 3
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    with watched(model) as w:
        for _ in range(count):
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            optimizer.zero_grad()
    return w


NAMES = ["body.2", "act", "act#2", "gelu", "last"]


def test_every_call_is_met_in_every_step(way):
    torch.manual_seed(0)
    w = steps(Mixed(), lambda model: undying.watch(model, exact=True, every=100))
    assert list(w.layers) == NAMES
    assert [layer.activation for layer in w.layers.values()] == ["relu", "leaky_relu:0.2", "leaky_relu:0.2", "gelu", "silu"]
    assert [layer.counts.outputs for layer in w.layers.values()] == [5 * 32 * 36, *[5 * 32] * 4]  # since the first step


def test_two_watches_and_a_mode_of_the_users_see_the_same():
    class Others(TorchFunctionMode):
        found = 0

        def __torch_function__(self, function, types, args=(), kwargs=None):
            self.found += function is F.relu
            return function(*args, **(kwargs or {}))

    class WithMode(Mixed):
        def forward(self, x):
            with mode:
                return super().forward(x)

    torch.manual_seed(0)
    alone, model, mode = Mixed(), WithMode(), Others()
    model.load_state_dict(alone.state_dict())
    first = steps(alone, lambda model: undying.watch(model, exact=True))
    with undying.watch(model, exact=True) as other:
        second = steps(model, lambda model: undying.watch(model, exact=True))
    assert mode.found == 6
    for a, b, c in zip(first.report().units, second.report().units, other.report().units):
        assert a.to_dict() == b.to_dict() == c.to_dict()


def test_the_way_makes_no_difference(monkeypatch):
    torch.manual_seed(0)
    model = Mixed()
    twin = copy.deepcopy(model)
    host = steps(model, lambda model: undying.watch(model, exact=True)).report().to_frame("units")
    monkeypatch.setattr(watcher, "pool_for", counts.DevicePool)
    device = steps(twin, lambda model: undying.watch(model, exact=True)).report().to_frame("units")
    numbers = host.select_dtypes("number").columns
    np.testing.assert_allclose(host[numbers].astype(float), device[numbers].astype(float), rtol=1e-5)


def test_within_transforms_of_torch_func():
    model, x = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), torch.randn(16, 6)
    parameters = dict(model.named_parameters())
    with undying.watch(model, exact=True) as w:
        torch.func.grad(lambda values: torch.func.functional_call(model, values, (x,)).sum())(parameters)
        w.count_step()
        np.testing.assert_allclose(w.layers["1"].firing_rate, (model[0](x) > 0).double().mean(0))
    with undying.watch(model, exact=True):
        with pytest.raises(undying.InputError, match="torch.vmap; expected the watch to be closed there"):
            torch.vmap(model)(x)


class Operations(TorchDispatchMode):
    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


def test_on_the_host_nothing_is_dispatched_between_transfers():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 3))
    x, y = torch.randn(16, 6), torch.arange(16) % 3

    def dispatched():
        with Operations() as counted:
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            optimizer.zero_grad()
        return counted.count

    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    alone = [dispatched() for _ in range(3)][-1]
    with undying.watch(model, exact=True):
        dispatched()  # read after the first step
        assert dispatched() == alone


def test_a_network_that_is_moved_while_it_is_watched_is_refused():
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    with undying.watch(model) as w:
        w.census([torch.randn(16, 6)])
        with pytest.raises(undying.InputError, match=r"\[1\] was on cpu and is called on meta now; expected undying.watch\(\) after"):
            model.to("meta")(torch.randn(16, 6, device="meta"))


class Stops(nn.Module):
    """A part in which the next pass is broken off."""

    def __init__(self):
        super().__init__()
        self.error = None

    def forward(self, x):
        error, self.error = self.error, None
        if error is not None:
            raise error
        return x


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no")], ids=["ctrl-c", "exception"])
@pytest.mark.parametrize("before", [0, 1], ids=["before it", "behind it"])
def test_a_pass_that_is_broken_off_leaves_nothing_behind(error, before):
    stops = Stops()
    parts = [nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)]
    parts.insert(1 + before, stops)
    model = nn.Sequential(*parts)
    x = torch.randn(8, 6)
    with undying.watch(model, every=1, exact=True) as watch:
        for broken in (False, True, False, False):
            stops.error = error if broken else None
            if broken:
                with pytest.raises(type(error)):
                    model(x)
            else:
                model(x).sum().backward()
                watch.count_step()
        assert len(watch.layers) == 1
    assert torch._C._len_torch_function_stack() == 0


def test_ctrl_c_within_a_part_for_which_the_mode_has_stepped_aside(monkeypatch):
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    x = torch.randn(8, 6)
    linear = F.linear

    def interrupted(*args):
        raise KeyboardInterrupt

    with undying.watch(model, every=1, exact=True) as watch:
        model(x)
        monkeypatch.setattr(F, "linear", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model(x)
        monkeypatch.setattr(F, "linear", linear)
        model(x).sum().backward()
        watch.count_step()
    assert torch._C._len_torch_function_stack() == 0


def test_another_thread_runs_a_network_of_its_own_meanwhile():
    other = nn.Linear(4, 4)
    failed = []

    class Meanwhile(nn.Module):
        def forward(self, x):
            def run():
                try:
                    other(torch.ones(1, 4))
                except Exception as error:
                    failed.append(error)

            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
            return x

    model = nn.Sequential(nn.Linear(6, 5), Meanwhile(), nn.ReLU(), nn.Linear(5, 3))
    with undying.watch(model, every=1, exact=True):
        for _ in range(3):
            model(torch.randn(8, 6))
    assert not failed


def test_an_empty_batch_counts_nothing():
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    with undying.watch(model, every=1, exact=True) as watch:
        model(torch.randn(4, 6)).sum().backward()
        watch.count_step()
        model(torch.empty(0, 6)).sum().backward()
        watch.count_step()
        report = watch.census([torch.empty(0, 6), torch.randn(9, 6)])
    assert report.to_dict()["units"]
    with pytest.raises(undying.InputError, match="closed"):
        watch.__enter__()

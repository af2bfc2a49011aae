"""PyTorch networks diagnosed, healed and pruned, and back again (scripts/test --torch)."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
runtime = pytest.importorskip("onnxruntime")

import torch.nn.functional as F
import undying
from torch import nn

TRIAL = {"remedies": "leaky_relu:0.1", "seeds": 8, "optimizer": "adam", "lr": 0.03, "batch": 32, "threads": 1}


class Mlp(nn.Module):
    """An activation as a module, and one as a call."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.relu(self.first(x))
        return self.last(F.relu(self.second(x)))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        around = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + around)


class ResNet18(nn.Module):
    """As torchvision has it, narrow and for small images."""

    def __init__(self, width=4):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        for number in range(1, 5):
            inputs, outputs = width * 2 ** max(0, number - 2), width * 2 ** (number - 1)
            blocks = [Block(inputs, outputs, 1 if number == 1 else 2), Block(outputs, outputs, 1)]
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(8 * width, 3)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 16)
        self.head = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))
        self.place = nn.Parameter(0.02 * torch.randn(1, 6, 16))
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 24, dropout=0.0, batch_first=True), 2)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x) + self.place).mean(1))


def examples(shape, count=360):
    """Three classes, of a mean each."""
    generator = torch.Generator().manual_seed(1)
    y = torch.randint(0, 3, (count,), generator=generator)
    means = torch.randn(3, *shape, generator=generator)
    return torch.randn(count, *shape, generator=generator) + means[y], y


def loader_of(x, y):
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 50)


def kill(biases, share, value=-8.0):
    """That share of a layer's units fires on nothing."""
    with torch.no_grad():
        for bias in biases:
            bias[: int(share * len(bias))] = value


def make_mlp(share):
    model = Mlp()
    kill([model.first.bias, model.second.bias], share)
    return model


def make_resnet(share):
    model = ResNet18()
    kill([block.bn1.bias for block in model.modules() if isinstance(block, Block)], min(share, 0.7))
    kill([model.layer4[1].bn2.bias], share, -50.0)  # behind it is the last layer alone
    return model


def make_transformer(share):
    model = Transformer()
    kill([*(layer.linear1.bias for layer in model.encoder.layers), model.head[0].bias], share)
    return model


CASES = [(make_mlp, (6,), 30), (make_resnet, (1, 8, 8), 5), (make_transformer, (6, 4), 20)]


@pytest.fixture(scope="module", params=CASES, ids=["mlp", "resnet18", "transformer"])
def case(request):
    return request.param


def difference(model, content, x):
    """Of the answers from those of ONNX Runtime, relative to the largest."""
    session = runtime.InferenceSession(content)
    wanted = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    with torch.no_grad():
        return float(np.abs(model.eval()(x).numpy() - wanted).max() / max(1.0, np.abs(wanted).max()))


def test_a_diagnosis_is_of_the_network_as_it_answers(case):
    make, shape, _ = case
    torch.manual_seed(0)
    model, (x, y) = make(0.7).eval(), examples(shape)
    found = undying.diagnose(model, loader_of(x, y))
    assert found.loss == pytest.approx(F.cross_entropy(model(x), y).item(), abs=1e-5)
    assert found.dead > 0
    assert found.to_dict()["layers"] == undying.diagnose(model, x, y).to_dict()["layers"]


def test_a_healed_network_goes_back(case):
    make, shape, epochs = case
    torch.manual_seed(0)
    model, (x, y) = make(1.0).eval(), examples(shape)  # nothing but another activation can help
    healed = undying.revive(model, loader_of(x, y), epochs=epochs, **TRIAL)
    assert healed.model is not None, healed.outcome
    other = healed.apply_to(copy.deepcopy(model))
    assert difference(other, healed.model, x) < 1e-5
    swapped = [module for module in other.modules() if isinstance(module, nn.LeakyReLU)]
    assert swapped and not any(isinstance(module, nn.ReLU) for module in other.modules())
    assert difference(copy.deepcopy(other), healed.model, x) < 1e-5
    other.train()
    F.cross_entropy(other(x[:50]), y[:50]).backward()
    assert all(parameter.grad is not None for parameter in other.parameters())
    assert undying.diagnose(other, x, y).loss == pytest.approx(F.cross_entropy(other.eval()(x), y).item(), abs=1e-5)


def test_a_pruned_network_goes_back(case):
    make, shape, _ = case
    torch.manual_seed(0)
    model, (x, _) = make(0.7).eval(), examples(shape)
    smaller = undying.prune(model, x)
    other = smaller.apply_to(copy.deepcopy(model))
    count = lambda network: sum(parameter.numel() for parameter in network.parameters())
    assert count(other) < count(model)
    assert difference(other, smaller.model, x) < 1e-5
    with torch.no_grad():
        torch.testing.assert_close(other.eval()(x), model.eval()(x), atol=1e-5, rtol=1e-5)


def test_slopes_that_were_learned_go_back():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    kill([model[0].bias], 1.0)
    x, y = examples((6,))
    healed = undying.revive(model, x, y, epochs=30, **{**TRIAL, "remedies": "prelu"})
    assert healed.model is not None, healed.outcome
    healed.apply_to(model)
    assert isinstance(model[1], nn.PReLU) and difference(model, healed.model, x) < 1e-5


def test_what_does_not_fit_changes_nothing():
    torch.manual_seed(0)
    model = make_mlp(0.7)
    x, y = examples((6,))
    smaller = undying.prune(model, x)
    with pytest.raises(undying.InputError, match="has no parameter of the network"):
        smaller.apply_to(nn.Sequential(nn.Linear(6, 3)))
    with pytest.raises(undying.InputError, match="got a NoneType; expected the torch.nn.Module"):
        smaller.apply_to(None)
    with pytest.raises(undying.InputError, match="came as an ONNX file"):
        undying.prune(smaller.model, x.numpy()).apply_to(model)

    class Otherwise(Mlp):
        def forward(self, x):
            return 2 * super().forward(x)

    other = Otherwise()
    before = copy.deepcopy(other.state_dict())
    with pytest.raises(undying.InputError, match="would answer otherwise.*Nothing was changed"):
        smaller.apply_to(other)
    assert all(torch.equal(before[name], value) for name, value in other.state_dict().items())


def test_what_cannot_be_exported_is_said_with_pytorchs_reason():
    class Moody(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(6, 3)

        def forward(self, x):
            return self.a(x) if x.sum().item() > 0 else -self.a(x)

    x, y = examples((6,))
    with pytest.raises(undying.InputError, match="Moody cannot be exported: PyTorch says: .*Export it yourself") as caught:
        undying.diagnose(Moody(), x, y)
    assert len(str(caught.value)) < 1500


def test_loaders():
    torch.manual_seed(0)
    model, (x, y) = Mlp(), examples((6,))
    wanted = undying.diagnose(model, x, y).to_dict()["layers"]
    assert undying.diagnose(model, [(x[:99], y[:99]), (x[99:], y[99:])]).to_dict()["layers"] == wanted
    assert undying.diagnose(model, [{"x": x, "labels": y}]).to_dict()["layers"] == wanted
    assert undying.diagnose(model, [x]).accuracy is None
    for loader, words in (([], "no batch"), ([("a", 1)], "gives a str"), ("fashion-mnist", "expected of a PyTorch")):
        with pytest.raises(undying.InputError, match=words):
            undying.diagnose(model, loader)
    with pytest.raises(undying.InputError, match="the class 3; expected 0 to 2"):
        undying.diagnose(model, x, y + 1)


def test_a_call_is_swapped_in_the_code_of_its_own_module_alone():
    from undying._torch.swaps import swap

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Linear(4, 8), nn.Sequential(nn.Linear(8, 3), nn.ReLU())

        def forward(self, x):
            return self.head(torch.relu(self.body(x)))

    torch.manual_seed(0)
    net, x = Net(), torch.randn(32, 4)
    expected = torch.relu(net.head[0](nn.functional.leaky_relu(net.body(x), 0.5)))
    assert (net.head[0](torch.relu(net.body(x))) < 0).any()
    swap(net, "", nn.LeakyReLU(0.5))
    torch.testing.assert_close(net(x), expected)


class Two(nn.Module):
    def forward(self, a, b=None):
        return a if b is None else a + b


class Both(Two):
    def forward(self, a, b):
        return a + b


@pytest.mark.parametrize(
    "model, data, words",
    [
        (Two(), [({"a": torch.ones(4, 2), "b": torch.ones(4, 2)})], r"\[loader\] gives batches of 2 inputs \(a, b\)"),
        (Two(), [((torch.ones(4, 2), torch.ones(4, 2)), torch.zeros(4))], r"\[loader\] gives a tuple of 2 as inputs"),
        (Two(), [(torch.ones(4, 2), torch.ones(4, 2), torch.zeros(4))], r"\[loader\] gives tuples of 3"),
        (Two(), {"a": torch.ones(4, 2)}, r"\[X\] is a dict of 1"),
        (Both(), torch.ones(4, 2), r"\[model\] Both takes 2 inputs \(a, b\)"),
    ],
)
def test_several_inputs_are_refused_with_the_way_out(model, data, words):
    with pytest.raises(undying.InputError, match=words + r".*torch.onnx.export.*npz:FILE"):
        undying.diagnose(model, data)


def test_the_way_out_of_several_inputs(tmp_path):
    torch.manual_seed(0)

    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right, self.last = nn.Linear(3, 8), nn.Linear(2, 8), nn.Linear(8, 3)

        def forward(self, left, right):
            return self.last(F.relu(self.left(left) + self.right(right)))

    left, right, y = torch.randn(90, 3), torch.randn(90, 2), torch.randint(0, 3, (90,))
    names, batch = ["left", "right"], {0: torch.export.Dim("batch")}
    torch.onnx.export(Joined().eval(), (left, right), tmp_path / "n.onnx", dynamo=True, input_names=names, dynamic_shapes=(batch, batch))
    np.savez(tmp_path / "data.npz", left=left.numpy(), right=right.numpy(), y=y.numpy())
    found = undying.diagnose(tmp_path / "n.onnx", f"npz:{tmp_path / 'data.npz'}", part="all")
    assert found.units == 8 and found.data.examples == 90 and found.accuracy is not None


def test_a_path_of_the_exporters_own_is_no_module():
    from undying._torch import export, swaps

    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    modules = dict(model.named_modules())
    assert export._call_name(modules, "body.act", "Relu") == "body.act.relu"
    with pytest.raises(undying.InputError, match="body.act is called by no module of Sequential"):
        swaps.swap(model, "body.act", nn.LeakyReLU())


def test_a_module_answers(blobs):
    X, y = blobs
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
    outputs = model(torch.from_numpy(X)).detach().numpy()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(y)), 64)
    for data in (X, torch.from_numpy(X), loader):
        np.testing.assert_allclose(undying.predict(model, data), outputs, atol=1e-5)


class Standardised(nn.Conv2d):
    """As timm's ScaledStdConv2d."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.gain = nn.Parameter(torch.ones(self.out_channels, 1, 1, 1))

    def forward(self, x):
        gain = (self.gain * self.weight[0].numel() ** -0.5).view(-1)
        rows = self.weight.reshape(1, self.out_channels, -1)
        weight = F.batch_norm(rows, None, None, weight=gain, training=True, momentum=0.0, eps=1e-6)
        return F.conv2d(x, weight.reshape_as(self.weight), self.bias, self.stride, self.padding)


def make_normed(kind, share):
    from torch.nn.utils import parametrizations, spectral_norm, weight_norm

    norms = {
        "weight": parametrizations.weight_norm,
        "spectral": parametrizations.spectral_norm,
        "old weight": weight_norm,
        "old spectral": spectral_norm,
        "standardised": lambda module: module,
    }
    norm, conv = norms[kind], Standardised if kind == "standardised" else nn.Conv2d
    layers = [norm(conv(2, 8, 3)), nn.ReLU(), norm(conv(8, 8, 3, padding=1)), nn.ReLU(), nn.Flatten()]
    first = nn.Linear(8 * 16, 16)
    model = nn.Sequential(*layers, first if "spectral" in kind else norm(first), nn.ReLU(), nn.Linear(16, 3))
    with torch.no_grad():
        for _ in range(10):  # singular vectors
            model.train()(torch.randn(4, 2, 6, 6))
    model.eval()
    kill([model[5].bias], share, -2.5 if "spectral" in kind else -8.0)
    return model


@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated")
@pytest.mark.parametrize("kind", ["weight", "spectral", "old weight", "old spectral", "standardised"])
def test_weights_that_are_computed_train_through_what_computes_them(kind):
    torch.manual_seed(0)
    model, (x, y) = make_normed(kind, 0.5), examples((2, 6, 6))
    F.cross_entropy(model(x), y).backward()
    found = {each["parameter"]: each["gradient_norm"] for each in undying.diagnose(model, x, y).to_dict()["gradients"]}
    for name, parameter in model.named_parameters():
        if not name.endswith("bias"):
            assert found[name] == pytest.approx(parameter.grad.norm().item(), rel=1e-4, abs=1e-7), name
    model = make_normed(kind, 1.0)  # nothing but another activation can help
    healed = undying.revive(model, x, y, epochs=20, **TRIAL)
    assert healed.model is not None, healed.outcome
    other = make_normed(kind, 1.0)
    other.load_state_dict(model.state_dict())
    healed.apply_to(other)
    assert difference(other, healed.model, x) < 1e-5
    moved = dict(other.named_parameters())
    for name, parameter in model.named_parameters():
        assert not torch.equal(parameter, moved[name]), name
    again = undying.diagnose(healed.model, x.numpy(), y.numpy())
    assert again.loss == pytest.approx(F.cross_entropy(other.eval()(x), y).item(), abs=1e-5)
    assert {each["parameter"] for each in again.to_dict()["gradients"]} == set(found)

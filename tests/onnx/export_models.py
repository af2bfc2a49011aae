"""Exports small networks from PyTorch 1.13 (Debian: python3-torch), with what PyTorch computes for them. See README.md.

Usage: python3 export_models.py models/
"""

import copy
import io
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import torch
from torch import nn
from torch.onnx import TrainingMode

sys.path.append(str(Path(__file__).resolve().parent.parent))
import networks as net
import onnx_file
from tensor_file import write_safetensors

torch.set_num_threads(1)

EXAMPLES, NEAR = 16, 1e-5
SHAPES = {"features": [12], "image": [1, 8, 8], "sequence": [3, 16], "image, channels last": [8, 8, 1]}

# How the file is exported; the values beside it are always those of evaluation mode.
MODES = {
    "eval": dict(training=TrainingMode.EVAL, do_constant_folding=True),
    "preserve": dict(training=TrainingMode.PRESERVE, do_constant_folding=False),
    "training": dict(training=TrainingMode.TRAINING, do_constant_folding=False),
}

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.ReLU6, nn.Hardswish,
               nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, nn.Threshold, net.Maximum)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
OTHER_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d)


@dataclass
class Export:
    name: str
    build: Callable[[], nn.Module]
    opset: int
    mode: str = "eval"
    data: str = "features"
    batch: int | None = 1  # of the file; None: a dynamic axis
    dead: tuple = ()  # biases whose units 0 and 3 are far below every input
    plain_norms: bool = False  # normalisation as constructed: its tensors have equal values


leaky = lambda: nn.LeakyReLU(0.01)

EXPORTS = [
    # Every activation, and opsets 9-17.
    Export("mlp_relu", lambda: net.mlp(nn.ReLU), 9),
    Export("mlp_leaky_relu", lambda: net.mlp(leaky), 17),
    Export("mlp_leaky_relu_steep", lambda: net.mlp(lambda: nn.LeakyReLU(1.5)), 15),
    Export("mlp_maximum", lambda: net.mlp(net.Maximum), 13),
    Export("mlp_prelu", lambda: net.mlp(nn.PReLU), 11),
    Export("mlp_prelu_units", lambda: net.mlp(lambda: nn.PReLU(8)), 16),
    Export("mlp_rrelu", lambda: net.mlp(nn.RReLU), 12),
    Export("mlp_elu", lambda: net.mlp(lambda: nn.ELU(0.7)), 10),
    Export("mlp_selu", lambda: net.mlp(nn.SELU), 9),
    Export("mlp_celu", lambda: net.mlp(lambda: nn.CELU(0.8)), 12),
    Export("mlp_gelu", lambda: net.mlp(nn.GELU), 9),
    Export("mlp_gelu_tanh", lambda: net.mlp(lambda: nn.GELU(approximate="tanh")), 14),
    Export("mlp_silu", lambda: net.mlp(nn.SiLU), 11),
    Export("mlp_mish", lambda: net.mlp(nn.Mish), 13),
    Export("mlp_softplus", lambda: net.mlp(nn.Softplus), 12),
    Export("mlp_softplus_beta", lambda: net.mlp(lambda: nn.Softplus(beta=2)), 17),
    Export("mlp_relu6", lambda: net.mlp(nn.ReLU6), 10),
    Export("mlp_relu6_16", lambda: net.mlp(nn.ReLU6), 16),
    Export("mlp_hardswish", lambda: net.mlp(nn.Hardswish), 13),
    Export("mlp_hardswish_14", lambda: net.mlp(nn.Hardswish), 14),
    Export("mlp_hardsigmoid", lambda: net.mlp(nn.Hardsigmoid), 11),
    Export("mlp_sigmoid", lambda: net.mlp(nn.Sigmoid), 10),
    Export("mlp_tanh", lambda: net.mlp(nn.Tanh), 9),
    Export("mlp_threshold", lambda: net.mlp(lambda: nn.Threshold(0.0, 0.0)), 15),
    # Fully connected.
    Export("mlp_no_bias", lambda: net.mlp(nn.ReLU, bias=False), 13),
    Export("mlp_batch_norm", lambda: net.mlp(nn.ReLU, batch_norm=True), 13),
    Export("mlp_batch_norm_training_13", lambda: net.mlp(leaky, batch_norm=True, dropout=0.3), 13, "training", batch=EXAMPLES),
    Export("mlp_batch_norm_training_15", lambda: net.mlp(leaky, batch_norm=True, dropout=0.3), 15, "training", batch=EXAMPLES),
    Export("mlp_log_softmax", lambda: net.mlp(nn.ReLU, last=[nn.LogSoftmax(1)]), 12),
    Export("mlp_layer_norm", net.layer_norm, 13),
    Export("mlp_layer_norm_17", net.layer_norm, 17),
    Export("mlp_dynamic", lambda: net.mlp(nn.ReLU, dropout=0.2), 13, "preserve", batch=None),
    Export("mlp_dead", lambda: net.mlp(nn.ReLU), 13, batch=None, dead=("0.bias", "2.bias")),
    Export("mlp_silent_leaky_relu", lambda: net.mlp(leaky), 16, dead=("0.bias", "2.bias")),
    # Weights used twice.
    Export("shared_mlp", lambda: net.shared_mlp(nn.ReLU), 13),
    Export("shared_mlp_prelu_preserve", lambda: net.shared_mlp(nn.PReLU), 14, "preserve"),
    Export("shared_conv", lambda: net.shared_conv(leaky), 12, data="image"),
    Export("tied_weight", net.TiedWeight, 13, "preserve"),
    # VGG.
    Export("vgg", lambda: net.vgg(nn.ReLU, batch_norm=False), 9, data="image"),
    Export("vgg_folded", lambda: net.vgg(nn.ReLU), 11, data="image", batch=EXAMPLES),
    Export("vgg_preserve", lambda: net.vgg(leaky, dropout=0.2), 13, "preserve", "image", None),
    Export("vgg_training_13", lambda: net.vgg(leaky, dropout=0.2), 13, "training", "image", EXAMPLES),
    Export("vgg_training_15", lambda: net.vgg(leaky, dropout=0.2), 15, "training", "image", EXAMPLES),
    Export("vgg_elu_average", lambda: net.vgg(nn.ELU, pool=nn.AvgPool2d), 10, data="image"),
    Export("vgg_selu", lambda: net.vgg(nn.SELU, batch_norm=False), 12, data="image"),
    Export("vgg_gelu", lambda: net.vgg(nn.GELU), 16, data="image", batch=None),
    Export("vgg_dead_folded", lambda: net.vgg(nn.ReLU), 13, data="image", dead=("1.bias", "5.bias", "9.bias")),
    Export("vgg_dead_preserve", lambda: net.vgg(nn.ReLU), 15, "preserve", "image", None, dead=("1.bias", "5.bias", "9.bias")),
    # ResNet.
    Export("resnet_folded", lambda: net.resnet(nn.ReLU), 12, data="image", batch=None),
    Export("resnet_preserve", lambda: net.resnet(leaky), 14, "preserve", "image", None),
    Export("resnet_equal_tensors", lambda: net.resnet(nn.ReLU), 13, "preserve", "image", plain_norms=True),
    Export("resnet_training_13", lambda: net.resnet(leaky), 13, "training", "image", EXAMPLES),
    Export("resnet_training_15", lambda: net.resnet(nn.ReLU), 15, "training", "image", None),
    Export("resnet_view", lambda: net.resnet(nn.ReLU, net.View), 10, "preserve", "image", None),
    Export("resnet_view_batch_1", lambda: net.resnet(nn.SiLU, net.View), 11, data="image"),
    Export("resnet_dead", lambda: net.resnet(nn.ReLU), 17, "preserve", "image", dead=("1.bias", "3.bn1.bias", "4.bn1.bias")),
    # MobileNet.
    Export("mobilenet_relu6_folded", lambda: net.mobilenet(nn.ReLU6), 11, data="image", batch=None),
    Export("mobilenet_hardswish_preserve", lambda: net.mobilenet(nn.Hardswish, squeeze=True), 16, "preserve", "image", None),
    Export("mobilenet_relu6_training_13", lambda: net.mobilenet(nn.ReLU6), 13, "training", "image", EXAMPLES),
    Export("mobilenet_hardswish_training_15", lambda: net.mobilenet(nn.Hardswish, squeeze=True), 15, "training", "image", None),
    # 1-D convolutions.
    Export("conv1d_folded", lambda: net.conv1d(nn.ELU), 9, data="sequence"),
    Export("conv1d_prelu_preserve", lambda: net.conv1d(nn.PReLU), 17, "preserve", "sequence", None),
    Export("conv1d_training_13", lambda: net.conv1d(nn.Mish), 13, "training", "sequence", EXAMPLES),
    Export("conv1d_training_15", lambda: net.conv1d(leaky), 15, "training", "sequence", EXAMPLES),
    Export("sequence_linear", net.Sequence, 13, data="sequence", batch=None),
    # Other operators.
    Export("conv_prelu_channels", net.conv_prelu, 14, data="image"),
    Export("branches_split", lambda: net.Branches(lambda x: x.split(4, 1)), 12, data="image"),
    Export("branches_chunk", lambda: net.Branches(lambda x: x.chunk(2, 1)), 13, data="image", batch=None),
    Export("padded", net.Padded, 11, data="image"),
    Export("channels_last", net.ChannelsLast, 13, data="image, channels last", batch=None),
    Export("decoder", net.Decoder, 12, data="image"),
    Export("group_norm", net.group_norm, 16, data="image"),
]


@torch.no_grad()
def randomize(module):
    """Normalisation as training leaves it."""
    if isinstance(module, BATCH_NORMS + OTHER_NORMS):
        module.weight.uniform_(0.5, 1.5)
        module.bias.uniform_(-0.5, 0.5)
    if isinstance(module, BATCH_NORMS):
        module.running_mean.uniform_(-0.5, 0.5)
        module.running_var.uniform_(0.5, 1.5)


def build(export):
    torch.manual_seed(zlib.crc32(export.name.encode()))
    model = export.build()
    if not export.plain_norms:
        model.apply(randomize)
    with torch.no_grad():
        for name in export.dead:
            model.get_parameter(name)[[0, 3]] = -100.0
    return model.eval()


class Calls:
    """What modules were called in a forward pass, in order, with the tensors they read and wrote."""

    def __init__(self, model, x):
        self.calls = []
        hooks = [m.register_forward_hook(self.add) for m in model.modules() if not list(m.children())]
        self.output = model(x)
        for hook in hooks:
            hook.remove()

    def add(self, module, inputs, output):
        if output.requires_grad:
            output.retain_grad()
        self.calls.append((module, inputs[0], output))

    def of(self, *kinds):
        return [call for call in self.calls if isinstance(call[0], kinds)]


def firing(calls):
    """Of each activation: for each unit, how many of its inputs were above 0, and how many within NEAR of it."""
    tensors = {}
    for k, (_, x, _) in enumerate(calls.of(*ACTIVATIONS)):
        z = x.detach().reshape(*x.shape[:2], -1)
        tensors[f"fired.{k}"] = (z > 0).sum((0, 2))
        tensors[f"near.{k}"] = (z.abs() <= NEAR).sum((0, 2))
    return tensors


def folded_gradients(calls, conv, x, output):
    """Of the weight and bias that a convolution and the batch norm behind it fold into, for this one use; and the folded weight."""
    norm, _, normed = next(call for call in calls.of(*BATCH_NORMS) if call[1] is output)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    weight = (conv.weight * scale.reshape(-1, *[1] * (conv.weight.dim() - 1))).detach().requires_grad_()
    conv._conv_forward(x.detach(), weight, None).backward(normed.grad)
    return weight.grad, normed.grad.transpose(0, 1).flatten(1).sum(1), weight.detach()


def gradient_norms(model, calls, file):
    """By PyTorch's name of the parameter; and by the name in the file where the exporter made a tensor of its own."""
    norms = {name: p.grad.norm() for name, p in model.state_dict(keep_vars=True).items() if p.requires_grad}
    renamed = {}
    for kinds, operators in (((nn.Conv1d, nn.Conv2d), ["Conv"]), ((nn.Linear,), ["Gemm", "MatMul"])):
        nodes = [node for node in file.nodes if node.operator in operators]
        layers = calls.of(*kinds)
        assert len(nodes) == len(layers), "layers of the file and of the network do not correspond"
        for node, (module, x, output) in zip(nodes, layers):
            names = [name for name in node.inputs[1:] if name not in norms]
            if len(names) == 1:
                renamed[names[0]] = module.weight.grad.norm()
            elif len(names) == 2:
                weight_gradient, bias_gradient, weight = folded_gradients(calls, module, x, output)
                renamed[names[0]], renamed[names[1]] = weight_gradient.norm(), bias_gradient.norm()
                if names[0] in file.tensors:
                    assert torch.allclose(torch.tensor(file.tensors[names[0]]), weight.flatten(), atol=1e-6), f"{names[0]} is another layer's"
    return {f"gradient_norm.{name}": value.reshape(1) for name, value in {**norms, **renamed}.items()}


def export_file(export, model, x):
    """The file; the network's running statistics become those in it, for tracing in training mode moves them by one batch."""
    traced = copy.deepcopy(model)
    axes = {"input": {0: "batch"}, "output": {0: "batch"}} if export.batch is None else None
    content = io.BytesIO()
    torch.onnx.export(traced, x[: export.batch], content, opset_version=export.opset, input_names=["input"], output_names=["output"], dynamic_axes=axes,
                      **MODES[export.mode])
    model.load_state_dict(traced.state_dict())
    return onnx_file.Model(content.getvalue())


def check(export, model, file):
    """The file holds the network's tensors as they are, and nothing of the machine it was made on."""
    assert file.opset == export.opset
    assert b".py" not in file.content and b"/home" not in file.content and b"/usr" not in file.content
    state = model.state_dict()
    for name, values in file.tensors.items():
        if name in state:
            assert (values == state[name].numpy().flatten()).all(), f"{name} is not what it was"


def describe(export, file, counts):
    """A row of README.md."""
    operators = sorted({node.operator for node in file.nodes} - {"Constant"})
    fired = torch.cat([count for name, count in counts.items() if name.startswith("fired")])
    silent = int((fired == 0).sum())
    assert silent >= 2 * len(export.dead)
    batch = "any" if export.batch is None else export.batch
    return f"| {export.name} | {export.data} | {export.mode} | {export.opset} | {batch} | {silent} of {len(fired)} | {', '.join(operators)} |"


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for export in EXPORTS:
        model = build(export)
        x, labels = torch.randn(EXAMPLES, *SHAPES[export.data]), torch.randint(0, net.CLASSES, (EXAMPLES,))
        file = export_file(export, model, x)
        calls = Calls(model, x)
        nn.functional.cross_entropy(calls.output, labels).backward()
        check(export, model, file)
        (folder / f"{export.name}.onnx").write_bytes(file.content)
        counts = firing(calls)
        write_safetensors(folder / f"{export.name}.safetensors",
                          {"input": x, "labels": labels, "output": calls.output, **counts, **gradient_norms(model, calls, file)})
        print(describe(export, file, counts))


if __name__ == "__main__":
    main()

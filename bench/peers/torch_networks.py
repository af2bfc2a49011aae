"""The networks of the workloads in PyTorch: what mlp:WxD, vgg:small and resnet:20 name, and I1-I6. `activation` makes one activation."""

import torch
from torch import nn


def mlp(inputs, width, depth, outputs, activation):
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(inputs, width), activation()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def vgg_small(activation):
    layers, channels = [], 1
    for width in (32, 64):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1), activation()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 7 * 7, 128), activation(), nn.Linear(128, 10))


class Block(nn.Module):
    """conv, batch norm, activation, conv, batch norm, + the input (through a 1x1 convolution where the shape changes), activation."""

    def __init__(self, inputs, width, stride, activation):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.activation1 = activation()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != width:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        self.activation2 = activation()

    def forward(self, x):
        y = self.bn2(self.conv2(self.activation1(self.bn1(self.conv1(x)))))
        return self.activation2(y + self.shortcut(x))


def resnet(blocks, activation):
    """resnet:20 has 3 blocks a stage."""
    layers, channels = [nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), activation()], 16
    for stage, width in enumerate((16, 32, 64)):
        for block in range(blocks):
            layers.append(Block(channels, width, 2 if stage > 0 and block == 0 else 1, activation))
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Attention(nn.Module):
    """Self-attention of `heads` over the second dimension of (N, tokens, width)."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        split = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(split[0], split[1], split[2])
        return self.out(y.transpose(1, 2).flatten(2))


class ViT(nn.Module):
    """Six pre-norm blocks over patches of 8 x 8 of 3 x 64 x 64; the mean over the tokens is classified."""

    def __init__(self, activation, width=192, depth=6, heads=3):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, stride=8)
        self.positions = nn.Parameter(0.02 * torch.randn(1, 64, width))
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            mix = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
            think = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), activation(), nn.Linear(4 * width, width))
            self.blocks.append(nn.ModuleList([mix, think]))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 10))

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        for mix, think in self.blocks:
            x = x + mix(x)
            x = x + think(x)
        return self.head(x.mean(1))


class Level(nn.Module):
    """Two dilated convolutions over time, + the input."""

    def __init__(self, inputs, width, dilation, activation):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(inputs, width, 3, padding=dilation, dilation=dilation), activation(),
                                  nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation), activation())
        self.shortcut = nn.Conv1d(inputs, width, 1) if inputs != width else nn.Identity()
        self.activation = activation()

    def forward(self, x):
        return self.activation(self.body(x) + self.shortcut(x))


def tcn(activation):
    levels = [Level(3 if i == 0 else 64, 64, 2**i, activation) for i in range(4)]
    return nn.Sequential(*levels, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, 10))


def torchvision_network(name, activation):
    """Ten classes, each ReLU and ReLU6 replaced; SqueezeNet and MobileNet without dropout."""
    import torchvision  # only these networks need it

    def replace(module):
        for child_name, child in module.named_children():
            if isinstance(child, (nn.ReLU, nn.ReLU6)):
                setattr(module, child_name, activation())
            elif isinstance(child, nn.Dropout):
                setattr(module, child_name, nn.Identity())
            else:
                replace(child)

    model = getattr(torchvision.models, name)(num_classes=10)
    replace(model)
    return model

"""The networks of the workloads W1-W6 in PyTorch: what mlp:WxD, vgg:small and resnet:20 name. `activation` makes one activation."""

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

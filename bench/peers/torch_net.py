"""PyTorch on the workloads W1-W6 and I1-I6, driven over standard input: "run SECONDS" answers with the median seconds of a step.
The first line it writes: "ready", its memory in MiB, its version.

Usage: python torch_net.py WORKLOAD THREADS for-loop|foreach|fused CHANNELS_LAST(0|1) float32|bf16; with PyTorch before 2.4 not fused
       python torch_net.py WORKLOAD --export FILE.onnx
bf16 is autocast. --export writes the network, batch norm as it stands, instead. The rest of a setting (OpenMP's wait policy) is in the environment; convolutions run in oneDNN. The same work as `undying bench`: images
from bytes, Leaky ReLU, softmax cross-entropy, SGD with momentum 0.9.
"""

import resource
import statistics
import sys
import time

import torch
from torch import nn

from torch_networks import ViT, mlp, resnet, tcn, torchvision_network, vgg_small

EXAMPLES = 1024

# Batch, shape of an example, network.
WORKLOADS = {
    "W1": (128, [784], lambda activation: mlp(784, 32, 30, 10, activation)),
    "W2": (128, [784], lambda activation: mlp(784, 128, 10, 10, activation)),
    "W3": (128, [784], lambda activation: mlp(784, 512, 4, 10, activation)),
    "W4": (256, [784], lambda activation: mlp(784, 1024, 4, 10, activation)),
    "W5": (128, [1, 28, 28], vgg_small),
    "W6": (128, [1, 28, 28], lambda activation: resnet(3, activation)),
    "I1": (32, [3, 64, 64], lambda activation: torchvision_network("resnet18", activation)),
    "I2": (32, [3, 64, 64], lambda activation: torchvision_network("mobilenet_v2", activation)),
    "I3": (32, [3, 64, 64], lambda activation: torchvision_network("densenet121", activation)),
    "I4": (32, [3, 64, 64], lambda activation: torchvision_network("squeezenet1_1", activation)),
    "I5": (32, [3, 64, 64], ViT),
    "I6": (32, [3, 1024], tcn),
}


def leaky_relu():
    return nn.LeakyReLU(0.01, inplace=True)


def export(workload, path):
    _, shape, build = WORKLOADS[workload]
    model = build(leaky_relu)
    torch.onnx.export(model, (torch.randn(2, *shape),), path, dynamo=False, training=torch.onnx.TrainingMode.PRESERVE,
                      input_names=["x"], dynamic_axes={"x": {0: "N"}})


class Subject:
    """A network in training, a step at a time."""

    def __init__(self, workload, optimizer, channels_last, precision):
        self.batch, shape, build = WORKLOADS[workload]
        self.format = torch.channels_last if channels_last and len(shape) == 3 else torch.contiguous_format
        self.narrow = precision == "bf16"
        self.model = build(leaky_relu)
        for layer in self.model.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                nn.init.kaiming_normal_(layer.weight, a=0.01)
        self.model.to(memory_format=self.format)
        self.data = torch.randint(0, 256, [EXAMPLES, *shape], dtype=torch.uint8)
        self.labels = torch.randint(0, 10, (EXAMPLES,))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9, **({"foreach": False} if optimizer == "for-loop" else {optimizer: True}))
        self.criterion = nn.CrossEntropyLoss()

    def step(self, i):
        rows = slice(i * self.batch % EXAMPLES, i * self.batch % EXAMPLES + self.batch)
        self.optimizer.zero_grad(set_to_none=False)
        x = self.data[rows].to(torch.float32, memory_format=self.format) / 255.0
        with torch.autocast("cpu", torch.bfloat16, enabled=self.narrow):
            loss = self.criterion(self.model(x), self.labels[rows])
        loss.backward()
        self.optimizer.step()
        return loss


def main():
    if sys.argv[2] == "--export":
        return export(sys.argv[1], sys.argv[3])
    workload, threads, optimizer, channels_last, precision = sys.argv[1:6]
    assert torch.backends.mkldnn.is_available(), "this PyTorch has no oneDNN"
    torch.set_num_threads(int(threads))
    subject = Subject(workload, optimizer, channels_last == "1", precision)
    subject.step(0)
    print("ready", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, torch.__version__, flush=True)
    for line in sys.stdin:
        seconds = float(line.split()[1])
        times, end, i = [], time.perf_counter() + seconds, 0
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            loss = subject.step(i)
            times.append(time.perf_counter() - start)
            i += 1
        assert torch.isfinite(loss), "this is not training"
        print(statistics.median(times), flush=True)


main()

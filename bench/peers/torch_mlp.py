"""PyTorch on the workloads W1-W4, driven over standard input: "run SECONDS" answers with the median seconds of a step.

Usage: python3 torch_mlp.py WORKLOAD THREADS FOREACH(0|1)
The rest of a setting (OpenMP's wait policy) is in the environment. The same work as `undying bench`: 784 inputs from bytes, Leaky ReLU,
softmax cross-entropy, SGD with momentum 0.9.
"""

import resource
import statistics
import sys
import time

import torch

WORKLOADS = {"W1": (32, 30, 128), "W2": (128, 10, 128), "W3": (512, 4, 128), "W4": (1024, 4, 256)}


def main():
    width, depth, batch = WORKLOADS[sys.argv[1]]
    torch.set_num_threads(int(sys.argv[2]))
    layers, inputs = [], 784
    for _ in range(depth):
        layers += [torch.nn.Linear(inputs, width), torch.nn.LeakyReLU(0.01, inplace=True)]
        inputs = width
    model = torch.nn.Sequential(*layers, torch.nn.Linear(inputs, 10))
    for layer in model:
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.kaiming_normal_(layer.weight, a=0.01)
    data = torch.randint(0, 256, (1024, 784), dtype=torch.uint8)
    labels = torch.randint(0, 10, (1024,))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, foreach=sys.argv[3] == "1")
    criterion = torch.nn.CrossEntropyLoss()

    def step(i):
        rows = slice(i * batch % 1024, i * batch % 1024 + batch)
        optimizer.zero_grad(set_to_none=False)
        loss = criterion(model(data[rows].to(torch.float32) / 255.0), labels[rows])
        loss.backward()
        optimizer.step()
        return loss

    step(0)
    print("ready", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
    for line in sys.stdin:
        seconds = float(line.split()[1])
        times, end, i = [], time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            start = time.perf_counter()
            loss = step(i)
            times.append(time.perf_counter() - start)
            i += 1
        assert torch.isfinite(loss), "this is not training"
        print(statistics.median(times), flush=True)


main()

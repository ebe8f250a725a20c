"""The networks of the benchmarks in PyTorch, and their weights as a file that dropnet reads."""

import json
import pathlib
import struct

import torch.nn.functional as F
from torch import nn


class LRN(nn.Module):
    """Within channel over 3 x 3 pixels, alpha 5e-5, beta 0.75, as Caffe's CIFAR-10 nets have it."""

    def forward(self, x):
        return x * (1 + 5e-5 * F.avg_pool2d(x * x, 3, 1, 1)) ** -0.75


def assembled(named):
    """A network of (name or None, layer), and its named layers."""
    return nn.Sequential(*(layer for _, layer in named)), [(name, layer) for name, layer in named if name]


def lenet(n):
    """Table 1's LeNet(2N), all layers there."""
    def block(b, first, filters, added):
        return [(f"conv{b}_1", first)] + [(f"conv{b}_{k + 2}", nn.Conv2d(filters, filters, 3, padding=1)) for k in range(added)]

    named = block(1, nn.Conv2d(1, 20, 5), 20, n - 1) + [(None, nn.MaxPool2d(2))]
    named += block(2, nn.Conv2d(20, 50, 5), 50, n - 1) + [(None, nn.MaxPool2d(2)), (None, nn.Flatten())]
    return assembled(named + [("fc3", nn.Linear(800, 500)), (None, nn.ReLU()), ("fc4", nn.Linear(500, 10))])


def cifar10_deep_pooled():
    """Table 2's deep net with the shallow net's poolings."""
    named = []
    for b in range(1, 6):
        for k in (1, 2):
            named += [(f"conv{b}_{k}", nn.Conv2d(3 if (b, k) == (1, 1) else 32, 32, 5, padding=2)), (None, nn.ReLU()), (None, LRN())]
        named += [(None, nn.MaxPool2d(3, 2, ceil_mode=True))] * (b == 1) + [(None, nn.AvgPool2d(3, 2, ceil_mode=True))] * (b == 2)
    named += [("conv6_1", nn.Conv2d(32, 64, 3, padding=1)), (None, nn.ReLU()), (None, LRN()), (None, nn.AvgPool2d(3, 2, ceil_mode=True)), (None, nn.Flatten())]
    return assembled(named + [("fc7", nn.Linear(64 * 4 * 4, 10))])


def vgg16():
    """Table 6's at 64 x 64 pixels with 10 classes; without dropout, whose random numbers differ."""
    named, channels = [], 3
    for b, (filters, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1):
        for k in range(1, count + 1):
            named += [(f"conv{b}_{k}", nn.Conv2d(channels, filters, 3, padding=1)), (None, nn.ReLU())]
            channels = filters
        named.append((None, nn.MaxPool2d(2)))
    named += [(None, nn.Flatten()), ("fc6", nn.Linear(2048, 4096)), (None, nn.ReLU()), ("fc7", nn.Linear(4096, 4096)), (None, nn.ReLU())]
    return assembled(named + [("fc8", nn.Linear(4096, 10))])


def alexnet(doubled=False):
    """Table 4's shallow net, Caffe's AlexNet in groups, with 1000 classes, or its deep net; without dropout too."""
    named, channels = [], 3
    for b, (filters, kernel, how) in enumerate(((96, 11, {"stride": 4}), (256, 5, {"padding": 2, "groups": 2}), (384, 3, {"padding": 1}),
                                                (384, 3, {"padding": 1, "groups": 2}), (256, 3, {"padding": 1, "groups": 2})), 1):
        named += [(f"conv{b}_1", nn.Conv2d(channels, filters, kernel, **how)), (None, nn.ReLU())]
        channels = filters
        if doubled:
            named += [(f"conv{b}_2", nn.Conv2d(filters, filters, kernel, padding=kernel // 2, groups=how.get("groups", 1))), (None, nn.ReLU())]
        if b in (1, 2, 5):
            named.append((None, nn.MaxPool2d(3, 2)))
        if b in (1, 2):
            named.append((None, nn.LocalResponseNorm(5, 1e-4, 0.75, 1)))
    named += [(None, nn.Flatten()), ("fc6", nn.Linear(9216, 4096)), (None, nn.ReLU()), ("fc7", nn.Linear(4096, 4096)), (None, nn.ReLU())]
    return assembled(named + [("fc8", nn.Linear(4096, 1000))])


def convolution(channels, filters, kernel=3, **how):
    """One convolution; unless told otherwise, 3 x 3, and one that keeps the size."""
    return assembled([("conv1_1", nn.Conv2d(channels, filters, kernel, **(how or {"padding": kernel // 2})))])


def linear(inputs, outputs):
    return assembled([(None, nn.Flatten()), ("fc1", nn.Linear(inputs, outputs))])


def title(n):
    return "LeNet" if n == 1 else f"LeNet({2 * n})"


def save(path, layers):
    """safetensors."""
    header, data = {}, b""
    for name, layer in layers:
        for what, tensor in (("weight", layer.weight), ("bias", layer.bias)):
            values = tensor.detach().cpu().contiguous().numpy().tobytes()
            header[f"{name}.{what}"] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(values)]}
            data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)

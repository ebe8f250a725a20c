"""Table 1's LeNet(2N) in PyTorch, and its weights as a file that dropnet reads."""

import json
import pathlib
import struct

from torch import nn


def lenet(n):
    """All layers there; with dropnet's names of its tensors."""
    def block(b, first, filters, added):
        return [(f"conv{b}_1", first)] + [(f"conv{b}_{k + 2}", nn.Conv2d(filters, filters, 3, padding=1)) for k in range(added)]

    named = block(1, nn.Conv2d(1, 20, 5), 20, n - 1) + [(None, nn.MaxPool2d(2))]
    named += block(2, nn.Conv2d(20, 50, 5), 50, n - 1) + [(None, nn.MaxPool2d(2)), (None, nn.Flatten())]
    named += [("fc3", nn.Linear(800, 500)), (None, nn.ReLU()), ("fc4", nn.Linear(500, 10))]
    return nn.Sequential(*(layer for _, layer in named)), [(name, layer) for name, layer in named if name]


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

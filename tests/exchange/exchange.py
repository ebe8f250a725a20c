"""exchange.py PROGRAM: PyTorch reads dropnet's model.safetensors by name and gives the same logits within 1e-5, and dropnet
reads PyTorch's. Needs Debian's python3-torch."""

import json
import struct
import subprocess
import sys
import tempfile

import torch
import torch.nn.functional as F


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: torch.frombuffer(bytearray(data[t["data_offsets"][0] : t["data_offsets"][1]]), dtype=torch.float32).reshape(t["shape"]) for name, t in header.items()}


def write(path, tensors):
    header, data = {}, b""
    for name, t in tensors.items():
        bytes_ = t.contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class Net:
    """Layers by their names in the file."""

    def __init__(self, w):
        self.w = w

    def conv(self, name, x):
        kernel = self.w[name + ".weight"]
        return F.conv2d(x, kernel, self.w[name + ".bias"], padding=kernel.shape[2] // 2)

    def fc(self, name, x):
        return F.linear(x.flatten(1), self.w[name + ".weight"].flatten(1), self.w[name + ".bias"])


def pool(x, average=False):
    return F.avg_pool2d(x, 3, 2, ceil_mode=True) if average else F.max_pool2d(x, 3, 2, ceil_mode=True)


def lrn(x):
    return x * (1 + 5e-5 * F.avg_pool2d(x * x, 3, 1, 1)) ** -0.75


def lenet(n):
    def run(net, x):
        for block in (1, 2):
            x = F.conv2d(x, net.w[f"conv{block}_1.weight"], net.w[f"conv{block}_1.bias"])
            for k in range(2, n + 1):
                x = net.conv(f"conv{block}_{k}", x)
            x = F.max_pool2d(x, 2)
        return net.fc("fc4", F.relu(net.fc("fc3", x)))

    return run


def cifar10(net, x):
    x = lrn(F.relu(pool(net.conv("conv1_1", x))))
    x = lrn(pool(F.relu(net.conv("conv2_1", x)), True))
    x = pool(F.relu(net.conv("conv3_1", x)), True)
    return net.fc("fc4", x)


def deep(pooled):
    def run(net, x):
        for block in range(1, 6):
            for k in (1, 2):
                x = lrn(F.relu(net.conv(f"conv{block}_{k}", x)))
            if pooled and block <= 2:
                x = pool(x, block == 2)
        x = lrn(F.relu(net.conv("conv6_1", x)))
        return net.fc("fc7", pool(x, True) if pooled else F.max_pool2d(x, 2))

    return run


def vgg8(net, x):
    for block in range(1, 6):
        x = F.max_pool2d(F.relu(net.conv(f"conv{block}_1", x)), 2)
    return net.fc("fc8", F.relu(net.fc("fc7", F.relu(net.fc("fc6", x)))))


NETS = {"lenet": (lenet(1), (1, 28, 28)), "lenet6": (lenet(3), (1, 28, 28)), "cifar10": (cifar10, (3, 32, 32)), "cifar10-deep": (deep(False), (3, 32, 32)),
        "cifar10-deep-pooled": (deep(True), (3, 32, 32)), "vgg8": (vgg8, (3, 32, 32))}


def main():
    program = sys.argv[1]
    torch.manual_seed(1)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, (run, shape) in NETS.items():
            count = 2 * shape[0] * shape[1] * shape[2]
            images = ((torch.arange(count) * 7919 % 1009).float() / 1009).reshape(2, *shape)

            def distance(path):
                said = subprocess.run([program, "run", name, path], check=True, text=True, capture_output=True).stdout
                ours = torch.tensor([[float(v) for v in line.split()] for line in said.splitlines()])
                theirs = run(Net(read(path)), images)
                return float((ours - theirs).norm() / theirs.norm())

            path = f"{folder}/{name}.safetensors"
            subprocess.run([program, "write", name, path], check=True)
            there = distance(path)
            own = {tensor: torch.randn_like(t) * (2 / max(t[0].numel(), 1)) ** 0.5 if t.dim() > 1 else torch.randn_like(t) * 0.1 for tensor, t in read(path).items()}
            write(path, own)
            back = distance(path)
            print(f"{name}: dropnet's weights in PyTorch {there:.2e}, PyTorch's in dropnet {back:.2e}")
            failed |= not (there < 1e-5 and back < 1e-5)
    return failed


if __name__ == "__main__":
    sys.exit(main())

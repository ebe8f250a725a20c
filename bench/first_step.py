"""first_step.py FOLDER N ITERATIONS THREADS: what bench/compare starts beside the program `mnist`: a plain PyTorch script that trains
LeNet(2N) on MNIST's files in FOLDER, says when the first iteration is done, and at the end its peak memory in KiB."""

import pathlib
import re
import sys

import numpy as np
import torch
from torch import nn

from nets import lenet

folder, n, iterations, threads = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:])
torch.set_num_threads(threads)
images = np.fromfile(folder / "train-images-idx3-ubyte", dtype=np.uint8)[16:].reshape(-1, 1, 28, 28)
labels = torch.from_numpy(np.fromfile(folder / "train-labels-idx1-ubyte", dtype=np.uint8)[8:].astype(np.int64))
model, _ = lenet(n)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
loss = nn.CrossEntropyLoss()
for i in range(iterations):
    picked = torch.randint(len(images), (64,))
    optimizer.zero_grad()
    loss(model(torch.from_numpy(images[picked]).float() / 256), labels[picked]).backward()
    optimizer.step()
    if i == 0:
        print("iteration 1", flush=True)
print(re.search(r"VmHWM:\s*(\d+)", pathlib.Path("/proc/self/status").read_text())[1])

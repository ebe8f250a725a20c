"""Makes networks up: SEED COUNT, and prints a line NETWORK(seed, input, layers) for each."""

import random
import sys


class Composer:
    """Each method gives a layer, and, unless it keeps its input's shape, that of its output, (channels, rows, columns)."""

    def __init__(self, seed):
        self.pick = random.Random(seed).choice

    def often(self, percent):
        return self.pick(range(100)) < percent

    @staticmethod
    def reach(size, kernel, stride, pad, dilation=1, up=False):
        steps = size + 2 * pad - dilation * (kernel - 1) - 1
        return -1 if steps < 0 else (-(-steps // stride) if up else steps // stride) + 1

    @staticmethod
    def options(**pairs):
        """What is not as it is by default, each a number or rows and columns."""
        chosen = []
        for name, (rows, columns) in pairs.items():
            if (rows, columns) != ((0, 0) if name == "Pad" else (1, 1)):
                chosen.append(f", {name}<{rows}>" if rows == columns else f", {name}<{rows}, {columns}>")
        return "".join(chosen)

    def conv(self, shape):
        channels, height, width = shape
        while True:
            kernel = self.pick([(1, 1), (2, 2), (3, 3), (3, 3), (4, 4), (5, 5), (7, 7), (11, 11), (3, 1), (2, 5)])
            stride = self.pick([(1, 1), (1, 1), (1, 1), (2, 2), (3, 3), (4, 4), (1, 2)])
            dilation = self.pick([(1, 1), (1, 1), (2, 2)])
            pad = self.pick([(0, 0), (1, 1), (2, 2), (3, 3), (0, 2)])
            out = [self.reach(*at) for at in zip((height, width), kernel, stride, pad, dilation)]
            if min(out) > 0 and pad[0] < max(kernel[0], 2) and pad[1] < max(kernel[1], 2):
                conv, filters = self.conv_of(channels, kernel, Stride=stride, Pad=pad, Dilation=dilation)
                return conv, (filters, *out)

    def same_conv(self, channels, filters=None):
        """With its number of filters."""
        kernel = self.pick([(1, 1), (3, 3), (3, 3), (5, 5), (3, 1), (1, 7)])
        dilation = self.pick([1, 1, 2])
        pad = tuple((k - 1) * dilation // 2 for k in kernel)
        return self.conv_of(channels, kernel, filters, Pad=pad, Dilation=(dilation, dilation))

    def conv_of(self, channels, kernel, filters=None, **options):
        groups = self.pick([1, 1, 1, 2, 3, channels])
        if channels % groups or filters and filters % groups:
            groups = 1
        filters = filters or groups * self.pick([n for n in (1, 2, 3, 5, 7, 8, 16, 17, 20) if n * groups <= 24])
        size = str(kernel[0]) if kernel[0] == kernel[1] else f"Size{{{kernel[0]}, {kernel[1]}}}"
        return f"Conv<{filters}, {size}{self.options(**options)}{f', Groups<{groups}>' if groups > 1 else ''}>", filters

    def pool(self, shape):
        channels, height, width = shape
        for _ in range(20):
            kernel, stride, pad, floor = self.pick([2, 3, 3, 4]), self.pick([1, 2, 2, 3]), self.pick([0, 0, 1]), self.often(40)
            out = [self.reach(size, kernel, stride, pad, up=not floor) for size in (height, width)]
            out = [n - 1 if pad and (n - 1) * stride >= size + pad else n for n, size in zip(out, (height, width))]  # no window in the padding alone
            if stride <= kernel and 2 * pad <= kernel and min(out) > 0:
                return f"{self.pick(['MaxPool', 'AvgPool'])}<{kernel}, Stride<{stride}>{', Pad<1>' if pad else ''}{', Floor' if floor else ''}>", (channels, *out)
        return "Identity", shape

    def pointwise(self):
        return self.pick(["ReLU", "ReLU", "LeakyReLU", "Sigmoid", "Tanh", "LRN<3>", "LRN<5>", "LRN<3, WithinChannel>", "BatchNorm", "Dropout", "Identity"])

    def resize(self, shape):
        return "Resize<%d, %d, %d>" % shape

    def same(self, shape, depth):
        """A layer that keeps its input's shape."""
        kind = self.pick(range(20))

        def inner():
            return self.same(shape, depth - 1)

        if depth <= 0 or kind < 9:
            conv, _ = self.same_conv(shape[0], shape[0])
            return conv if kind % 2 else f"Sequential<{conv}, {self.pointwise()}>"
        if kind < 12:
            return f"Sequential<{inner()}, {inner()}>"
        if kind < 14:
            return f"Add<{inner()}, {self.pick(['Identity', inner()])}>"
        if kind < 16:
            return f"Repeat<{inner()}, {self.pick([0, 1, 2, 3])}>"
        if kind < 18:
            return f"DropIn<{inner()}, {inner()}>"
        return f"Frozen<{inner()}>" if kind == 18 else self.pointwise()

    def layer(self, shape, depth):
        kind = self.pick(range(20))
        if depth <= 0 or kind < 5:
            return self.conv(shape)
        if kind < 7:
            return self.pool(shape)
        if kind < 9:
            return self.pointwise(), shape
        if kind == 9:
            to = (self.pick([1, 2, 5]), self.pick([1, 3, 6, 9]), self.pick([2, 4, 7]))
            return self.resize(to), to
        if kind < 12:
            branches, filters = zip(*(self.same_conv(shape[0]) for _ in range(self.pick([2, 3]))))
            return f"Concat<{', '.join(branches)}>", (sum(filters), *shape[1:])
        first, out = self.layer(shape, depth - 1)
        if kind < 15:
            return f"DropIn<{first}, {self.same(out, depth - 1)}>", out
        if kind < 17:
            return f"DropInStack<{first}, {self.same(out, depth - 2)}, {self.pick([0, 1, 2, 3])}>", out
        if kind == 17:
            return f"Add<{first}, {self.resize(out)}>", out
        second, to = self.layer(out, depth - 1)
        return (f"DropIn<{first}, {second}, Resize<>>" if kind == 18 else f"Sequential<{first}, {second}>"), to

    def network(self):
        shape = first = (self.pick([1, 2, 3, 6]), self.pick([5, 6, 8, 9, 12, 17]), self.pick([5, 7, 8, 10, 16]))
        layers = []
        for _ in range(self.pick([2, 3, 4, 5])):
            layer, shape = self.layer(shape, 3)
            layers.append(layer)
            if self.often(60):
                layers.append(self.pointwise())
        if self.often(60):
            layers.append(f"Linear<{self.pick([1, 3, 10, 17])}>")
        return "Image<%d, %d, %d>, Sequential<%s>" % (*first, ", ".join(layers))


seed, count = map(int, sys.argv[1:])
for number in range(seed, seed + count):
    print(f"NETWORK({number}, {Composer(number).network()})")

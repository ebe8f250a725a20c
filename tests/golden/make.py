#!/usr/bin/python3
"""Writes values.hpp: what PyTorch computes in float64 for the layers that tests/layers/golden.cpp compares.

    /usr/bin/python3 tests/golden/make.py        (Debian: python3-torch)

Inputs, weights and the gradients of outputs are numbers that both sides make from the same formula, so that only results
are kept: the output, then the gradients of the input and of each weight tensor.
"""

import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
BATCH = 2


def numbers(shape, stream):
    """value i of a stream, in [-1, 1): exact in float64."""
    count = 1
    for n in shape:
        count *= n
    return torch.tensor([((i * 7919 + stream * 1031 + 17) % 2003) / 1024 - 0.978515625 for i in range(count)]).reshape(shape)


def conv(stride=1, padding=0, dilation=1, groups=1):
    return lambda x, w, b: F.conv2d(x, w, b, stride, padding, dilation, groups)


def lrn_across(size, alpha, beta, k):
    return lambda x: F.local_response_norm(x, size, alpha, beta, k)


def lrn_within(size, alpha, beta, k):
    # alpha / size^2 times the sum over the square, zeros beyond the edge: avg_pool2d divides by size^2 everywhere.
    return lambda x: x * (k + alpha * F.avg_pool2d(x * x, size, 1, size // 2, count_include_pad=True)) ** -beta


def batch_norm(training, epsilon):
    def f(x, weight, bias, mean, variance):
        return F.batch_norm(x, mean.detach().clone(), (variance * variance + 0.5).detach(), weight, bias, training, 0.1, epsilon)
    return f


# name: (input shape, weight shapes, function)
CASES = {
    "conv_groups": ((4, 7, 6), [(6, 2, 3, 3), (6,)], conv(groups=2)),
    "conv_depthwise": ((3, 5, 6), [(6, 1, 3, 2), (6,)], conv(padding=(1, 0), groups=3)),
    "conv_dilation": ((2, 9, 8), [(3, 2, 3, 2), (3,)], conv(dilation=(2, 3), padding=1)),
    "conv_everything": ((6, 9, 9), [(3, 2, 3, 2), (3,)], conv(stride=2, padding=(2, 1), dilation=2, groups=3)),
    "conv_rectangle": ((2, 7, 9), [(3, 2, 1, 5), (3,)], conv(stride=(2, 1), padding=(0, 2))),
    "lrn_across": ((7, 3, 2), [], lrn_across(5, 1.0, 0.75, 1.0)),
    "lrn_across_numbers": ((4, 2, 3), [], lrn_across(3, 0.5, 0.6, 2.0)),
    "lrn_within": ((2, 5, 7), [], lrn_within(3, 1.0, 0.75, 1.0)),
    "lrn_within_numbers": ((3, 4, 3), [], lrn_within(5, 0.5, 0.6, 2.0)),
    "batch_norm_training": ((3, 4, 5), [(3,), (3,), (3,), (3,)], batch_norm(True, 1e-5)),
    "batch_norm_testing": ((3, 4, 5), [(3,), (3,), (3,), (3,)], batch_norm(False, 1e-3)),
    "max_pool_up": ((2, 7, 10), [], lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)),
    "max_pool_pad": ((2, 9, 7), [], lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True)),
    # The last window would begin in the padding: it is left out.
    "max_pool_dropped": ((1, 4, 4), [], lambda x: F.max_pool2d(x, 2, 3, 1, ceil_mode=True)),
    "max_pool_down": ((2, 7, 8), [], lambda x: F.max_pool2d(x, 3, 2)),
    "average_pool_up": ((2, 8, 8), [], lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True)),
    "average_pool_pad": ((2, 7, 9), [], lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True)),
    "average_pool_down": ((2, 7, 9), [], lambda x: F.avg_pool2d(x, (3, 2), (1, 3), (1, 1))),
}


def main():
    lines = ["#pragma once", "", f"// Written by make.py with PyTorch {torch.__version__.split('+')[0]}; do not edit.", "",
             "#include <vector>", "", "namespace golden {", "", "struct Case {", "  std::vector<double> output, input_gradient;",
             "  std::vector<std::vector<double>> weight_gradients;", "};", ""]
    def text(tensor):
        return "{" + ", ".join(repr(float(v)) for v in tensor.flatten()) + "}"
    for name, (shape, weights, function) in CASES.items():
        x = numbers((BATCH, *shape), 0).requires_grad_()
        w = [numbers(s, k + 1).requires_grad_() for k, s in enumerate(weights)]
        y = function(x, *w)
        y.backward(numbers(y.shape, 9))
        gradients = [t.grad for t in w if t.grad is not None]
        lines.append(f"inline const Case {name}{{{text(y)},\n  {text(x.grad)},\n  {{{', '.join(text(g) for g in gradients)}}}}};\n")
    lines += ["}  // namespace golden", ""]
    (pathlib.Path(__file__).parent / "values.hpp").write_text("\n".join(lines))


if __name__ == "__main__":
    main()

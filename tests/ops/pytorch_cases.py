#!/usr/bin/python3
# What PyTorch makes of random inputs, for operators of images: writes pytorch_cases.onnx, which pytorch_test.c reads.
#
# The file is a container in ONNX's format: each case is a node with constant inputs, and a Sub of its result and PyTorch's.
#
# usage: pytorch_cases.py OUTPUT.onnx
# SPDX-License-Identifier: LGPL-2.1-or-later
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper

RANDOM = np.random.default_rng(2003)
nodes, constants = [], []


def rand(*shape):
    return torch.from_numpy(RANDOM.standard_normal(shape).astype(np.float32))


def roll(low, high):
    return int(RANDOM.integers(low, high + 1))


def rolls(n, low, high):
    return [roll(low, high) for _ in range(n)]


def add(op, inputs, want, **attributes):
    """One case; None: an input that is left out."""
    name = f'{len(nodes) // 2}_{op}'
    names = []
    for i, value in enumerate(inputs):
        names.append('' if value is None else f'{name}/in{i}')
        if value is not None:
            constants.append(numpy_helper.from_array(np.asarray(value), names[-1]))
    constants.append(numpy_helper.from_array(want.numpy(), f'{name}/want'))
    nodes.append(helper.make_node(op, names, [f'{name}/out'], name, **attributes))
    nodes.append(helper.make_node('Sub', [f'{name}/out', f'{name}/want'], [f'{name}/difference'], f'{name}/difference'))


def image(n, least=3, most=9):
    return rand(roll(1, 2), roll(1, 3), *rolls(n, least, most if n < 3 else 6))


def conv_transpose():
    n, groups = roll(1, 3), roll(1, 2)
    x = image(n)
    x = x.repeat_interleave(groups, 1)
    weight = rand(x.shape[1], roll(1, 3), *rolls(n, 1, 4))
    bias = rand(weight.shape[1] * groups)
    stride, dilation, pad = rolls(n, 1, 3), rolls(n, 1, 2), rolls(n, 0, 1)
    more = [roll(0, max(s, d) - 1) for s, d in zip(stride, dilation)]
    want = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][n - 1](x, weight, bias, stride, pad, more, groups, dilation)
    add('ConvTranspose', [x, weight, bias], want, strides=stride, dilations=dilation, pads=pad + pad, output_padding=more, group=groups)


def resize():
    mode = ['nearest', 'nearest-exact', 'linear', 'cubic', 'antialias-linear', 'antialias-cubic'][roll(0, 5)]
    n = 2 if 'cubic' in mode or 'antialias' in mode else roll(1, 3)
    x = image(n)
    size = rolls(n, 1, 14 if n < 3 else 8)
    align = bool(roll(0, 1)) and 'nearest' not in mode and 'antialias' not in mode
    names = {'linear': ['linear', 'bilinear', 'trilinear'][n - 1], 'cubic': 'bicubic'}
    torch_mode = names.get(mode.split('-')[-1], mode)
    want = F.interpolate(x, size, mode=torch_mode, align_corners=align if 'nearest' not in mode else None, antialias='antialias' in mode)
    attributes = {'mode': 'nearest' if 'nearest' in mode else mode.split('-')[-1],
                  'coordinate_transformation_mode': 'align_corners' if align else 'asymmetric' if mode == 'nearest' else 'half_pixel',
                  'nearest_mode': 'floor' if mode == 'nearest' else 'round_prefer_ceil'}
    if 'antialias' in mode:  # PyTorch's kernels never leave the image, and its cubic one is another with antialiasing
        attributes.update(antialias=1, exclude_outside=1, cubic_coeff_a=-0.5)
    add('Resize', [x, None, None, np.array(list(x.shape[:2]) + size, np.int64)], want, **attributes)


def pool():
    n, kind = roll(1, 3), roll(0, 2)
    x = image(n, 6, 12)
    kernel, stride = rolls(n, 2, 3), rolls(n, 1, 3)
    pad = [roll(0, k // 2) for k in kernel]
    both = {'kernel_shape': kernel, 'strides': stride, 'ceil_mode': roll(0, 1)}
    if kind == 0:
        # From opset 19 on ONNX counts taps beyond the padding, PyTorch does not.
        include = 0 if both['ceil_mode'] else roll(0, 1)
        function = [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d][n - 1]
        want = function(x, kernel, stride, pad, bool(both['ceil_mode']), bool(include))
        add('AveragePool', [x], want, pads=pad + pad, count_include_pad=include, **both)
    elif kind == 1:
        dilation = rolls(n, 1, 2)
        function = [F.max_pool1d, F.max_pool2d, F.max_pool3d][n - 1]
        want = function(x, kernel, stride, pad, dilation, bool(both['ceil_mode']))
        add('MaxPool', [x], want, pads=pad + pad, dilations=dilation, **both)
    else:
        n, p = min(n, 2), roll(1, 3)
        x = x.abs() if x.dim() == n + 2 else x[..., 0].abs()  # PyTorch keeps the sign of odd powers
        both.update(kernel_shape=kernel[:n], strides=stride[:n], ceil_mode=0)
        function = [F.lp_pool1d, F.lp_pool2d][n - 1]
        want = function(x, p, kernel[0] if n == 1 else kernel[:n], stride[0] if n == 1 else stride[:n])
        add('LpPool', [x], want, p=p, **both)


def grid_sample():
    n = roll(2, 3)
    mode = ['nearest', 'bilinear', 'bicubic'][roll(0, 4 - n)]
    padding = ['zeros', 'border', 'reflection'][roll(0, 2)]
    x, align = image(n, 1, 6), roll(0, 1)
    grid = torch.from_numpy(RANDOM.uniform(-1.7, 1.7, (x.shape[0], *rolls(n, 1, 5), n)).astype(np.float32))
    want = F.grid_sample(x, grid, mode, padding, bool(align))
    names = {'bilinear': 'linear', 'bicubic': 'cubic'}
    add('GridSample', [x, grid], want, mode=names.get(mode, mode), padding_mode=padding, align_corners=align)


def affine_grid():
    n, align = roll(2, 3), roll(0, 1)
    theta, size = rand(2, n, n + 1), [2, 3] + rolls(n, 1, 5)
    add('AffineGrid', [theta, np.array(size, np.int64)], F.affine_grid(theta, size, bool(align)), align_corners=align)


def col2im():
    out, kernel, stride, dilation, pad = rolls(2, 5, 9), rolls(2, 1, 3), rolls(2, 1, 2), rolls(2, 1, 2), rolls(2, 0, 1)
    blocks = np.prod([(o + 2 * p - d * (k - 1) - 1) // s + 1 for o, k, s, d, p in zip(out, kernel, stride, dilation, pad)])
    x = rand(2, 2 * kernel[0] * kernel[1], blocks)
    want = F.fold(x, out, kernel, dilation, pad, stride)
    add('Col2Im', [x, np.array(out, np.int64), np.array(kernel, np.int64)], want, strides=stride, dilations=dilation, pads=pad + pad)


def shuffle():
    block, x = roll(2, 3), rand(1, 1, *rolls(2, 2, 4))
    x = x.repeat(1, 2 * block * block, 1, 1) + rand(1, 2 * block * block, 1, 1)
    add('DepthToSpace', [x], F.pixel_shuffle(x, block), blocksize=block, mode='CRD')


def pad():
    n, mode = roll(1, 3), ['reflect', 'edge', 'wrap'][roll(0, 2)]
    x = image(n, 4, 7)
    pads = [rolls(2, -1, 3) for _ in range(n)]
    if mode == 'wrap':
        pads = [[abs(b), abs(e)] for b, e in pads]
    names = {'edge': 'replicate', 'wrap': 'circular', 'reflect': 'reflect'}
    want = F.pad(x, [p for pair in reversed(pads) for p in pair], names[mode])
    pads = [0, 0] + [b for b, _ in pads] + [0, 0] + [e for _, e in pads]
    add('Pad', [x, np.array(pads, np.int64)], want, mode=mode)


def main():
    for case, rounds in ((conv_transpose, 12), (resize, 40), (pool, 24), (grid_sample, 40), (affine_grid, 6), (col2im, 6), (shuffle, 3), (pad, 12)):
        for _ in range(rounds):
            case()
    outputs = [helper.make_empty_tensor_value_info(nodes[-1].output[0])]
    graph = helper.make_graph(nodes, 'pytorch_cases', [], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 20)], producer_name='pytorch_cases.py', ir_version=8)
    onnx.save(model, sys.argv[1])


if __name__ == '__main__':
    main()

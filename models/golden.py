#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make the golden files of tests/goldens: small networks, inputs, PyTorch's outputs.

The small networks have random weights.  X.onnx comes with X.in.npy and
X.out.npy (float32, C order, the shapes of the model's input and output); where
several files are the same network in other forms, their outputs are equal up
to rounding.  With --default and --clip, a golden of the default model on a real
clip as well: default.in.npy, default.out.npy.
"""
import argparse
import os

import numpy as np
import onnx
import torch
from torch import nn

from sth import data, networks, onnx_export, onnx_run

# name, network, frames, (height, width)
SMALL = [
    ("sth_dense", lambda t: networks.STHResNet(7, (1, 1), False, t, width=16, stem=3), 6, (24, 20)),
    ("sth_bottleneck", lambda t: networks.STHResNet(5, (1, 1), True, t, width=8, stem=7), 4, (24, 20)),
    ("sth_depthwise", lambda t: networks.STHMobileNetV2(
        6, t, settings=[(1, 8, 1, 1), (4, 8, 2, 2), (3, 12, 1, 2)], stem=8, last=32), 6, (24, 20)),
    ("sth_two_frames", lambda t: networks.STHMobileNetV2(
        4, t, settings=[(2, 8, 2, 1), (2, 8, 1, 2)], stem=8, last=16), 2, (13, 11)),
    ("sth_eight_frames", lambda t: networks.STHResNet(9, (3,), False, t, width=12, stem=3), 8, (17, 15)),
]

# suffix, options of onnx_export.export
VARIANTS = [
    ("form_a", dict(form="a")),
    ("form_b", dict(form="b")),
    ("form_c", dict(form="c")),
    ("form_d", dict(form="d")),
    ("form_a_bn", dict(form="a", fold=False)),
    ("form_b_bn_ntchw", dict(form="b", fold=False, layout="NTCHW", opset=11)),
    ("form_c_bn_ntchw", dict(form="c", fold=False, layout="NTCHW", opset=11)),
    ("form_d_tchw", dict(form="d", layout="TCHW", opset=12)),
]

# variants of the networks that only vary shapes
FEWER = ("form_a", "form_b", "form_c", "form_d")


def randomise(net, seed):
    """Weights, BatchNorm statistics and biases such that every path matters."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor, low, high):
        tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                uniform(module.weight, 0.6, 1.5)
                uniform(module.bias, -0.3, 0.6)
                uniform(module.running_mean, -0.2, 0.2)
                uniform(module.running_var, 0.5, 1.5)
        for name, parameter in net.named_parameters():
            if parameter.dim() > 1:
                fan_in = parameter[0].numel() if "taps" not in name else parameter[0, 0].numel()
                bound = (6.0 / max(fan_in, 3)) ** 0.5
                uniform(parameter, -bound, bound)
        for module in net.modules():
            if hasattr(module, "clear_outside_line"):
                module.clear_outside_line()
        uniform(net.head.linear.bias, -0.5, 0.5)
    return net.eval()


def arrange(frames, layout):
    """NCTHW to the layout of a model's input."""
    if layout == "NTCHW":
        return np.ascontiguousarray(np.swapaxes(frames, 1, 2))
    if layout == "TCHW":
        return np.ascontiguousarray(np.swapaxes(frames[0], 0, 1))
    return frames


def small_goldens(folder):
    """Write every small network in its forms; checks each file on PyTorch."""
    for seed, (name, make, frames, size) in enumerate(SMALL):
        torch.manual_seed(seed)
        net = randomise(make(frames), seed)
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 1, (1, 3, frames) + size).astype(np.float32)
        with torch.no_grad():
            y = net(torch.from_numpy(x)).numpy()
        for suffix, options in VARIANTS:
            if seed >= 3 and suffix not in FEWER:
                continue
            path = os.path.join(folder, "%s_%s" % (name, suffix))
            model = onnx_export.export(net, size, name, **options)
            array = arrange(x, options.get("layout", "NCTHW"))
            difference = np.abs(onnx_run.run(model, array) - y).max()
            if difference > 1e-4 * np.abs(y).max():
                raise SystemExit("%s differs by %g" % (path, difference))
            onnx.save(model, path + ".onnx")
            np.save(path + ".in.npy", array)
            np.save(path + ".out.npy", y)
            print("%s: %.0f kB, |y| %.2f..%.2f, differs by %.1e" % (
                os.path.basename(path), model.ByteSize() / 1e3, np.abs(y).min(),
                np.abs(y).max(), difference))


def default_golden(folder, model_path, clip):
    """Real frames of a clip, sampled over its length, and the model's scores."""
    model = onnx.load(model_path)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    frames = data.decode(clip)
    picked = frames[data.clip_indices(len(frames), shape[2])]
    x = data.normalise(np.stack([data.square(f, shape[-1]) for f in picked]))[None]
    y = onnx_run.run(model, x)
    np.save(os.path.join(folder, "default.in.npy"), np.ascontiguousarray(x, np.float32))
    np.save(os.path.join(folder, "default.out.npy"), y)
    print("default: class %d, score %.2f" % (y.argmax(), y.max()))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--output", required=True, help="folder to write to")
    p.add_argument("--default", help="the default model")
    p.add_argument("--clip", help="a video file for it")
    args = p.parse_args()
    torch.set_num_threads(1)
    os.makedirs(args.output, exist_ok=True)
    if args.default and args.clip:
        default_golden(args.output, args.default, args.clip)
    else:
        small_goldens(args.output)


if __name__ == "__main__":
    main()

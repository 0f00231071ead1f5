#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Foreign networks: torchvision's, exported by torch.onnx.export, run by `sth`.

The full networks, with random weights, are compared with PyTorch and timed; the
result is the table of docs/networks.md.  With --goldens, thin ones that have the
same kinds of layer are written for tests/session instead: X.onnx and X.out.npy,
whose input is noise of the model's input shape.
"""
import argparse
import collections
import contextlib
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import torch
from torchvision import models
from torchvision.models import resnet

from sth import foreign_nets as nets
from sth import goldens

SHAPES = {"TCHW": lambda t, h: (t, 3, h, h), "NTCHW": lambda t, h: (1, t, 3, h, h),
          "NCTHW": lambda t, h: (1, 3, t, h, h)}

# full, thin: make a network; layout: of its input; opset: that it is exported with
Network = collections.namedtuple("Network", "name full thin layout opset frames size "
                                 "thin_frames thin_size", defaults=(8, 224, 4, 32))


def image(name, opset, thin=None, divisor=16, size=224, thin_size=32, **options):
    """An image network scores frames; thin: its maker if the full one cannot be thinned."""
    make = getattr(models, name)
    return Network(name, lambda: make(**options),
                   thin or (lambda: nets.thinned(make, divisor, **options)),
                   "TCHW", opset, 1, size, 2, thin_size)


def thin_resnet(layers, block, divisor=16, **options):
    return lambda: nets.thinned(resnet.ResNet, divisor, block=block, layers=layers, **options)


def full_tsn():
    return nets.TSN(models.resnet18())


def thin_tsn():
    return nets.TSN(thin_resnet((1, 1, 1, 1), resnet.BasicBlock)())


def thin_tsn_resnet50():
    return nets.TSN(thin_resnet((1, 1, 1, 1), resnet.Bottleneck, 32)())


def thin_mobilenet_v2():
    return nets.thinned(models.MobileNetV2, 4, inverted_residual_setting=[
        [1, 16, 1, 1], [4, 64, 2, 2], [6, 24, 1, 2]])


NETWORKS = [
    image("resnet18", 13, thin_resnet((1, 1, 1, 1), resnet.BasicBlock)),
    image("resnet50", 11, thin_resnet((2, 1, 1, 1), resnet.Bottleneck, 32)),
    image("resnext50_32x4d", 14, thin_resnet((1, 1, 1, 1), resnet.Bottleneck, 32, groups=4,
                                             width_per_group=64)),
    image("mobilenet_v2", 12, thin_mobilenet_v2),
    image("mobilenet_v3_small", 13, divisor=12),
    image("mobilenet_v3_large", 16, divisor=16),
    image("efficientnet_b0", 15, nets.thin_efficientnet),
    image("regnet_y_400mf", 17, lambda: nets.thin_regnet(0.25)),
    image("regnet_x_400mf", 11, lambda: nets.thin_regnet(None)),
    image("convnext_tiny", 17, nets.thin_convnext),
    image("shufflenet_v2_x1_0", 11, lambda: models.ShuffleNetV2(
        [1, 2, 1], [8, 16, 24, 32, 32], nets.CLASSES)),
    image("densenet121", 13, lambda: models.DenseNet(4, (2, 2, 1, 1), 8, 2, num_classes=nets.CLASSES)),
    image("googlenet", 14, aux_logits=False, init_weights=False),
    image("inception_v3", 12, size=299, thin_size=75, divisor=32, aux_logits=False,
          init_weights=False, transform_input=True),
    image("squeezenet1_0", 11, thin_size=40),
    image("mnasnet1_0", 16, divisor=16),
    image("vgg11_bn", 13, divisor=64, thin_size=224),
    image("alexnet", 15, divisor=64, thin_size=224),
    image("vit_b_16", 14, lambda: models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=nets.CLASSES)),
    image("swin_t", 16, nets.thin_swin),
    image("maxvit_t", 13, nets.thin_maxvit, thin_size=32),
    Network("r3d_18", models.video.r3d_18, nets.r3d, "NCTHW", 13, 16, 112),
    Network("mc3_18", lambda: nets.FramesFirst(models.video.mc3_18()),
            lambda: nets.FramesFirst(nets.mc3()), "NTCHW", 11, 16, 112),
    Network("r2plus1d_18", models.video.r2plus1d_18, nets.r2plus1d, "NCTHW", 17, 16, 112),
    Network("s3d", models.video.s3d, nets.s3d, "NCTHW", 14, 16, 224, 16),
    Network("mvit_v1_b", models.video.mvit_v1_b, nets.thin_mvit, "NCTHW", 15, 16),
    Network("mvit_v2_s", models.video.mvit_v2_s, nets.thin_mvit_v2, "NCTHW", 16, 16),
    Network("swin3d_t", lambda: nets.swin3d(True), lambda: nets.swin3d(False), "NCTHW", 16, 16),
    Network("tsn_resnet18", full_tsn, thin_tsn, "NTCHW", 13),
    Network("tsn_resnet50", lambda: nets.TSN(models.resnet50()), thin_tsn_resnet50, "NTCHW", 13),
    Network("tsn_mobilenet_v2", lambda: nets.TSN(models.mobilenet_v2()),
            lambda: nets.TSN(thin_mobilenet_v2()), "NTCHW", 13),
    Network("tsm_mobilenet_v2", lambda: nets.tsm(models.mobilenet_v2(), 8),
            lambda: nets.tsm(thin_mobilenet_v2(), 4), "NTCHW", 13),
]


def make(network, thin):
    """(network in evaluation mode, input): both the same in every run."""
    torch.manual_seed(0)
    frames, size = ((network.thin_frames, network.thin_size) if thin
                    else (network.frames, network.size))
    net = (network.thin if thin else network.full)()
    shape = SHAPES[network.layout](frames, size)
    batch = torch.from_numpy(goldens.noise((8 if thin else 4,) + shape[1:]))
    return nets.enliven(net, batch), batch[:shape[0]].contiguous()


def run(net, x):
    with torch.no_grad():
        return net(x).numpy()


def write_golden(network, folder):
    net, x = make(network, True)
    with tempfile.TemporaryDirectory() as temporary:
        model = os.path.join(temporary, "m.onnx")
        nets.export(net, x, model, network.opset)
        return goldens.save(folder, network.name, onnx.load(model), run(net, x))


def call(*command):
    """Standard output of a command; its last line of complaint as an error."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["exit status %d" % done.returncode]
        raise RuntimeError(lines[-1])
    return done.stdout


def prepare(network, folder):
    """Paths of the full network, its input and PyTorch's scores; made where they are not there."""
    paths = [os.path.join(folder, network.name + end) for end in (".onnx", ".in.npy", ".out.npy")]
    if not os.path.exists(paths[-1]):
        net, x = make(network, False)
        nets.export(net, x, paths[0], network.opset)
        np.save(paths[1], x.numpy())
        np.save(paths[2], run(net, x))
    return paths


def measure(network, sth, folder, time):
    """(a row of the table, relative error)."""
    model, given, expected = prepare(network, folder)
    got = os.path.join(folder, "got.npy")
    call(sth, "run", model, "--input", given, "--output", got)
    bench = json.loads(call(sth, "bench", "--json", "-t", "1", "-n", "3" if time else "1", model))
    x, y, result = (np.load(f) for f in (given, expected, got))
    error = float(np.abs(result - y).max() / np.abs(y).max()) if result.shape == y.shape else np.inf
    return "| %s | %s %s | %d | %.2f | %s | %.1e |" % (
        network.name, network.layout, "×".join(str(n) for n in x.shape), network.opset,
        bench["gmacs"], "%.0f" % bench["ms_min"] if time else "", error), error


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--goldens", help="write thin networks to this folder")
    p.add_argument("--work", help="keep the full networks in this folder, and use those that are there")
    p.add_argument("--sth", default="build/src/cli/sth", help="the tool to run [%(default)s]")
    p.add_argument("--no-times", action="store_true", help="for a busy machine")
    p.add_argument("--only", nargs="+", metavar="NAME", help="these networks",
                   choices=[n.name for n in NETWORKS])
    args = p.parse_args()
    torch.set_num_threads(1)
    failed = 0
    if not args.goldens:
        print("| network | input | opset | GMAC | ms | relative error |\n|---|---|---|---|---|---|")
    for network in NETWORKS:
        if args.only and network.name not in args.only:
            continue
        try:
            if args.goldens:
                print("%s: %.0f kB" % (network.name, write_golden(network, args.goldens)))
                continue
            with contextlib.ExitStack() as stack:
                folder = args.work or stack.enter_context(tempfile.TemporaryDirectory())
                row, error = measure(network, args.sth, folder, not args.no_times)
            failed += not error < 1e-4
            print(row, flush=True)
        except LookupError as why:  # an older torchvision
            print(why, file=sys.stderr)
        except RuntimeError as why:
            failed += 1
            print("%s: %s" % (network.name, why), file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make the golden files of tests/goldens: small networks, and PyTorch's outputs.

The small networks have random weights.  X.onnx comes with X.out.npy (float32, C
order, the shape of the model's output) and, where the input is not the noise of
sth/goldens.py, with X.in.npy.  In the folder itself are examples with inputs; in
sth/ are networks, forms, integrations, opsets and ways of exporting such that
every pair of these meets in some file.

--sweep runs all combinations through `sth run` and writes nothing; --full does so
with networks of full width.  With --default and --clip, a golden of the default
model on a real clip is made: default.in.npy, default.out.npy.
"""
import argparse
import collections
import functools
import io
import itertools
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import torch
from torch import nn

from sth import data, foreign_nets, goldens, networks, onnx_export, onnx_run, torch_forms, variants

# name, network, frames, (height, width), options of onnx_export.export
EXAMPLES = [
    ("sth_dense", lambda t: networks.STHResNet(7, (1, 1), False, t, width=16, stem=3), 6, (24, 20),
     {"form_a": dict(form="a")}),
    ("sth_bottleneck", lambda t: networks.STHResNet(5, (1, 1), True, t, width=8, stem=7), 4, (24, 20),
     {"form_a": dict(form="a"), "form_c": dict(form="c"),
      "form_b_bn_ntchw": dict(form="b", fold=False, layout="NTCHW", opset=11),
      "form_d_tchw": dict(form="d", layout="TCHW", opset=12)}),
    ("sth_depthwise", lambda t: networks.STHMobileNetV2(
        6, t, settings=[(1, 8, 1, 1), (4, 8, 2, 2), (3, 12, 1, 2)], stem=8, last=32), 6, (24, 20),
     {"form_" + f: dict(form=f) for f in "abcd"}),
    ("sth_two_frames", lambda t: networks.STHMobileNetV2(
        4, t, settings=[(2, 8, 2, 1), (2, 8, 1, 2)], stem=8, last=16), 2, (13, 11),
     {"form_a": dict(form="a"), "form_d": dict(form="d")}),
]

# What a file may be made of.  writer: torch.onnx.export or onnx_export; fold: constant folding of
# the one, BatchNorm into convolutions of the other; norms: `kept` keeps the first from doing so too.
FACTORS = collections.OrderedDict([
    ("form", "abcd"),
    ("net", ("resnet18", "resnet50", "mobilenet_v2")),
    ("integration", ("sum", "attention")),
    ("opset", (9, 11, 13, 16, 18)),
    ("writer", ("torch", "hand")),
    ("fold", (True, False)),
    ("layout", ("NCTHW", "NTCHW", "TCHW")),
    ("norms", ("fused", "kept")),
    ("batch", ("one", "free")),
])
Recipe = collections.namedtuple("Recipe", FACTORS)


def possible(recipe):
    """Does such a file exist?"""
    if recipe.layout == "TCHW" and (recipe.form in "ab" or recipe.batch == "free"):
        return False
    if recipe.writer == "hand":  # knows neither of the last two
        return recipe.norms == "fused" and recipe.batch == "one"
    return recipe.opset < 18  # the newest of PyTorch 1.13 is 17


def pairwise():
    """Few recipes in which all pairs of factors' values meet that can, greedily."""
    recipes = [r for r in (Recipe(*values) for values in itertools.product(*FACTORS.values()))
               if possible(r)]
    pairs = {r: set(itertools.combinations(enumerate(r), 2)) for r in recipes}
    left = set().union(*pairs.values())
    while left:
        best = max(recipes, key=lambda r: len(pairs[r] & left))  # the first of equals
        left -= pairs[best]
        yield best


def name_of(recipe):
    words = [recipe.net, recipe.form, recipe.integration, recipe.writer + str(recipe.opset),
             "folded" if recipe.fold else "unfolded", recipe.layout.lower()]
    words += ["norms"] * (recipe.norms == "kept") + ["batch"] * (recipe.batch == "free")
    return "_".join(words)


def small_net(name, integration):
    """(network of little width, frames, (height, width))."""
    if name == "mobilenet_v2":
        return networks.STHMobileNetV2(
            6, 5, networks.Temporal("sth", 0.25, integration), last=24, stem=8,
            settings=[(1, 8, 1, 1), (3, 8, 2, 2), (2, 12, 1, 2)]), 5, (18, 20)
    if name == "resnet18":
        return networks.STHResNet(7, (1, 1), False, 4, width=8, stem=3,
                                  integration=integration), 4, (17, 14)
    return networks.STHResNet(5, (1, 1), True, 2, width=8, stem=7,
                              integration=integration), 2, (24, 20)


def full_net(name, integration):
    return networks.NETWORKS[name](105, 8, integration=integration), 8, (64, 64)


def write(recipe, net, size, x):
    """The ModelProto of a recipe; x: the input in its layout."""
    if recipe.writer == "hand":
        return onnx_export.export(net, size, form=recipe.form, opset=recipe.opset,
                                  layout=recipe.layout, fold=recipe.fold)
    stream = io.BytesIO()
    mode = torch.onnx.TrainingMode
    torch.onnx.export(
        torch_forms.as_form(net, recipe.form, recipe.layout), torch.from_numpy(x), stream,
        opset_version=recipe.opset, do_constant_folding=recipe.fold, input_names=["frames"],
        output_names=["scores"], training=mode.PRESERVE if recipe.norms == "kept" else mode.EVAL,
        dynamic_axes={"frames": {0: "batch"}, "scores": {0: "batch"}}
        if recipe.batch == "free" else None)
    return onnx.load_from_string(stream.getvalue())


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
            if parameter.dim() > 1 and parameter.numel():
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


def clip_of(array, layout):
    """A model's input to NCTHW."""
    if layout == "NCTHW":
        return array
    return np.ascontiguousarray(np.swapaxes(array if layout == "NTCHW" else array[None], 1, 2))


def examples(folder):
    """Write the examples; checks each file on PyTorch's operators."""
    for seed, (name, make, frames, size, variants) in enumerate(EXAMPLES):
        torch.manual_seed(seed)
        net = randomise(make(frames), seed)
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 1, (1, 3, frames) + size).astype(np.float32)
        y = run(net, x)
        for suffix, options in variants.items():
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


@torch.no_grad()
def run(net, x):
    """Scores of NCTHW frames."""
    return net(torch.from_numpy(x)).numpy()


@functools.lru_cache(2)
def random_net(make, name, integration):
    """(network with random weights, frames, (height, width)); make: small_net or full_net."""
    torch.manual_seed(0)
    net, frames, size = make(name, integration)
    randomise(net, 1)
    if make is full_net:  # deep: its activations would grow without end
        foreign_nets.enliven(net, torch.from_numpy(goldens.noise((2, 3, frames) + size)))
    return net, frames, size


@functools.lru_cache(8)
def scored(make, name, integration, layout):
    """(noise in a layout, PyTorch's scores)."""
    net, frames, size = random_net(make, name, integration)
    array = goldens.noise(tuple(onnx_export.INPUT_SHAPES[layout](frames, *size)))
    return array, run(net, clip_of(array, layout))


def cook(recipe, make):
    """(ModelProto, input in the recipe's layout, PyTorch's scores)."""
    net, _, size = random_net(make, recipe.net, recipe.integration)
    array, scores = scored(make, recipe.net, recipe.integration, recipe.layout)
    return write(recipe, net, size, array), array, scores


def pairwise_goldens(folder):
    for recipe in pairwise():
        model, _, y = cook(recipe, small_net)
        print("%s: %.0f kB" % (name_of(recipe), goldens.save(folder, name_of(recipe), model, y)))


def style_goldens(folder):
    """Every form in every style of sth/variants.py, the networks in turn."""
    nets = itertools.cycle(("resnet18", "mobilenet_v2"))
    layouts = {"a": "NCTHW", "b": "NCTHW", "c": "NTCHW", "d": "TCHW"}
    for form, style in itertools.product(FACTORS["form"], variants.STYLES):
        opset, fold, _ = variants.STYLES[style]
        recipe = Recipe(form, next(nets), "sum", opset, "hand", fold, layouts[form], "fused", "one")
        model, array, _ = cook(recipe, small_net)
        model = variants.restyle(model, style)
        x = clip_of(array, recipe.layout)
        if style == "tensorflow":  # the noise is in its layout
            shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
            x = goldens.noise(shape)
            x = np.moveaxis(x if x.ndim == 5 else x[None], 4, 1)
        net, _, _ = random_net(small_net, recipe.net, recipe.integration)
        name = "_".join((recipe.net, form, style))
        print("%s: %.0f kB" % (name, goldens.save(folder, name, model,
                                                  run(net, np.ascontiguousarray(x)))))


def sth_error(sth, model, x, y):
    """The relative error of `sth run`; None and its complaint if it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, f) for f in ("m.onnx", "in.npy", "out.npy")]
        onnx.save(model, files[0])
        np.save(files[1], x)
        done = subprocess.run([sth, "run", files[0], "--input", files[1], "--output", files[2]],
                              stderr=subprocess.PIPE, universal_newlines=True, check=False)
        if done.returncode:
            return None, done.stderr.strip()
        return float(np.abs(np.load(files[2]) - y).max() / np.abs(y).max()), ""


def sweep(sth, full, wanted):
    """Run all recipes (full: those with one clip a batch, fused norms, NCTHW or TCHW); tell errors.

    wanted: only those with these values; None is any.
    """
    worst, count, failed = collections.OrderedDict(), 0, 0
    for recipe in (Recipe(*values) for values in itertools.product(*FACTORS.values())):
        rare = (recipe.layout == "NTCHW", recipe.norms == "kept", recipe.batch == "free")
        if not possible(recipe) or (full and any(rare)) or any(
                value not in (None, getattr(recipe, key)) for key, value in wanted.items()):
            continue
        model, x, y = cook(recipe, full_net if full else small_net)
        error, complaint = sth_error(sth, model, x, y)
        count += 1
        if error is None or not error < 1e-4:
            failed += 1
            print("%s: %s" % (name_of(recipe), complaint or "%.1e" % error), flush=True)
            continue
        key = recipe.net, recipe.integration, recipe.form, recipe.writer
        worst[key] = max(worst.get(key, 0.0), error)
    print("| network | integration | form | torch.onnx.export | onnx_export |\n|---|---|---|---|---|")
    for net, integration, form in sorted({k[:3] for k in worst}):
        print("| %s | %s | %s | %.1e | %.1e |" % (net, integration, form, *(
            worst.get((net, integration, form, w), np.nan) for w in FACTORS["writer"])))
    print("%d files, %d wrong or refused" % (count, failed))
    return failed


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
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--output", help="folder to write to")
    p.add_argument("--default", help="the default model")
    p.add_argument("--clip", help="a video file for it")
    p.add_argument("--sweep", metavar="STH", help="run all combinations with this `sth`")
    p.add_argument("--full", action="store_true", help="sweep networks of full width")
    for factor in ("net", "form", "writer"):
        p.add_argument("--" + factor, choices=FACTORS[factor], help="sweep this %s only" % factor)
    args = p.parse_args()
    torch.set_num_threads(1)
    if args.sweep:
        wanted = {factor: getattr(args, factor) for factor in ("net", "form", "writer")}
        return 1 if sweep(args.sweep, args.full, wanted) else 0
    if not args.output:
        p.error("--output or --sweep is needed")
    os.makedirs(os.path.join(args.output, "sth"), exist_ok=True)
    if args.default and args.clip:
        default_golden(args.output, args.default, args.clip)
    else:
        examples(args.output)
        pairwise_goldens(os.path.join(args.output, "sth"))
        style_goldens(os.path.join(args.output, "sth"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

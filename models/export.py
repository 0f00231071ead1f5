#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write a trained checkpoint, or a network with random weights, as ONNX.

The input is `frames`, x / 127.5 - 1; the output is `scores`, before softmax.
What a file cannot say by its shapes stands in metadata_props (`sth.*`).
"""
import argparse

import numpy as np
import onnx
import torch

from sth import data, networks, onnx_export, onnx_run
from sth.onnx_forms import FORMS
from sth.onnx_writer import OPSETS

DESCRIPTION = ("%s-%s, %d frames: 105 words of Filipino Sign Language, one person "
               "from the waist up, and `nothing`")
ATTRIBUTION = ("Trained on FSL-105, I. J. L. Tupal and M. K. Cabatuan, Mendeley Data V2, "
               "doi:10.17632/48y2y99mb9.2, CC BY 4.0; starts from ImageNet weights of %s")
# what a network is called, and whose weights train.py starts it from
ORIGINS = {"mobilenet_v2": ("MobileNetV2", "MobileNetV2 by google-coral/edgetpu, Apache-2.0"),
           "resnet18": ("ResNet-18", "ResNet-18 by torchvision, BSD-3-Clause")}
KINDS = {"sth": "STH", "tsn": "TSN", "tsm": "TSM", "2plus1d": "(2+1)-D"}


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--checkpoint", help="of train.py; without it, random weights")
    p.add_argument("--network", choices=sorted(networks.NETWORKS), default="mobilenet_v2",
                   help="where there is no checkpoint")
    p.add_argument("--classes", type=int, default=106, help="where there is no checkpoint")
    p.add_argument("--frames", type=int, default=8, help="where there is no checkpoint")
    p.add_argument("--size", type=int, help="pixels; default as trained, or 224")
    p.add_argument("--output", required=True)
    p.add_argument("--labels-output", help="also write the labels, one a line")
    p.add_argument("--name", help="sth.name")
    p.add_argument("--sample-rate",
                   help="frames a second that windows are made of (sth.sample-rate) [half the frames of a window]")
    p.add_argument("--background-label", help="the label that means that nothing happens")
    p.add_argument("--description", help="sth.description")
    p.add_argument("--license", help="sth.license; a model that was fine-tuned keeps that of its start")
    p.add_argument("--attribution", help="sth.attribution; likewise")
    p.add_argument("--form", choices=sorted(FORMS), default="a",
                   help="; ".join("%s: %s" % (f.name, f.description) for f in FORMS.values()))
    p.add_argument("--layout", choices=sorted(onnx_export.INPUT_SHAPES), default="NCTHW")
    p.add_argument("--opset", type=int, choices=OPSETS, default=13)
    p.add_argument("--temperature", type=float, default=1.0,
                   help="divide the scores by this, so that softmax of them says how often they "
                        "are right; evaluate.py tells the value. The order of the classes stays")
    p.add_argument("--keep-batchnorm", action="store_true", help="do not fold BatchNorm")
    return p.parse_args()


def metadata_of(args, state, name):
    """The sth.* metadata of a checkpoint of train.py."""
    base, rate = state.get("base_metadata", {}), data.window_rate(state["frames"])
    metadata = {"sth.name": name, "sth.labels": "\n".join(state["labels"]),
                "sth.mean": "127.5 127.5 127.5", "sth.std": "127.5 127.5 127.5",
                "sth.color": "RGB", "sth.layout": args.layout, "sth.resize": "crop",
                "sth.activation": "softmax", "sth.sample-rate": args.sample_rate or "%d/%d" % rate.as_integer_ratio(),
                "sth.commit": state.get("commit", "unknown")}
    if state.get("dataset", "fsl105") == "fsl105":
        network, origin = ORIGINS[state["network"]]
        metadata.update({"sth.description": DESCRIPTION % (KINDS[state["temporal"]], network, state["frames"]),
                         "sth.license": "CC-BY-4.0", "sth.attribution": ATTRIBUTION % origin,
                         "sth.background-label": state["labels"][-1]})
    elif "sth.attribution" in base:
        metadata.update({"sth.license": base.get("sth.license", ""), "sth.attribution":
                         "Goes on from %s. %s" % (base["sth.name"], base["sth.attribution"])})
    for key in ("description", "license", "attribution", "background-label"):
        value = getattr(args, key.replace("-", "_"))
        if value is not None:
            metadata["sth." + key] = value
    if metadata.get("sth.background-label", state["labels"][0]) not in state["labels"]:
        raise SystemExit("--background-label is none of the labels: %s" % ", ".join(state["labels"]))
    return metadata


def load(args):
    """(network, checkpoint or None, size)."""
    if not args.checkpoint:
        torch.manual_seed(0)
        net = networks.NETWORKS[args.network](args.classes, args.frames)
        return net, None, args.size or 224
    state = torch.load(args.checkpoint, map_location="cpu")
    net = networks.from_checkpoint(state)
    net.requires_grad_(False)
    for parameter in net.head.linear.parameters():
        parameter /= args.temperature
    return net, state, args.size or state["size"]


def check(net, model, layout):
    """Compare the file with the network on noise; returns the largest difference."""
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    frames = {"NCTHW": x, "NTCHW": np.swapaxes(x, 1, 2) if x.ndim == 5 else x,
              "TCHW": np.swapaxes(x, 0, 1)[None] if x.ndim == 4 else x}[layout]
    with torch.no_grad():
        expected = net(torch.from_numpy(np.ascontiguousarray(frames))).numpy()
    difference = float(np.abs(onnx_run.run(model, x) - expected).max())
    if difference > 1e-3 * max(1.0, float(np.abs(expected).max())):
        raise SystemExit("export differs from the network by %g" % difference)
    return difference


def main():
    args = parse_arguments()
    net, state, size = load(args)
    kind, network = (state["temporal"], state["network"]) if state else ("sth", args.network)
    name = args.name or "%s-%s" % (kind, network.replace("_", ""))
    metadata = metadata_of(args, state, name) if state else {"sth.name": name}
    model = onnx_export.export(net, (size, size), name, metadata, form=args.form,
                               opset=args.opset, layout=args.layout,
                               fold=not args.keep_batchnorm)
    difference = check(net, model, args.layout)
    onnx.save(model, args.output)
    if state and args.labels_output:
        with open(args.labels_output, "w", encoding="utf-8") as f:
            f.write("\n".join(state["labels"]) + "\n")
    print("%s: %d nodes, %.1f MB, differs from PyTorch by %.2g" % (
        args.output, len(model.graph.node), model.ByteSize() / 1e6, difference))


if __name__ == "__main__":
    main()

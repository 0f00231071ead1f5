#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turn a PyTorch checkpoint of TSN or TSM, as published, into ONNX with metadata.

What a published file does not say (frames, labels, how it was normalised) is
given here; the defaults are those of the TSM repository: 8 frames of 224x224,
ImageNet's mean and deviation.  There is no published repository of STH; its
checkpoints are those of train.py, which export.py writes in all four forms.
"""
import argparse

import onnx
import torch

from sth import datasets, published


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--checkpoint", required=True, help=".pth or .pth.tar")
    p.add_argument("--output", required=True)
    p.add_argument("--frames", type=int, default=8)
    p.add_argument("--size", type=int, default=224)
    labels = p.add_mutually_exclusive_group()
    labels.add_argument("--labels", help="file with one label a line, in the order of the classes")
    labels.add_argument("--dataset", choices=["something-something", "jester", "hmdb51"],
                        help="take the labels from models/labels")
    p.add_argument("--license", help="sth.license, as an SPDX name")
    p.add_argument("--attribution", help="sth.attribution")
    return p.parse_args()


def labels_of(args, classes):
    """The labels asked for, or None."""
    if args.dataset:
        labels = datasets.shipped_labels(args.dataset)
    elif args.labels:
        with open(args.labels, encoding="utf-8") as f:
            labels = f.read().splitlines()
    else:
        return None
    if len(labels) != classes:
        raise SystemExit("%d labels for %d classes" % (len(labels), classes))
    return labels


def main():
    args = parse_arguments()
    try:
        net, classes, kind = published.read(torch.load(args.checkpoint, map_location="cpu"), args.frames)
    except published.CheckpointError as error:
        raise SystemExit("%s: %s" % (args.checkpoint, error))
    metadata = {"sth.name": kind.lower(), "sth.mean": "123.675 116.28 103.53",
                "sth.std": "58.395 57.12 57.375", "sth.color": "RGB", "sth.layout": "NCTHW",
                "sth.resize": "crop", "sth.activation": "softmax"}
    labels = labels_of(args, classes)
    metadata.update({"sth.labels": "\n".join(labels)} if labels else {})
    metadata.update({"sth.license": args.license} if args.license else {})
    metadata.update({"sth.attribution": args.attribution} if args.attribution else {})
    published.export(net, args.frames, args.size, args.output)
    model = onnx.load(args.output)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, args.output)
    print("%s: %s, %d classes, %d frames" % (args.output, kind, classes, args.frames))


if __name__ == "__main__":
    main()

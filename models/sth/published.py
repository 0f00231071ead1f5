# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checkpoints of TSN and TSM as their published repositories lay them out.

Layout (mit-han-lab/temporal-shift-module, and TSN in its manner): a dictionary
whose `state_dict` has names `module.base_model.…` of a torchvision ResNet or of
a MobileNetV2 with flat blocks, and `module.new_fc.…` for the classifier.  TSM
wraps the first convolution of a block that sees its neighbours, so that its name
ends in `.net.weight`; where that is the case is read from the names.
"""
import re

import torch
import torchvision
from torch import nn

from .convert import VideoNetwork
from .layers import temporal_shift

RESNETS = {(2, 2, 2, 2, False): "resnet18", (3, 4, 6, 3, False): "resnet34",
           (3, 4, 6, 3, True): "resnet50", (3, 4, 23, 3, True): "resnet101"}


class CheckpointError(Exception):
    """What of a checkpoint is not as it should be."""


class Shifted(nn.Module):
    """A convolution behind a temporal shift of an eighth of its inputs each way."""

    def __init__(self, net, frames):
        super().__init__()
        self.net, self.frames = net, frames

    def forward(self, x):
        return self.net(temporal_shift(x, self.frames))


def _resnet_of(names):
    """The torchvision ResNet whose layers some names show."""
    blocks = [0, 0, 0, 0]
    for name in names:
        match = re.match(r"layer([1-4])\.(\d+)\.", name)
        if match:
            stage = int(match.group(1)) - 1
            blocks[stage] = max(blocks[stage], int(match.group(2)) + 1)
    key = tuple(blocks) + (any(".conv3." in n for n in names),)
    if key not in RESNETS:
        raise CheckpointError("a ResNet of %s blocks is none of %s" % (blocks, ", ".join(RESNETS.values())))
    return RESNETS[key]


def _torchvision_name(name):
    """A name in the flat blocks of TSM's MobileNetV2 as torchvision has it.

    A flat block is convolution, norm, activation, …; torchvision groups each
    but the last convolution with its norm and activation.
    """
    match = re.match(r"features\.(\d+)\.conv\.(\d+)\.(.*)", name)
    if not match:
        return name
    feature, place, rest = int(match.group(1)), int(match.group(2)), match.group(3)
    last = 3 if feature == 1 else 6
    nested = "%d.%d" % (place // 3, place % 3) if place < last else "%d" % (last // 3 + place - last)
    return "features.%d.conv.%s.%s" % (feature, nested, rest)


def _wrap(net, name, frames):
    """Put a shift before the convolution of that name."""
    path, child = name.rsplit(".", 1)
    parent = net.get_submodule(path)
    setattr(parent, child, Shifted(getattr(parent, child), frames))


def read(state, frames):
    """A VideoNetwork in evaluation mode, its number of classes, and what it is.

    state: what torch.load gave; frames: T, which the file does not tell.
    """
    state = state.get("state_dict", state)
    state = {re.sub(r"^module\.", "", k): v for k, v in state.items()}
    if "new_fc.weight" not in state:
        raise CheckpointError("there is no `new_fc.weight`: this is no TSN or TSM checkpoint")
    base = {k[len("base_model."):]: v for k, v in state.items() if k.startswith("base_model.")}
    mobile = any(k.startswith("features.") for k in base)
    arch = "mobilenet_v2" if mobile else _resnet_of(base)
    net = torchvision.models.__dict__[arch](num_classes=len(state["new_fc.weight"]))
    if mobile:
        base = {_torchvision_name(k): v for k, v in base.items()}
    shifted = sorted(k[:-len(".net.weight")] for k in base if k.endswith(".net.weight"))
    for name in shifted:
        _wrap(net, name, frames)
    classifier = "classifier.1." if mobile else "fc."
    base.update({classifier + k: state["new_fc." + k] for k in ("weight", "bias")})
    missing, unexpected = net.load_state_dict(base, strict=False)
    missing = [k for k in missing if not k.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise CheckpointError("%s: missing %s; unexpected %s" % (arch, missing[:3], unexpected[:3]))
    kind = "%s-%s" % ("TSM" if shifted else "TSN", arch)
    return VideoNetwork(net, frames, [], {}).eval(), len(state["new_fc.weight"]), kind


@torch.no_grad()
def export(net, frames, size, path):
    """Write frames [1, 3, T, S, S] to scores [1, classes] as ONNX, opset 13."""
    torch.onnx.export(net, torch.zeros(1, 3, frames, size, size), path, opset_version=13,
                      input_names=["frames"], output_names=["scores"])

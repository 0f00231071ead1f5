# SPDX-License-Identifier: LGPL-2.1-or-later
"""A network to go on training with, from an ONNX file that export.py wrote (form a, BatchNorm folded)."""
import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from . import pretrained
from .networks import STHMobileNetV2


def _conv_pairs(net):
    """(name in the file, convolution, its BatchNorm) of a MobileNetV2."""
    yield "stem", net.stem, net.stem_bn
    for i, block in enumerate(net.blocks):
        where = "blocks.%d." % i
        if block.expand is not None:
            yield where + "expand", block.expand, block.expand_bn
        yield where + "depthwise", block.depthwise, block.depthwise_bn
        yield where + "project", block.project, block.project_bn
    yield "last", net.last, net.last_bn


class Weights:
    """The initializers of the file by name, and its metadata."""

    def __init__(self, path):
        model = onnx.load(path)
        self.path = path
        self.arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.metadata = {m.key: m.value for m in model.metadata_props}

    def __getitem__(self, name):
        if name not in self.arrays:
            raise ValueError("%s has no initializer `%s`; it must come from export.py with --form a"
                             % (self.path, name))
        return torch.from_numpy(np.array(self.arrays[name]))


@torch.no_grad()
def _load_depthwise(layer, kernel, where):
    """From one dense kernel [C, 1, 3, 3, 3] (T, H, W)."""
    layer.weight.copy_(kernel[:, :, 1])
    layer.taps[0] = kernel[layer.first:layer.last, 0, 0, 1, 1]
    layer.taps[1] = kernel[layer.first:layer.last, 0, 2, 1, 1]
    if not torch.equal(layer.dense_weight(), kernel):
        raise ValueError("%s: the temporal channels are not where this network has them" % where)


@torch.no_grad()
def sth_from_onnx(path, batches, labels, frames, frozen=0):
    """Return (network, metadata of the file); the classifier starts anew if the file has other labels.

    batches: list of normalised clips [N, 3, T, H, W] for the statistics of the
    BatchNorms, which the file has folded into the convolutions.  frames: T, which
    need not be the file's.  frozen: so many blocks stay as the file has them,
    whatever the batches are.
    """
    weights = Weights(path)
    net = STHMobileNetV2(len(labels), frames)
    for where, conv, norm in _conv_pairs(net):
        kernel = weights[where + ".weight"]
        if conv in [b.depthwise for b in net.blocks]:
            _load_depthwise(conv, kernel, where)
        else:
            conv.weight.copy_(kernel[:, :, kernel.shape[2] // 2])
        norm.bias.copy_(weights[where + ".bias"])
        nn.init.constant_(norm.running_var, 1 - norm.eps)
    net.freeze(frozen)
    pretrained.restore_batchnorm(net, batches)
    for _, conv, norm in _conv_pairs(net):
        if norm.weight.requires_grad:
            pretrained.normalise_filters(conv, norm)
    if weights.metadata.get("sth.labels") == "\n".join(labels):
        net.head.linear.weight.copy_(weights["head.weight"])
        net.head.linear.bias.copy_(weights["head.bias"])
    return net, weights.metadata

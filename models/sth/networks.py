# SPDX-License-Identifier: LGPL-2.1-or-later
"""STH networks.  Each takes NCTHW frames [N, 3, T, H, W] and returns logits.

Inside, activations are frames-as-batch [N*T, C, H, W] in channels-last memory.
"""
import torch
from torch import nn

from .layers import ReLU6, STHConv2d, STHDepthwise, TemporalDepthwise, temporal_shift

# expansion, outputs, repeats, stride of the first: Table 2 of arXiv 1801.04381
MOBILENET_V2 = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def fold_time(x):
    """NCTHW to frames-as-batch, channels last."""
    n, c, t, h, w = x.shape
    x = x.transpose(1, 2).reshape(n * t, c, h, w)
    return x.contiguous(memory_format=torch.channels_last)


class _Head(nn.Module):
    """Mean over time and space, dropout, linear classifier."""

    def __init__(self, inputs, classes, frames, dropout):
        super().__init__()
        self.frames = frames
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(inputs, classes)
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x):
        pooled = x.mean((2, 3), dtype=torch.float32)
        pooled = pooled.view(-1, self.frames, pooled.shape[1]).mean(1)
        return self.linear(self.dropout(pooled))


class Temporal:
    """How a network sees time: a row of the comparison in README.md.

    kind: `sth`, or a rival: `tsn` (2-D, mean over frames), `tsm` (shifted
    channels, arXiv 1811.08383), `2plus1d` (a 3x1x1 depthwise convolution after
    every 3x3 one); p and integration: of STH; begin: the blocks before it stay 2-D.
    """

    KINDS = ("sth", "tsn", "tsm", "2plus1d")

    def __init__(self, kind="sth", p=0.25, integration="sum", begin=0):
        if kind not in self.KINDS:
            raise ValueError("%s is none of %s" % (kind, ", ".join(self.KINDS)))
        self.kind, self.integration = kind, integration
        self.p = p if kind == "sth" else 0.0
        self.begin = begin

    def of_block(self, number):
        """The same, or 2-D, for one block."""
        return self if number >= self.begin else Temporal("tsn")


class _Network(nn.Module):
    """A stem, `blocks` in turn, and a classifier; can be cut before any block.

    Subclasses have stem, stem_bn and blocks, and say what `enter` (frames as
    batch to what block 0 takes) and `leave` (what the last block gives to
    logits) do.
    """

    def before(self, x, number, begin=0):
        """What block `begin` takes, for 0 clips [N, 3, T, H, W], to what block `number` takes, frames as batch."""
        if begin == 0:
            x = self.enter(fold_time(x))
        for block in self.blocks[begin:number]:
            x = block(x)
        return x

    def after(self, x, number):
        """What block `number` takes to logits [N, classes]."""
        for block in self.blocks[number:]:
            x = block(x)
        return self.leave(x)

    def forward(self, x):
        """[N, 3, T, H, W] to logits [N, classes]."""
        return self.after(self.before(x, 0), 0)

    def until(self, number, begin=0):
        """The modules between the clips, or block `begin`, and block `number`."""
        return ([] if begin else [self.stem, self.stem_bn]) + list(self.blocks[begin:number])

    def freeze(self, number):
        """Leave the stem and the first blocks out of the training."""
        for module in self.until(number) if number else []:
            module.requires_grad_(False)


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise STH, project 1x1; a residual where shapes allow."""

    def __init__(self, inputs, outputs, expansion, stride, frames, temporal, rotation):
        super().__init__()
        hidden = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.frames, self.shift = frames, temporal.kind == "tsm" and self.residual
        self.expand = nn.Conv2d(inputs, hidden, 1, bias=False) if expansion > 1 else None
        self.expand_bn = nn.BatchNorm2d(hidden) if expansion > 1 else None
        self.depthwise = STHDepthwise(hidden, frames, stride, temporal.p, rotation,
                                      temporal.integration)
        self.time = TemporalDepthwise(hidden, frames) if temporal.kind == "2plus1d" else None
        self.depthwise_bn = nn.BatchNorm2d(hidden)
        self.project = nn.Conv2d(hidden, outputs, 1, bias=False)
        self.project_bn = nn.BatchNorm2d(outputs)
        self.act = ReLU6()

    def forward(self, x):
        y = temporal_shift(x, self.frames) if self.shift else x
        if self.expand is not None:
            y = self.act(self.expand_bn(self.expand(y)))
        y = self.depthwise(y)
        if self.time is not None:
            y = self.time(y)
        y = self.act(self.depthwise_bn(y))
        y = self.project_bn(self.project(y))
        return x + y if self.residual else y


class STHMobileNetV2(_Network):
    """MobileNetV2 whose depthwise convolutions are STH convolutions.

    settings: rows (expansion, outputs, repeats, stride); stem, last: channels
    before and after them; frames: T; temporal: STH or a rival; block i takes
    slice i mod 1/p as its temporal one.
    """

    def __init__(self, classes, frames=8, temporal=Temporal(), settings=MOBILENET_V2, stem=32,
                 last=1280, dropout=0.2):
        super().__init__()
        self.frames = frames
        self.stem = nn.Conv2d(3, stem, 3, 2, 1, bias=False)
        self.stem_bn = nn.BatchNorm2d(stem)
        blocks, inputs = [], stem
        for expansion, outputs, repeats, stride in settings:
            for i in range(repeats):
                blocks.append(InvertedResidual(inputs, outputs, expansion,
                                               stride if i == 0 else 1, frames,
                                               temporal.of_block(len(blocks)), len(blocks)))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.last = nn.Conv2d(inputs, last, 1, bias=False)
        self.last_bn = nn.BatchNorm2d(last)
        self.act = ReLU6()
        self.head = _Head(last, classes, frames, dropout)

    def enter(self, x):
        return self.act(self.stem_bn(self.stem(x)))

    def leave(self, x):
        return self.head(self.act(self.last_bn(self.last(x))))


class ResidualBlock(nn.Module):
    """Basic (3x3, 3x3) or bottleneck (1x1, 3x3, 1x1) block; 3x3 are STH.

    convs and norms are run in turn with ReLU between them; `down` is the
    projection of the residual where shapes differ.
    """

    def __init__(self, inputs, width, outputs, stride, frames, p, rotation, bottleneck,
                 integration="sum"):
        super().__init__()
        if bottleneck:
            convs = [nn.Conv2d(inputs, width, 1, bias=False),
                     STHConv2d(width, width, frames, stride, p, rotation, integration),
                     nn.Conv2d(width, outputs, 1, bias=False)]
        else:
            convs = [STHConv2d(inputs, width, frames, stride, p, rotation, integration),
                     STHConv2d(width, outputs, frames, 1, p, rotation + 1, integration)]
        self.convs = nn.ModuleList(convs)
        widths = [width] * (len(convs) - 1) + [outputs]
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) for c in widths)
        self.down = self.down_bn = None
        if stride != 1 or inputs != outputs:
            self.down = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.down_bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = x
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            y = norm(conv(y))
            if i + 1 < len(self.convs):
                y = y.relu()
        skip = x if self.down is None else self.down_bn(self.down(x))
        return (y + skip).relu()


class STHResNet(_Network):
    """ResNet whose 3x3 convolutions are STH convolutions.

    layers: blocks per stage; width: channels of the first stage; stem: kernel
    of the first convolution, followed by a 3x3 max pool of stride 2 if 7; begin:
    the blocks before it stay 2-D.
    """

    def __init__(self, classes, layers, bottleneck, frames=8, p=0.25, width=64, stem=7,
                 dropout=0.5, integration="sum", begin=0):
        super().__init__()
        self.frames = frames
        self.stem = nn.Conv2d(3, width, stem, 2, stem // 2, bias=False)
        self.stem_bn = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, 2, 1) if stem == 7 else None
        growth = 4 if bottleneck else 1
        blocks, inputs = [], width
        for stage, repeats in enumerate(layers):
            wide = width << stage
            for i in range(repeats):
                stride = 2 if i == 0 and stage > 0 else 1
                blocks.append(ResidualBlock(inputs, wide, wide * growth, stride, frames,
                                            p if len(blocks) >= begin else 0,
                                            len(blocks), bottleneck, integration))
                inputs = wide * growth
        self.blocks = nn.ModuleList(blocks)
        self.head = _Head(inputs, classes, frames, dropout)

    def enter(self, x):
        x = self.stem_bn(self.stem(x)).relu()
        return x if self.pool is None else self.pool(x)

    def leave(self, x):
        return self.head(x)


def sth_mobilenet_v2(classes, frames=8, p=0.25, integration="sum"):
    """STH-MobileNetV2 1.0 with random weights."""
    return STHMobileNetV2(classes, frames, Temporal("sth", p, integration))


def sth_resnet18(classes, frames=8, p=0.25, integration="sum", begin=0):
    """STH-ResNet-18 with random weights."""
    return STHResNet(classes, (2, 2, 2, 2), False, frames, p, integration=integration, begin=begin)


def sth_resnet50(classes, frames=8, p=0.25, integration="sum"):
    """STH-ResNet-50 with random weights."""
    return STHResNet(classes, (3, 4, 6, 3), True, frames, p, integration=integration)


def from_checkpoint(state):
    """The network of a checkpoint of train.py, with its averaged weights, for evaluation."""
    temporal = Temporal(state.get("temporal", "sth"), state.get("p", 0.25),
                        state.get("integration", "sum"), state.get("begin", 0))
    if state.get("network") == "resnet18":
        net = sth_resnet18(len(state["labels"]), state["frames"], temporal.p, temporal.integration, temporal.begin)
    else:
        net = STHMobileNetV2(len(state["labels"]), state["frames"], temporal)
    net.load_state_dict(state["average"])
    return net.eval()


NETWORKS = {"mobilenet_v2": sth_mobilenet_v2, "resnet18": sth_resnet18,
            "resnet50": sth_resnet50}

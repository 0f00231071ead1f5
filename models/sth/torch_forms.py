# SPDX-License-Identifier: LGPL-2.1-or-later
"""STH networks as people write them in PyTorch, for torch.onnx.export: four forms.

The forms are those of onnx_forms.py.  `as_form` rebuilds a network of
networks.py, whose layers are made for training, of ordinary modules; it computes
the same.  Shapes: N clips, T frames, C channels, H x W pixels.
"""
import copy

import torch
from torch import nn
from torch.nn import functional as F

from .layers import BranchAttention, ReLU6, STHConv2d, STHDepthwise
from .networks import STHMobileNetV2, STHResNet


def conv3d(weight, stride=1, groups=1):
    """Conv3d without bias of a kernel [O, I/groups, t, k, k], `same` padding."""
    out, inputs = weight.shape[:2]
    kernel = tuple(weight.shape[2:])
    conv = nn.Conv3d(inputs * groups, out, kernel, (1, stride, stride),
                     tuple(k // 2 for k in kernel), groups=groups, bias=False)
    conv.weight.data.copy_(weight)
    return conv


def conv2d(weight, stride=1, groups=1):
    """Conv2d without bias of a kernel [O, I/groups, k, l], `same` padding."""
    out, inputs = weight.shape[:2]
    kernel = tuple(weight.shape[2:])
    conv = nn.Conv2d(inputs * groups, out, kernel, stride, tuple(k // 2 for k in kernel),
                     groups=groups, bias=False)
    conv.weight.data.copy_(weight)
    return conv


def line(conv, outs, ins):
    """The temporal kernels [O, I, 3] of a block of a dense STH convolution."""
    return torch.stack([conv.taps[0][outs], conv.weight[outs, ins, 1, 1], conv.taps[1][outs]], -1)


class Share(nn.Module):
    """BranchAttention in plain modules: weights [N, 2, C] from the sum of the branches."""

    def __init__(self, attention, frames):
        super().__init__()
        self.frames, self.channels = frames, attention.channels
        self.squeeze, self.excite = attention.squeeze, attention.excite

    def forward(self, x):
        """x: [N, C, T, H, W] or [N*T, C, H, W]."""
        if x.dim() == 5:
            pooled = x.mean((2, 3, 4))
        else:
            pooled = x.mean((2, 3)).view(-1, self.frames, self.channels).mean(1)
        share = self.excite(self.squeeze(pooled).relu()).view(-1, 2, self.channels)
        return 2 * share.softmax(1)

    def scale(self, x, share):
        """x times its share [N, C]."""
        if x.dim() == 5:
            return x * share[:, :, None, None, None]
        n, t, (c, h, w) = share.shape[0], self.frames, x.shape[1:]
        return (x.view(n, t, c, h, w) * share[:, None, :, None, None]).view(n * t, c, h, w)

    def integrate(self, spatial, temporal):
        share = self(spatial + temporal)
        return self.scale(spatial, share[:, 0]) + self.scale(temporal, share[:, 1])

    def weigh(self, y, first, last):
        """A depthwise output, whose channels first to last are temporal."""
        share = self(y)
        return self.scale(y, torch.cat([share[:, 0, :first], share[:, 1, first:last],
                                        share[:, 0, last:]], 1))


class Form(nn.Module):
    """What the forms of one STH convolution share."""

    def __init__(self, conv):
        super().__init__()
        self.frames = conv.frames
        self.share = Share(conv.attention, conv.frames) if conv.attention else None


class DenseVolume(Form):
    """Form a: one dense 3x3x3 kernel with zeros; with attention, one for each branch."""

    def __init__(self, conv):
        super().__init__(conv)
        kernel = conv.dense_weight()
        temporal = torch.zeros_like(kernel)
        for outs, ins in conv.temporal_blocks():
            temporal[outs, ins] = kernel[outs, ins]
        if self.share is None:
            self.conv = conv3d(kernel, conv.stride)
        else:
            self.spatial = conv3d(kernel - temporal, conv.stride)
            self.temporal = conv3d(temporal, conv.stride)

    def forward(self, x):
        if self.share is None:
            return self.conv(x)
        return self.share.integrate(self.spatial(x), self.temporal(x))


class DepthwiseVolume(Form):
    """Form a: one depthwise 3x3x3 kernel with zeros."""

    def __init__(self, conv):
        super().__init__(conv)
        self.conv = conv3d(conv.dense_weight(), conv.stride, conv.channels)
        self.first, self.last = conv.first, conv.last

    def forward(self, x):
        y = self.conv(x)
        return y if self.share is None else self.share.weigh(y, self.first, self.last)


class DenseSlices(Form):
    """Form b: per group of outputs 1x3x3 of most inputs plus 3x1x1 of the slice."""

    def __init__(self, conv):
        super().__init__(conv)
        self.slices, self.spatial, self.temporal = [], nn.ModuleList(), nn.ModuleList()
        plane = conv.plane()
        for outs, ins in conv.temporal_blocks():
            rest = torch.cat([plane[outs, :ins.start], plane[outs, ins.stop:]], 1)
            self.slices.append((ins.start, ins.stop))
            self.spatial.append(conv3d(rest[:, :, None], conv.stride))
            self.temporal.append(conv3d(line(conv, outs, ins)[..., None, None], conv.stride))

    def forward(self, x):
        spatial, temporal = [], []
        for (a, b), plane, along in zip(self.slices, self.spatial, self.temporal):
            spatial.append(plane(torch.cat([x[:, :a], x[:, b:]], 1)))
            temporal.append(along(x[:, a:b]))
        if self.share is None:
            return torch.cat([s + t for s, t in zip(spatial, temporal)], 1)
        return self.share.integrate(torch.cat(spatial, 1), torch.cat(temporal, 1))


class DepthwiseSlices(Form):
    """Form b: channels split, 1x3x3 or 3x1x1, concatenated."""

    def __init__(self, conv):
        super().__init__(conv)
        bounds = [0, conv.first, conv.last, conv.channels]
        self.sizes, self.first, self.last = [], conv.first, conv.last
        self.convs = nn.ModuleList()
        kernel = conv.dense_weight()
        for a, b in zip(bounds, bounds[1:]):
            if a < b:
                part = kernel[a:b, :, :, 1:2, 1:2] if a == conv.first else kernel[a:b, :, 1:2]
                self.sizes.append(b - a)
                self.convs.append(conv3d(part, conv.stride, b - a))

    def forward(self, x):
        parts = torch.split(x, self.sizes, 1)
        y = torch.cat([conv(part) for conv, part in zip(self.convs, parts)], 1)
        return y if self.share is None else self.share.weigh(y, self.first, self.last)


class AlongTime(nn.Module):
    """A (3,1) convolution of [N*T, C, H, W] over T, on pictures as rows."""

    def __init__(self, kernel, frames, stride, groups=1):
        super().__init__()
        self.frames, self.stride = frames, stride
        self.conv = conv2d(kernel[..., None], 1, groups)

    def forward(self, x):
        if self.stride > 1:
            x = F.max_pool2d(x, 1, self.stride)
        nt, c, h, w = x.shape
        n = nt // self.frames
        x = x.view(n, self.frames, c, h * w).transpose(1, 2)
        x = self.conv(x).transpose(1, 2)
        return x.reshape(nt, -1, h, w)


class DenseFrames(Form):
    """Form c: 3x3 on frames, zero where kernels are temporal, plus the lines."""

    def __init__(self, conv):
        super().__init__(conv)
        self.slices, self.lines = [], nn.ModuleList()
        planes = conv.plane().clone()
        for outs, ins in conv.temporal_blocks():
            planes[outs, ins] = 0
            self.slices.append((ins.start, ins.stop))
            self.lines.append(AlongTime(line(conv, outs, ins), conv.frames, conv.stride))
        self.spatial = conv2d(planes, conv.stride)

    def forward(self, x):
        spatial = self.spatial(x)
        temporal = torch.cat([along(x[:, a:b]) for (a, b), along in zip(self.slices, self.lines)], 1)
        if self.share is None:
            return spatial + temporal
        return self.share.integrate(spatial, temporal)


class DepthwiseFrames(Form):
    """Form c: channels chunked, 3x3 or (3,1), concatenated."""

    def __init__(self, conv):
        super().__init__(conv)
        self.first, self.last = conv.first, conv.last
        self.convs, self.bounds = nn.ModuleList(), []
        bounds = [0, conv.first, conv.last, conv.channels]
        for a, b in zip(bounds, bounds[1:]):
            if a == b:
                continue
            self.bounds.append((a, b))
            if a == conv.first:
                kernel = conv.dense_weight()[a:b, :, :, 1, 1]
                self.convs.append(AlongTime(kernel, conv.frames, conv.stride, b - a))
            else:
                self.convs.append(conv2d(conv.weight[a:b], conv.stride, b - a))

    def forward(self, x):
        y = torch.cat([conv(x[:, a:b]) for conv, (a, b) in zip(self.convs, self.bounds)], 1)
        return y if self.share is None else self.share.weigh(y, self.first, self.last)


def shifted(x, frames, step):
    """Frame t + step in place of t of [N*T, C, H, W], zeros outside; step is -1 or 1."""
    nt, c, h, w = x.shape
    x = x.view(nt // frames, frames, c, h, w)
    if step < 0:
        x = F.pad(x, (0, 0, 0, 0, 0, 0, 1, 0))[:, :-1]
    else:
        x = F.pad(x, (0, 0, 0, 0, 0, 0, 0, 1))[:, 1:]
    return x.reshape(nt, c, h, w)


class DenseShifts(Form):
    """Form d: the centre tap inside the 3x3, t-1 and t+1 grouped 1x1 of shifted frames."""

    def __init__(self, conv):
        super().__init__(conv)
        self.cut = conv.rotation * conv.inputs // conv.groups
        spatial, centre = conv.branches()
        if self.share is None:
            self.plane = conv2d(conv.plane(), conv.stride)
        else:  # the centre taps belong to the temporal branch
            self.plane = conv2d(spatial, conv.stride)
            self.centre = conv2d(centre[:, :, 1:2, 1:2], conv.stride)
        self.before = conv2d(conv.taps[0][:, :, None, None], conv.stride, conv.groups)
        self.after = conv2d(conv.taps[1][:, :, None, None], conv.stride, conv.groups)

    def forward(self, x):
        turned = torch.cat([x[:, self.cut:], x[:, :self.cut]], 1) if self.cut else x
        beside = (self.before(shifted(turned, self.frames, -1)) +
                  self.after(shifted(turned, self.frames, 1)))
        if self.share is None:
            return self.plane(x) + beside
        return self.share.integrate(self.plane(x), self.centre(x) + beside)


class DepthwiseShifts(Form):
    """Form d: one depthwise 3x3, to whose temporal channels the shifted frames are added."""

    def __init__(self, conv):
        super().__init__(conv)
        self.first, self.last = conv.first, conv.last
        count = conv.last - conv.first
        self.plane = conv2d(conv.weight, conv.stride, conv.channels)
        self.before = conv2d(conv.taps[0][:, None, None, None], conv.stride, count)
        self.after = conv2d(conv.taps[1][:, None, None, None], conv.stride, count)

    def forward(self, x):
        y, part = self.plane(x), x[:, self.first:self.last]
        beside = (self.before(shifted(part, self.frames, -1)) +
                  self.after(shifted(part, self.frames, 1)))
        y = torch.cat([y[:, :self.first], y[:, self.first:self.last] + beside, y[:, self.last:]], 1)
        return y if self.share is None else self.share.weigh(y, self.first, self.last)


class Head(nn.Module):
    """Mean over space and time, and the classifier, each form in its way."""

    def __init__(self, linear, frames, form):
        super().__init__()
        self.linear, self.frames, self.form = linear, frames, form
        self.dropout = nn.Dropout(0.2)

    def forward(self, x):
        if self.form == "a":
            return self.linear(self.dropout(F.adaptive_avg_pool3d(x, 1).flatten(1)))
        if self.form == "b":
            return self.linear(x.mean((2, 3, 4)))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        if self.form == "c":
            return self.linear(x.view(-1, self.frames, x.shape[1]).mean(1))
        x = self.linear(x)
        return x.view(-1, self.frames, x.shape[1]).mean(1)


class Clip(nn.Module):
    """A network from the layout of its input to scores."""

    def __init__(self, features, head, layout, volume):
        super().__init__()
        self.features, self.head = features, head
        self.layout, self.volume = layout, volume

    def forward(self, x):
        """x: in its layout; returns [N, classes]."""
        if self.volume:
            x = x.transpose(1, 2) if self.layout == "NTCHW" else x
        elif self.layout != "TCHW":
            x = x.transpose(1, 2) if self.layout == "NCTHW" else x
            n, t, c, h, w = x.shape
            x = x.reshape(n * t, c, h, w)
        return self.head(self.features(x))


FORMS = {"a": (DenseVolume, DepthwiseVolume), "b": (DenseSlices, DepthwiseSlices),
         "c": (DenseFrames, DepthwiseFrames), "d": (DenseShifts, DepthwiseShifts)}


def _volume_of(module):
    """The 3-D module that does what a 2-D one does in every frame, or None."""
    if isinstance(module, nn.Conv2d):
        return conv3d(module.weight[:, :, None], module.stride[0], module.groups)
    if isinstance(module, nn.BatchNorm2d):
        norm = nn.BatchNorm3d(module.num_features, module.eps)
        norm.load_state_dict(module.state_dict())
        return norm
    if isinstance(module, nn.MaxPool2d):
        k, s, p = module.kernel_size, module.stride, module.padding
        return nn.MaxPool3d((1, k, k), (1, s, s), (0, p, p))
    return None


def _rebuild(module, form):
    """Replace what is below a module."""
    for name, child in module.named_children():
        new = None
        if isinstance(child, STHConv2d):
            new = FORMS[form][0](child)
        elif isinstance(child, STHDepthwise):
            new = FORMS[form][1](child)
        elif isinstance(child, ReLU6):
            new = nn.ReLU6()
        elif form in "ab":
            new = _volume_of(child)
        if new is not None:
            setattr(module, name, new)
        elif not isinstance(child, BranchAttention):
            _rebuild(child, form)


@torch.no_grad()
def as_form(net, form, layout="NCTHW"):
    """An STHMobileNetV2 or STHResNet in form a to d, for inputs NCTHW, NTCHW or (c, d) TCHW."""
    net = copy.deepcopy(net)
    if isinstance(net, STHMobileNetV2):
        parts = [net.stem, net.stem_bn, ReLU6(), *net.blocks, net.last, net.last_bn, ReLU6()]
    elif isinstance(net, STHResNet):
        parts = [net.stem, net.stem_bn, nn.ReLU(), *([net.pool] if net.pool else []), *net.blocks]
    else:
        raise TypeError("%s is no network of networks.py" % type(net).__name__)
    features = nn.Sequential(*parts)
    _rebuild(features, form)
    head = Head(net.head.linear, net.frames, form)
    return Clip(features, head, layout, form in "ab").eval()

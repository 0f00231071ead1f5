# SPDX-License-Identifier: LGPL-2.1-or-later
"""The forms in which an STH network is found in ONNX files.

a  volumes: everything 5-D, one dense 3x3x3 kernel with zeros per STH convolution
b  slices: everything 5-D, channels sliced, 1x3x3 and 3x1x1 convolutions, Concat
c  frames: frames as batch, 2-D convolutions, temporal ones as (3,1) convolutions
   between Reshape and Transpose
d  shifts: frames as batch, the centre tap inside the 3x3 kernel, t-1 and t+1 as
   1x1 convolutions (grouped) of shifted frames

A form is an object with the methods of Volumes; all compute the same function.
Shapes in comments: N = 1, T frames, C channels, H x W pixels.
"""
import numpy as np


class Volumes:
    """Form a: activations [1, C, T, H, W]."""

    name, description = "a", "whole network in NCTHW, dense 3x3x3 kernels"
    pixels = 3  # axes after the channels

    def __init__(self, writer, frames):
        self.w, self.frames = writer, frames

    def enter(self, x, layout):
        """From the model's input to activations."""
        if layout == "NTCHW":
            x = self.w.transpose(x, "input", (0, 2, 1, 3, 4))
        return x

    def plane(self, x, weight, bias, where, stride, group=1):
        """A 2-D convolution of every frame, [O, I/group, k, k], `same` padding."""
        half = weight.shape[2] // 2
        return self.w.conv(x, weight[:, :, None], bias, where, (1, stride, stride),
                           (0, half, half), group)

    def dense(self, x, conv, weight, taps, bias, where):
        """Dense STH: weight [O, I, 3, 3], taps [2, O, I/groups]."""
        kernel = np.zeros(weight.shape[:2] + (3, 3, 3), np.float32)
        kernel[:, :, 1] = weight
        for outs, ins in conv.temporal_blocks():
            kernel[outs, ins, 0, 1, 1] = taps[0][outs]
            kernel[outs, ins, 2, 1, 1] = taps[1][outs]
        s = conv.stride
        return self.w.conv(x, kernel, bias, where, (1, s, s), (1, 1, 1))

    def depthwise(self, x, conv, weight, taps, bias, where):
        """Depthwise STH: weight [C, 1, 3, 3], taps [2, last - first]."""
        kernel = np.zeros((conv.channels, 1, 3, 3, 3), np.float32)
        kernel[:, :, 1] = weight
        kernel[conv.first:conv.last, 0, 0, 1, 1] = taps[0]
        kernel[conv.first:conv.last, 0, 2, 1, 1] = taps[1]
        s = conv.stride
        return self.w.conv(x, kernel, bias, where, (1, s, s), (1, 1, 1), conv.channels)

    def time(self, x, taps, scale, bias, where):
        """layers.TemporalDepthwise, then scale and bias [C]: taps [2, C] beside a centre of 1."""
        kernel = np.stack([taps[0], np.ones_like(taps[0]), taps[1]], -1) * scale[:, None]
        return self.w.conv(x, kernel[:, None, :, None, None], bias, where, (1, 1, 1), (1, 0, 0), len(taps[0]))

    def shifted(self, x, channels, where, fold=8):
        """layers.temporal_shift."""
        w, step = self.w, channels // fold
        later = w.slice(x, where + ".later", [1, 2], [0, 1], [step, self.frames])
        earlier = w.slice(x, where + ".earlier", [1, 2], [step, 0], [2 * step, self.frames - 1])
        still = w.slice(x, where + ".still", [1], [2 * step], [channels])
        return w.concat([w.pad_time(later, where + ".later", 0, 1, 5, 2),
                         w.pad_time(earlier, where + ".earlier", 1, 0, 5, 2), still], where, 1)

    def max_pool(self, x, where):
        """3x3, stride 2, padding 1 in every frame."""
        return self.w.node("MaxPool", [x], where, kernel_shape=[1, 3, 3], strides=[1, 2, 2],
                           pads=[0, 1, 1, 0, 1, 1])

    def pool(self, x, where, channels):
        """Mean over T, H, W: [1, C]."""
        x = self.w.node("GlobalAveragePool", [x], where)
        return self.w.node("Flatten", [x], where, axis=1)

    def branches(self, x, conv, where):
        """The spatial and the temporal part of dense STH, without bias."""
        weight, taps = conv.plane().detach().numpy(), conv.taps.detach().numpy()
        temporal = np.zeros_like(weight)
        for outs, ins in conv.temporal_blocks():
            temporal[outs, ins] = weight[outs, ins]
        none = np.zeros_like(taps)
        return (self.dense(x, conv, weight - temporal, none, None, where + ".spatial"),
                self.dense(x, conv, temporal, taps, None, where + ".temporal"))

    def shares(self, x, attention, where):
        """BranchAttention of the sum of both branches: two weights a channel, [1, C, 1...]."""
        w, count = self.w, attention.channels
        y = w.linear(self.pool(x, where, count), attention.squeeze, where + ".squeeze")
        y = w.linear(w.node("Relu", [y], where), attention.excite, where + ".excite")
        y = w.transpose(w.reshape(y, where, (1, 2, count)), where, (0, 2, 1))
        y = w.transpose(w.node("Softmax", [y], where, axis=2), where, (0, 2, 1))
        y = w.node("Mul", [y, w.constant(where + ".two", np.float32(2))], where)
        return [w.reshape(part, where, (1, count) + (1,) * self.pixels)
                for part in w.split(y, where, 1, [1, 1])]

    def attended(self, x, conv, where):
        """Dense STH whose branches are weighed by attention."""
        w = self.w
        spatial, temporal = self.branches(x, conv, where)
        both = w.node("Add", [spatial, temporal], where + ".attention")
        share = self.shares(both, conv.attention, where + ".attention")
        return w.node("Add", [w.node("Mul", [spatial, share[0]], where),
                              w.node("Mul", [temporal, share[1]], where)], where)

    def weighed(self, y, conv, where):
        """The output of depthwise STH, each channel times the weight of its kind."""
        w, where = self.w, where + ".attention"
        spatial, temporal = self.shares(y, conv.attention, where)
        bounds = [0, conv.first, conv.last, conv.channels]
        parts = [w.slice(temporal if a == conv.first else spatial, where, [1], [a], [b])
                 for a, b in zip(bounds, bounds[1:]) if a < b]
        return w.node("Mul", [y, w.concat(parts, where, 1)], where)

    def head(self, x, linear, where):
        """Mean over T, H, W and the classifier."""
        return self.w.linear(self.pool(x, where, linear.in_features), linear, where)


class Slices(Volumes):
    """Form b: activations [1, C, T, H, W], both kinds of kernel on their own."""

    name, description = "b", "NCTHW, Slice and Concat around 1x3x3 and 3x1x1"

    def _spatial(self, x, weight, bias, where, s, group=1):
        return self.w.conv(x, weight[:, :, None], bias, where, (1, s, s), (0, 1, 1), group)

    def _temporal(self, x, kernel, bias, where, s, group=1):
        """kernel [O, I, 3]."""
        return self.w.conv(x, kernel[..., None, None], bias, where, (1, s, s), (1, 0, 0),
                           group)

    def _groups(self, x, conv, weight, taps, bias, where):
        """The spatial and the temporal part of every group of outputs."""
        for g, (outs, ins) in enumerate(conv.temporal_blocks()):
            place = "%s.group%d" % (where, g)
            rest = [part for part in ((0, ins.start), (ins.stop, conv.inputs))
                    if part[0] < part[1]]
            planes = self.w.concat([self.w.slice(x, place + ".spatial", [1], [a], [b])
                                    for a, b in rest], place, 1)
            line = self.w.slice(x, place + ".temporal", [1], [ins.start], [ins.stop])
            keep = np.concatenate([np.arange(a, b) for a, b in rest])
            kernel = np.stack([taps[0][outs], weight[outs, ins, 1, 1], taps[1][outs]], -1)
            yield (self._spatial(planes, weight[outs][:, keep],
                                 None if bias is None else bias[outs], place + ".spatial",
                                 conv.stride),
                   self._temporal(line, kernel, None, place + ".temporal", conv.stride))

    def dense(self, x, conv, weight, taps, bias, where):
        parts = [self.w.node("Add", pair, where)
                 for pair in self._groups(x, conv, weight, taps, bias, where)]
        return self.w.concat(parts, where, 1)

    def branches(self, x, conv, where):
        spatial, temporal = zip(*self._groups(x, conv, conv.plane().detach().numpy(),
                                              conv.taps.detach().numpy(), None, where))
        return (self.w.concat(spatial, where + ".spatial", 1),
                self.w.concat(temporal, where + ".temporal", 1))

    def depthwise(self, x, conv, weight, taps, bias, where):
        bounds = [0, conv.first, conv.last, conv.channels]
        pieces = [(a, b) for a, b in zip(bounds, bounds[1:]) if a < b]
        inputs = self.w.split(x, where, 1, [b - a for a, b in pieces])
        parts = []
        for part, (a, b) in zip(inputs, pieces):
            if a == conv.first:
                kernel = np.stack([taps[0], weight[a:b, 0, 1, 1], taps[1]], -1)[:, None]
                parts.append(self._temporal(part, kernel, bias[a:b], where + ".temporal",
                                            conv.stride, b - a))
            else:
                parts.append(self._spatial(part, weight[a:b], bias[a:b],
                                           where + ".spatial", conv.stride, b - a))
        return self.w.concat(parts, where, 1)


class Frames(Volumes):
    """Form c: activations [T, C, H, W]; needs the size of each picture."""

    name, description = "c", "frames as batch, Reshape and Transpose around (3,1)"
    pixels = 2

    def __init__(self, writer, frames):
        super().__init__(writer, frames)
        self.size = None

    def enter(self, x, layout):
        if layout == "NCTHW":
            x = self.w.transpose(x, "input", (0, 2, 1, 3, 4))
        if layout != "TCHW":
            x = self.w.reshape(x, "input", (self.frames, 3) + self.size)
        return x

    def _shrink(self, stride):
        """The size of the pictures after a stride."""
        return tuple((v + stride - 1) // stride for v in self.size)

    def plane(self, x, weight, bias, where, stride, group=1):
        half = weight.shape[2] // 2
        return self.w.conv(x, weight, bias, where, (stride, stride), (half, half), group)

    def max_pool(self, x, where):
        return self.w.node("MaxPool", [x], where, kernel_shape=[3, 3], strides=[2, 2],
                           pads=[1, 1, 1, 1])

    def _temporal(self, x, kernel, bias, where, conv, group):
        """kernel [O, I, 3] over time: [T, I, H, W] to [T, O, H/s, W/s]."""
        outputs, inputs = kernel.shape[0], kernel.shape[1] * group
        height, width = self._shrink(conv.stride)
        if conv.stride > 1:
            x = self.w.subsample(x, where + ".stride", conv.stride)
        x = self.w.reshape(x, where, (1, self.frames, inputs, height * width))
        x = self.w.transpose(x, where, (0, 2, 1, 3))
        x = self.w.conv(x, kernel[..., None], bias, where, (1, 1), (1, 0), group)
        x = self.w.transpose(x, where, (0, 2, 1, 3))
        return self.w.reshape(x, where, (self.frames, outputs, height, width))

    def _pair(self, x, conv, weight, taps, bias, where):
        """One 3x3 convolution with zeros where kernels are temporal, and the lines."""
        planes = weight.copy()
        parts = []
        for g, (outs, ins) in enumerate(conv.temporal_blocks()):
            place = "%s.group%d" % (where, g)
            planes[outs, ins] = 0
            line = self.w.slice(x, place, [1], [ins.start], [ins.stop])
            kernel = np.stack([taps[0][outs], weight[outs, ins, 1, 1], taps[1][outs]], -1)
            parts.append(self._temporal(line, kernel, None, place, conv, 1))
        return self.plane(x, planes, bias, where, conv.stride), self.w.concat(parts, where, 1)

    def dense(self, x, conv, weight, taps, bias, where):
        return self.w.node("Add", self._pair(x, conv, weight, taps, bias, where), where)

    def branches(self, x, conv, where):
        return self._pair(x, conv, conv.plane().detach().numpy(), conv.taps.detach().numpy(),
                          None, where)

    def depthwise(self, x, conv, weight, taps, bias, where):
        bounds = [0, conv.first, conv.last, conv.channels]
        parts = []
        for a, b in zip(bounds, bounds[1:]):
            if a == b:
                continue
            part = self.w.slice(x, where, [1], [a], [b])
            if a == conv.first:
                kernel = np.stack([taps[0], weight[a:b, 0, 1, 1], taps[1]], -1)[:, None]
                parts.append(self._temporal(part, kernel, bias[a:b], where + ".temporal",
                                            conv, b - a))
            else:
                s = conv.stride
                parts.append(self.w.conv(part, weight[a:b], bias[a:b], where + ".spatial",
                                         (s, s), (1, 1), b - a))
        return self.w.concat(parts, where, 1)

    def pool(self, x, where, channels):
        """Pool every frame, mean over the frames."""
        x = self.w.node("GlobalAveragePool", [x], where)
        return self.w.mean(self.w.reshape(x, where, (1, self.frames, channels)), where, [1])


class Shifts(Frames):
    """Form d: activations [T, C, H, W]."""

    name, description = "d", "frames as batch, centre in the 3x3, t-1 and t+1 shifted"

    def _shifted(self, x, where, channels, step):
        """Frame t becomes frame t + step, zeros outside; step is -1 or 1."""
        size = self.size
        x = self.w.reshape(x, where, (1, self.frames, channels) + size)
        if step < 0:
            x = self.w.pad_time(x, where, 1, 0, 5)
            x = self.w.slice(x, where, [1], [0], [self.frames])
        else:
            x = self.w.pad_time(x, where, 0, 1, 5)
            x = self.w.slice(x, where, [1], [1], [self.frames + 1])
        return self.w.reshape(x, where, (self.frames, channels) + size)

    def _lines(self, x, channels, taps, where, stride, group):
        """taps [2, O, I/group], as two 1x1 convolutions, summed."""
        parts = []
        for step, name, tap in ((-1, "before", taps[0]), (1, "after", taps[1])):
            place = "%s.%s" % (where, name)
            moved = self._shifted(x, place, channels, step)
            parts.append(self.w.conv(moved, tap[:, :, None, None], None, place,
                                     (stride, stride), (0, 0), group))
        return self.w.node("Add", parts, where)

    def _beside(self, x, conv, taps, where):
        """t-1 and t+1: slice g + rotation meets output group g, so turn the channels, then group."""
        cut = conv.rotation * conv.inputs // conv.groups
        if cut:
            x = self.w.concat([self.w.slice(x, where, [1], [cut], [conv.inputs]),
                               self.w.slice(x, where, [1], [0], [cut])], where, 1)
        return self._lines(x, conv.inputs, taps, where, conv.stride, conv.groups)

    def dense(self, x, conv, weight, taps, bias, where):
        return self.w.node("Add", [self.plane(x, weight, bias, where, conv.stride),
                                   self._beside(x, conv, taps, where)], where)

    def branches(self, x, conv, where):
        """The centre taps belong to the temporal branch, as a 1x1 convolution."""
        spatial, centre = (k.detach().numpy() for k in conv.branches())
        place = where + ".temporal"
        centre = self.w.conv(x, centre[:, :, 1:2, 1:2], None, place, (conv.stride,) * 2, (0, 0))
        beside = self._beside(x, conv, conv.taps.detach().numpy(), place)
        return (self.plane(x, spatial, None, where + ".spatial", conv.stride),
                self.w.node("Add", [centre, beside], place))

    def depthwise(self, x, conv, weight, taps, bias, where):
        s, count = conv.stride, conv.last - conv.first
        out = self.w.conv(x, weight, bias, where, (s, s), (1, 1), conv.channels)
        line = self.w.slice(x, where, [1], [conv.first], [conv.last])
        line = self._lines(line, count, taps[:, :, None], where, s, count)
        bounds = [0, conv.first, conv.last, conv.channels]
        parts = []
        for a, b in zip(bounds, bounds[1:]):
            if a < b:
                part = self.w.slice(out, where, [1], [a], [b])
                parts.append(self.w.node("Add", [part, line], where) if a == conv.first
                             else part)
        return self.w.concat(parts, where, 1)

    def head(self, x, linear, where):
        """Pool and classify every frame, mean of the scores (TSN's consensus)."""
        x = self.w.node("GlobalAveragePool", [x], where)
        x = self.w.linear(self.w.node("Flatten", [x], where, axis=1), linear, where)
        return self.w.mean(self.w.reshape(x, where, (1, self.frames, linear.out_features)), where,
                           [1])


FORMS = {form.name: form for form in (Volumes, Slices, Frames, Shifts)}

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

    def __init__(self, writer, frames):
        self.w, self.frames = writer, frames

    def enter(self, x, layout):
        """From the model's input to activations."""
        if layout == "NTCHW":
            x = self.w.transpose(x, "input", (0, 2, 1, 3, 4))
        return x

    def plane(self, x, weight, bias, where, stride):
        """A 2-D convolution of every frame, [O, I, k, k], `same` padding."""
        half = weight.shape[2] // 2
        return self.w.conv(x, weight[:, :, None], bias, where, (1, stride, stride),
                           (0, half, half))

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

    def max_pool(self, x, where):
        """3x3, stride 2, padding 1 in every frame."""
        return self.w.node("MaxPool", [x], where, kernel_shape=[1, 3, 3], strides=[1, 2, 2],
                           pads=[0, 1, 1, 0, 1, 1])

    def head(self, x, weight, bias, where):
        """Mean over T, H, W and the classifier [K, C]."""
        x = self.w.node("GlobalAveragePool", [x], where)
        x = self.w.node("Flatten", [x], where, axis=1)
        return self.classify(x, weight, bias, where)

    def classify(self, x, weight, bias, where):
        return self.w.node("Gemm", [x, self.w.constant(where + ".weight", weight),
                                    self.w.constant(where + ".bias", bias)], where,
                           alpha=1.0, beta=1.0, transA=0, transB=1)


class Slices(Volumes):
    """Form b: activations [1, C, T, H, W], both kinds of kernel on their own."""

    name, description = "b", "NCTHW, Slice and Concat around 1x3x3 and 3x1x1"

    def _spatial(self, x, weight, bias, where, s, group=1):
        return self.w.conv(x, weight[:, :, None], bias, where, (1, s, s), (0, 1, 1), group)

    def _temporal(self, x, kernel, bias, where, s, group=1):
        """kernel [O, I, 3]."""
        return self.w.conv(x, kernel[..., None, None], bias, where, (1, s, s), (1, 0, 0),
                           group)

    def dense(self, x, conv, weight, taps, bias, where):
        parts = []
        for g, (outs, ins) in enumerate(conv.temporal_blocks()):
            place = "%s.group%d" % (where, g)
            rest = [part for part in ((0, ins.start), (ins.stop, conv.inputs))
                    if part[0] < part[1]]
            planes = self.w.concat([self.w.slice(x, place + ".spatial", [1], [a], [b])
                                    for a, b in rest], place, 1)
            line = self.w.slice(x, place + ".temporal", [1], [ins.start], [ins.stop])
            keep = np.concatenate([np.arange(a, b) for a, b in rest])
            kernel = np.stack([taps[0][outs], weight[outs, ins, 1, 1], taps[1][outs]], -1)
            spatial = self._spatial(planes, weight[outs][:, keep], bias[outs],
                                    place + ".spatial", conv.stride)
            temporal = self._temporal(line, kernel, None, place + ".temporal", conv.stride)
            parts.append(self.w.node("Add", [spatial, temporal], place))
        return self.w.concat(parts, where, 1)

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

    def plane(self, x, weight, bias, where, stride):
        half = weight.shape[2] // 2
        return self.w.conv(x, weight, bias, where, (stride, stride), (half, half))

    def max_pool(self, x, where):
        return self.w.node("MaxPool", [x], where, kernel_shape=[3, 3], strides=[2, 2],
                           pads=[1, 1, 1, 1])

    def _temporal(self, x, kernel, bias, where, conv, group):
        """kernel [O, I, 3] over time: [T, I, H, W] to [T, O, H/s, W/s]."""
        outputs, inputs = kernel.shape[0], kernel.shape[1] * group
        height, width = self._shrink(conv.stride)
        if conv.stride > 1:
            x = self.w.slice(x, where + ".stride", [2, 3], [0, 0], [1 << 30] * 2,
                             [conv.stride] * 2)
        x = self.w.reshape(x, where, (1, self.frames, inputs, height * width))
        x = self.w.transpose(x, where, (0, 2, 1, 3))
        x = self.w.conv(x, kernel[..., None], bias, where, (1, 1), (1, 0), group)
        x = self.w.transpose(x, where, (0, 2, 1, 3))
        return self.w.reshape(x, where, (self.frames, outputs, height, width))

    def dense(self, x, conv, weight, taps, bias, where):
        """One 3x3 convolution with zeros where kernels are temporal, plus the lines."""
        planes = weight.copy()
        parts = []
        for g, (outs, ins) in enumerate(conv.temporal_blocks()):
            place = "%s.group%d" % (where, g)
            planes[outs, ins] = 0
            line = self.w.slice(x, place, [1], [ins.start], [ins.stop])
            kernel = np.stack([taps[0][outs], weight[outs, ins, 1, 1], taps[1][outs]], -1)
            parts.append(self._temporal(line, kernel, None, place, conv, 1))
        spatial = self.plane(x, planes, bias, where, conv.stride)
        temporal = self.w.concat(parts, where, 1)
        return self.w.node("Add", [spatial, temporal], where)

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

    def head(self, x, weight, bias, where):
        """Pool every frame, mean over the frames, classifier."""
        x = self.w.node("GlobalAveragePool", [x], where)
        x = self.w.reshape(x, where, (1, self.frames, weight.shape[1]))
        x = self.w.node("ReduceMean", [x], where, axes=[1], keepdims=0)
        return self.classify(x, weight, bias, where)


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

    def dense(self, x, conv, weight, taps, bias, where):
        """Slice g + rotation meets output group g: turn the channels, then group."""
        spatial = self.plane(x, weight, bias, where, conv.stride)
        cut = conv.rotation * conv.inputs // conv.groups
        if cut:
            x = self.w.concat([self.w.slice(x, where, [1], [cut], [conv.inputs]),
                               self.w.slice(x, where, [1], [0], [cut])], where, 1)
        lines = self._lines(x, conv.inputs, taps, where, conv.stride, conv.groups)
        return self.w.node("Add", [spatial, lines], where)

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

    def head(self, x, weight, bias, where):
        """Pool and classify every frame, mean of the scores (TSN's consensus)."""
        x = self.w.node("GlobalAveragePool", [x], where)
        x = self.w.node("Flatten", [x], where, axis=1)
        x = self.classify(x, weight, bias, where)
        x = self.w.reshape(x, where, (1, self.frames, weight.shape[0]))
        return self.w.node("ReduceMean", [x], where, axes=[1], keepdims=0)


FORMS = {form.name: form for form in (Volumes, Slices, Frames, Shifts)}

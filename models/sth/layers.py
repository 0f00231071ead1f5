# SPDX-License-Identifier: LGPL-2.1-or-later
"""STH convolutions (Spatio-Temporal Hybrid, arXiv 2003.08042).

Activations are kept frames-as-batch, [N*T, C, H, W], so that everything but
the temporal taps is ordinary 2-D work.  A fraction p of the input channels of
each filter carries 3x1x1 temporal kernels, the others 1x3x3 spatial ones; both
partial results are integrated by a plain sum, or by attention.  The centre tap
of a temporal kernel is kept as the centre of that channel's 3x3 kernel, whose
other eight taps are exactly zero; the taps at t-1 and t+1 are a second
parameter.  In time the input is padded with zeros.

The abstract of the paper does not say how the temporal channels rotate in a
depthwise convolution, nor what attention looks like; here they are one
contiguous slice whose position advances with the depth of the network, and
`BranchAttention`.  That is this project's reading.
"""
import torch
from torch import nn
from torch.nn import functional as F

TAP_SEED = 0.25


def _shift_add(out, x, taps, frames):
    """out[n, t] += taps[0] * x[n, t-1] + taps[1] * x[n, t+1], zeros outside.

    out and x are [N*T, C, H, W]; taps is [2, C] in their dtype.
    """
    out = out.view(-1, frames, *out.shape[1:])
    x = x.view(-1, frames, *x.shape[1:])
    taps = taps.view(2, 1, 1, -1, 1, 1)
    out[:, 1:].addcmul_(x[:, :-1], taps[0])
    out[:, :-1].addcmul_(x[:, 1:], taps[1])


class _DepthwiseFunction(torch.autograd.Function):
    """Depthwise STH with one pass over the temporal slice each way.

    Autograd over slices would copy whole activations; this touches only the
    slice, which makes a training step about as fast as that of a 2-D network.
    """

    @staticmethod
    def forward(ctx, x, weight, taps, frames, stride, first, line):
        weight = weight.to(x.dtype)
        taps = taps.to(x.dtype)
        last = first + taps.shape[1]
        out = F.conv2d(x, weight, None, stride, 1, 1, x.shape[1])
        _shift_add(out[:, first:last], x[:, first:last, ::stride, ::stride], taps, frames)
        ctx.save_for_backward(x, weight, taps)
        ctx.geometry = frames, stride, first, last, line
        return out

    @staticmethod
    def backward(ctx, grad):
        x, weight, taps = ctx.saved_tensors
        frames, stride, first, last, line = ctx.geometry
        channels = x.shape[1]
        grad = grad.contiguous(memory_format=torch.channels_last)
        grad_x, grad_w, _ = torch.ops.aten.convolution_backward(
            grad, x, weight, None, [stride, stride], [1, 1], [1, 1], False, [0, 0],
            channels, [True, True, False])
        if line:
            centre = grad_w[first:last, :, 1, 1].clone()
            grad_w[first:last] = 0
            grad_w[first:last, :, 1, 1] = centre
        part = grad[:, first:last]
        slice_x = x[:, first:last, ::stride, ::stride]
        _shift_add(grad_x[:, first:last, ::stride, ::stride], part, taps.flip(0), frames)
        g = part.reshape(-1, frames, *part.shape[1:])
        s = slice_x.reshape(-1, frames, *slice_x.shape[1:])
        before = (g[:, 1:] * s[:, :-1]).sum((0, 1, 3, 4), dtype=torch.float32)
        after = (g[:, :-1] * s[:, 1:]).sum((0, 1, 3, 4), dtype=torch.float32)
        return grad_x, grad_w.float(), torch.stack([before, after]), None, None, None, None


class _TemporalFunction(torch.autograd.Function):
    """y[n, t] = x[n, t] + taps[0] x[n, t-1] + taps[1] x[n, t+1], per channel."""

    @staticmethod
    def forward(ctx, x, taps, frames):
        taps = taps.to(x.dtype)
        ctx.save_for_backward(x, taps)
        ctx.frames = frames
        out = x.clone()
        _shift_add(out, x, taps, frames)
        return out

    @staticmethod
    def backward(ctx, grad):
        x, taps = ctx.saved_tensors
        grad_x = grad.clone()
        _shift_add(grad_x, grad, taps.flip(0), ctx.frames)
        g = grad.reshape(-1, ctx.frames, *grad.shape[1:])
        s = x.reshape(-1, ctx.frames, *x.shape[1:])
        before = (g[:, 1:] * s[:, :-1]).sum((0, 1, 3, 4), dtype=torch.float32)
        after = (g[:, :-1] * s[:, 1:]).sum((0, 1, 3, 4), dtype=torch.float32)
        return grad_x, torch.stack([before, after]), None


class TemporalDepthwise(nn.Module):
    """A 3x1x1 depthwise convolution whose centre tap is 1: the time in (2+1)-D.

    The spatial convolution before it carries the scale of the centre.  taps
    [2, C] are t-1 and t+1; alternating signs let motion through at the start.
    """

    def __init__(self, channels, frames):
        super().__init__()
        self.frames = frames
        self.taps = nn.Parameter(torch.empty(2, channels))
        self.seed(TAP_SEED)

    @torch.no_grad()
    def seed(self, seed):
        """Start anew with taps of this size."""
        sign = 1.0 - 2.0 * (torch.arange(self.taps.shape[1]) % 2)
        self.taps.copy_(seed * torch.stack([-sign, sign]))

    def forward(self, x):
        """[N*T, C, H, W] to the same."""
        return _TemporalFunction.apply(x, self.taps, self.frames)


def temporal_shift(x, frames, fold=8):
    """TSM (arXiv 1811.08383): 1/fold of the channels from t+1, 1/fold from t-1.

    [N*T, C, H, W] to the same; zeros come in at both ends.
    """
    x = x.view(-1, frames, *x.shape[1:])
    step = x.shape[2] // fold
    nothing = torch.zeros_like(x[:, :1, :step])
    later = torch.cat([x[:, 1:, :step], nothing], 1)
    earlier = torch.cat([nothing, x[:, :-1, step:2 * step]], 1)
    return torch.cat([later, earlier, x[:, :, 2 * step:]], 2).flatten(0, 1)


class BranchAttention(nn.Module):
    """How much of each output channel is spatial and how much temporal.

    Both branches' sum is averaged over the clip (time and space), goes through
    two small fully connected layers, and a softmax over the two branches gives
    two weights a channel, times 2 so that the start is the plain sum.
    """

    def __init__(self, channels, frames, reduction=16):
        super().__init__()
        self.frames, self.channels = frames, channels
        self.squeeze = nn.Linear(channels, max(8, channels // reduction))
        self.excite = nn.Linear(self.squeeze.out_features, 2 * channels)
        nn.init.zeros_(self.excite.weight)
        nn.init.zeros_(self.excite.bias)

    def forward(self, x):
        """[N*T, C, H, W] to the weights [2, N*T, C, 1, 1] (spatial, temporal)."""
        pooled = x.mean((2, 3), dtype=torch.float32)
        pooled = pooled.view(-1, self.frames, self.channels).mean(1)
        with torch.autocast("cpu", enabled=False):
            share = self.excite(self.squeeze(pooled).relu())
        share = 2 * share.view(-1, 2, self.channels).softmax(1)
        share = share.repeat_interleave(self.frames, 0).to(x.dtype)
        return share.transpose(0, 1)[..., None, None]


def temporal_groups(p):
    """1/p, the number of slices that the temporal kernels go round; 1 for p = 0."""
    if p == 0:
        return 1
    groups = round(1 / p)
    if p < 0 or p > 1 or abs(groups * p - 1) > 1e-6:
        raise ValueError("p must be 0 or one part in a whole number, not %g" % p)
    return groups


def seed_taps(planes, seed=TAP_SEED):
    """What temporal kernels start with in place of 2-D kernels [..., 3, 3].

    Returns the centre taps [...], the sums of the planes, so that a still flat
    picture gives what it gave; and the taps [2, ...] at t-1 and t+1: opposite
    parts, `seed` of the plane's norm, forward and backward in turn along the
    last axis, so that motion is visible from the start.
    """
    centre = planes.sum((-2, -1))
    sign = 1.0 - 2.0 * (torch.arange(centre.shape[-1]) % 2)
    part = seed * sign * planes.flatten(-2).norm(dim=-1)
    return centre, torch.stack([-part, part])


def make_attention(integration, channels, frames):
    """The module that integrates two branches, None for a plain sum."""
    if integration not in ("sum", "attention"):
        raise ValueError("integration must be sum or attention, not %s" % integration)
    return BranchAttention(channels, frames) if integration == "attention" else None


class STHDepthwise(nn.Module):
    """Depthwise STH convolution, 3x3 in space or 3 in time per channel.

    channels: C; frames: T; stride: spatial stride; p: fraction of temporal
    channels; rotation: which of the 1/p equal slices of C is temporal (mod);
    integration: `sum`, or `attention`, which weighs the channels of either kind
    (a depthwise output has one branch only, so nothing is left to add).
    weight [C, 1, 3, 3] holds the spatial kernels and the temporal centres,
    taps [2, p*C] the temporal taps t-1 and t+1.  line is false while the
    temporal channels still have a plane that `fade` takes away.
    """

    def __init__(self, channels, frames, stride=1, p=0.25, rotation=0, integration="sum"):
        super().__init__()
        groups = temporal_groups(p)
        count = channels // groups if p else 0
        self.channels, self.frames, self.stride = channels, frames, stride
        self.first = (rotation % groups) * count
        self.last = self.first + count
        self.line = True
        self.attention = make_attention(integration, channels, frames)
        self.weight = nn.Parameter(torch.empty(channels, 1, 3, 3))
        self.taps = nn.Parameter(torch.empty(2, count))
        nn.init.normal_(self.weight, std=0.3)
        nn.init.normal_(self.taps, std=0.3)
        self.clear_outside_line()

    @torch.no_grad()
    def clear_outside_line(self):
        """Zero the spatial taps of the temporal channels but the centre."""
        part = self.weight[self.first:self.last]
        centre = part[:, :, 1, 1].clone()
        part.zero_()
        part[:, :, 1, 1] = centre

    @torch.no_grad()
    def copy_plane(self, weight, seed=TAP_SEED, line=True):
        """Start from the 2-D kernels [C, 1, 3, 3] that this layer replaces (`seed_taps`).

        line: at once; else the planes stay until `fade` has taken them away.
        """
        self.weight.copy_(weight)
        centre, taps = seed_taps(weight[self.first:self.last, 0], seed)
        self.taps.copy_(taps)
        self.line = line
        if line:
            self.weight[self.first:self.last, 0, 1, 1] = centre
            self.clear_outside_line()

    @torch.no_grad()
    def fade(self, keep):
        """Move all but `keep` (0..1) of the temporal channels' planes into their centres.

        The sum of each kernel stays, so that a flat picture gives what it gave.
        """
        part = self.weight[self.first:self.last]
        total = part.sum((2, 3))
        centre = part[:, :, 1, 1].clone()
        part.mul_(keep)
        part[:, :, 1, 1] = centre + (1 - keep) * (total - centre)
        self.line = keep == 0

    def forward(self, x):
        """[N*T, C, H, W] to [N*T, C, H/stride, W/stride]."""
        if self.first == self.last:
            return F.conv2d(x, self.weight, None, self.stride, 1, 1, self.channels)
        y = _DepthwiseFunction.apply(x, self.weight, self.taps, self.frames,
                                     self.stride, self.first, self.line)
        if self.attention is None:
            return y
        spatial, temporal = self.attention(y)
        return y * torch.cat([spatial[:, :self.first], temporal[:, self.first:self.last],
                              spatial[:, self.last:]], 1)

    @torch.no_grad()
    def dense_weight(self):
        """The same as one depthwise 3-D kernel [C, 1, 3, 3, 3] (T, H, W)."""
        kernel = torch.zeros(self.channels, 1, 3, 3, 3)
        kernel[:, :, 1] = self.weight
        kernel[self.first:self.last, 0, 0, 1, 1] = self.taps[0]
        kernel[self.first:self.last, 0, 2, 1, 1] = self.taps[1]
        return kernel


class STHConv2d(nn.Module):
    """Dense STH convolution in place of a 3x3 convolution.

    The inputs are cut into 1/p slices and the outputs into as many groups;
    group g takes its temporal kernels from slice (g + rotation) mod 1/p, so
    every input channel meets both kinds of kernel.  weight [O, I, 3, 3] holds
    the spatial kernels and temporal centres, taps [2, O, p*I] t-1 and t+1.
    """

    def __init__(self, inputs, outputs, frames, stride=1, p=0.25, rotation=0,
                 integration="sum"):
        super().__init__()
        self.p, self.groups = p, temporal_groups(p)
        if inputs % self.groups or outputs % self.groups:
            raise ValueError("channels must be divisible by 1/p = %d" % self.groups)
        self.inputs, self.outputs = inputs, outputs
        self.frames, self.stride, self.rotation = frames, stride, rotation % self.groups
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.taps = nn.Parameter(torch.empty(2, outputs, inputs // self.groups if p else 0))
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.taps, std=float(self.weight.detach().std()))
        self.register_buffer("mask", self._mask(), persistent=False)
        self.attention = make_attention(integration, outputs, frames)

    def _mask(self):
        """1 where a tap of the 3x3 plane exists, 0 elsewhere: [O, I, 3, 3]."""
        mask = torch.ones(self.outputs, self.inputs, 3, 3)
        for outs, ins in self.temporal_blocks():
            mask[outs, ins] = 0
            mask[outs, ins, 1, 1] = 1
        return mask

    def temporal_blocks(self):
        """(outputs, inputs) slices of every group that carry temporal kernels."""
        if not self.p:
            return
        step_in, step_out = self.inputs // self.groups, self.outputs // self.groups
        for g in range(self.groups):
            s = (g + self.rotation) % self.groups
            yield (slice(g * step_out, (g + 1) * step_out),
                   slice(s * step_in, (s + 1) * step_in))

    def plane(self):
        """The 2-D kernel at time t, zeros where nothing is: [O, I, 3, 3]."""
        return self.weight * self.mask

    @torch.no_grad()
    def copy_plane(self, weight, seed=TAP_SEED):
        """Start from the 2-D kernels [O, I, 3, 3] that this layer replaces (`seed_taps`)."""
        self.weight.copy_(weight)
        for outs, ins in self.temporal_blocks():
            centre, taps = seed_taps(weight[outs, ins], seed)
            self.weight[outs, ins, 1, 1] = centre
            self.taps[:, outs] = taps

    def branches(self):
        """The 2-D kernels [O, I, 3, 3] of the spatial and of the temporal branch."""
        temporal = torch.zeros_like(self.weight)
        for outs, ins in self.temporal_blocks():
            temporal[outs, ins, 1, 1] = self.weight[outs, ins, 1, 1]
        return self.plane() - temporal, temporal

    def neighbours(self, x):
        """What the taps t-1 and t+1 add: [N*T, O, H/stride, W/stride]."""
        step = self.inputs // self.groups
        turned = x[:, :, ::self.stride, ::self.stride].roll(-self.rotation * step, 1)
        turned = turned.view(-1, self.frames, *turned.shape[1:])
        zero = torch.zeros_like(turned[:, :1])
        before = torch.cat([zero, turned[:, :-1]], 1).flatten(0, 1)
        after = torch.cat([turned[:, 1:], zero], 1).flatten(0, 1)
        out = F.conv2d(before, self.taps[0][:, :, None, None], groups=self.groups)
        return out + F.conv2d(after, self.taps[1][:, :, None, None], groups=self.groups)

    def forward(self, x):
        """[N*T, I, H, W] to [N*T, O, H/stride, W/stride]."""
        if not self.p:
            return F.conv2d(x, self.weight, None, self.stride, 1)
        if self.attention is None:
            return F.conv2d(x, self.plane(), None, self.stride, 1) + self.neighbours(x)
        spatial, centre = self.branches()
        spatial = F.conv2d(x, spatial, None, self.stride, 1)
        temporal = F.conv2d(x, centre, None, self.stride, 1) + self.neighbours(x)
        share = self.attention(spatial + temporal)
        return share[0] * spatial + share[1] * temporal

    @torch.no_grad()
    def dense_weight(self):
        """The same, without attention, as one 3-D kernel [O, I, 3, 3, 3] (T, H, W)."""
        kernel = torch.zeros(self.outputs, self.inputs, 3, 3, 3)
        kernel[:, :, 1] = self.plane()
        for outs, ins in self.temporal_blocks():
            kernel[outs, ins, 0, 1, 1] = self.taps[0][outs]
            kernel[outs, ins, 2, 1, 1] = self.taps[1][outs]
        return kernel


class _ReLU6Function(torch.autograd.Function):
    """ReLU6 whose backward pass is vectorised for bfloat16 as well."""

    @staticmethod
    def forward(ctx, x):
        y = x.clamp(0, 6)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad):
        y, = ctx.saved_tensors
        grad = torch.ops.aten.threshold_backward(grad, y, 0)
        return torch.ops.aten.threshold_backward(grad, 6 - y, 0)


class ReLU6(nn.Module):
    """min(max(x, 0), 6), for training in float32 or bfloat16."""

    def forward(self, x):
        return _ReLU6Function.apply(x)

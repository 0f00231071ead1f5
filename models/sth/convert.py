# SPDX-License-Identifier: LGPL-2.1-or-later
"""Any 2-D classifier of torchvision's kind becomes an STH video network."""
from torch import nn

from .layers import STHConv2d, STHDepthwise, TAP_SEED
from .networks import fold_time


class Biased(nn.Module):
    """A convolution without bias, then the bias of the one it replaced."""

    def __init__(self, conv, bias):
        super().__init__()
        self.conv, self.bias = conv, bias

    def forward(self, x):
        return self.conv(x) + self.bias.view(1, -1, 1, 1)


class VideoNetwork(nn.Module):
    """Runs a 2-D classifier on every frame and averages its logits (as TSN does).

    replaced, kept: names of the convolutions that became STH, and of those of
    3x3 that could not, with the reason.
    """

    def __init__(self, net, frames, replaced, kept):
        super().__init__()
        self.net, self.frames = net, frames
        self.replaced, self.kept = replaced, kept

    def forward(self, x):
        """[N, 3, T, H, W] to logits [N, classes]."""
        y = self.net(fold_time(x))
        return y.view(-1, self.frames, *y.shape[1:]).mean(1)


def obstacle(conv, groups):
    """Why a 3x3 convolution cannot become STH, or None."""
    if conv.in_channels % groups or conv.out_channels % groups:
        return "%d to %d channels do not divide by %d" % (conv.in_channels, conv.out_channels, groups)
    if conv.groups != 1 and not conv.groups == conv.in_channels == conv.out_channels:
        return "%d groups of channels" % conv.groups
    if conv.padding != (1, 1) or conv.dilation != (1, 1) or conv.padding_mode != "zeros":
        return "padding %s, dilation %s" % (conv.padding, conv.dilation)
    if conv.stride[0] != conv.stride[1]:
        return "strides %s" % (conv.stride,)
    return None


def sth_of(conv, frames, p, rotation, integration, seed):
    """The STH convolution in place of a 2-D one, which starts from its weights."""
    if conv.groups == 1:
        sth = STHConv2d(conv.in_channels, conv.out_channels, frames, conv.stride[0], p, rotation,
                        integration)
    else:
        sth = STHDepthwise(conv.in_channels, frames, conv.stride[0], p, rotation, integration)
    sth.copy_plane(conv.weight, seed)
    return sth if conv.bias is None else Biased(sth, conv.bias)


def convert(net, frames=8, p=0.25, integration="sum", seed=TAP_SEED):
    """Replace the 3x3 convolutions of a 2-D classifier by STH ones, in place.

    net: takes [N, 3, H, W], gives logits [N, classes].  frames, p, integration:
    as in layers.STHConv2d; the position of the temporal slice advances from one
    replaced convolution to the next.  seed: see layers.seed_taps; 0 leaves the
    answer for a still flat picture alone.  p = 0 gives TSN.  Returns a
    VideoNetwork.
    """
    replaced, kept = [], {}
    groups = round(1 / p) if p else 1
    for name, module in list(net.named_modules()):
        for child, conv in list(module.named_children()):
            if not isinstance(conv, nn.Conv2d) or conv.kernel_size != (3, 3):
                continue
            full = name + "." + child if name else child
            reason = obstacle(conv, groups)
            if reason:
                kept[full] = reason
            else:
                setattr(module, child, sth_of(conv, frames, p, len(replaced), integration, seed))
                replaced.append(full)
    if not replaced:
        raise ValueError("no 3x3 convolution of this network can become STH: %s" % kept)
    return VideoNetwork(net, frames, replaced, kept)

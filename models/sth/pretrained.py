# SPDX-License-Identifier: LGPL-2.1-or-later
"""From an ImageNet MobileNetV2 to a good start for its STH version.

The weights have their BatchNorms folded.  Four steps that do not change what
the 2-D network computes, and one that does:

1. give the identity BatchNorms the statistics of real frames, so that training
   mode behaves;
2. bring every filter to unit norm (BatchNorm undoes it), because the folded
   channels differ by orders of magnitude and Adam's steps do not;
3. measure for every depthwise channel how much the block's output would change
   if its 3x3 kernel became its sum at the centre;
4. permute the hidden channels so that the cheapest quarter is the slice that
   the STH layer makes temporal;
5. replace those kernels by temporal ones (the change).
"""
import torch
import torchvision
from torch import nn

from .layers import STHDepthwise, TAP_SEED
from .networks import STHMobileNetV2, Temporal


@torch.no_grad()
def restore_batchnorm(model, batches):
    """Give folded BatchNorm2d layers statistics without changing the function.

    batches: what the model takes, normalised.  All statistics are taken in one
    pass of the unchanged network.
    """
    model.eval()
    sums, hooks = {}, []
    for norm in [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]:
        sums[norm] = [0, 0.0, 0.0]

        def collect(module, inputs):
            z, s = inputs[0].double(), sums[module]
            s[0] += z.numel() // z.shape[1]
            s[1] = s[1] + z.sum((0, 2, 3))
            s[2] = s[2] + (z * z).sum((0, 2, 3))

        hooks.append(norm.register_forward_pre_hook(collect))
    for batch in batches:
        model(batch)
    for hook in hooks:
        hook.remove()
    for norm, (count, total, squares) in sums.items():
        mean = total / count
        var = (squares / count - mean * mean).clamp_min(1e-4)
        norm.bias.copy_(norm.bias.double() + mean)
        norm.weight.copy_((var + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)


@torch.no_grad()
def normalise_filters(conv, norm):
    """Scale each filter to unit norm and the BatchNorm's statistics with it.

    conv: a 2-D convolution or a depthwise STH one.
    """
    taps = isinstance(conv, STHDepthwise)
    squares = conv.weight.flatten(1).pow(2).sum(1)
    if taps:
        squares[conv.first:conv.last] += conv.taps.pow(2).sum(0)
    scale = squares.sqrt().clamp_min(1e-8).reciprocal()
    conv.weight.mul_(scale.view(-1, 1, 1, 1))
    if taps:
        conv.taps.mul_(scale[conv.first:conv.last])
    inverse_std = (norm.running_var + norm.eps).rsqrt()
    norm.running_mean.mul_(scale)
    norm.running_var.mul_(scale ** 2)
    new_inverse_std = (norm.running_var + norm.eps).rsqrt()
    norm.weight.mul_(inverse_std / (new_inverse_std * scale))


@torch.no_grad()
def plane_costs(model, batches):
    """Per depthwise layer, the cost [C] of losing each channel's 3x3 kernel.

    The mean squared change of the convolution's output when the kernel becomes
    its sum at the centre, times what BatchNorm and projection make of it.
    """
    costs, hooks = [], []
    for block in model.features[1:18]:
        depthwise, norm = block.conv[-3][0], block.conv[-3][1]
        gain = (norm.weight ** 2 / (norm.running_var + norm.eps)
                * block.conv[-2].weight.flatten(1).pow(2).sum(0))
        total = torch.zeros(depthwise.out_channels)
        costs.append(total)

        def measure(module, inputs, output, total=total, gain=gain):
            x = inputs[0][:, :, ::module.stride[0], ::module.stride[1]]
            flat = x * module.weight.sum((1, 2, 3)).view(1, -1, 1, 1)
            total.add_((output - flat).pow(2).mean((0, 2, 3)) * gain)

        hooks.append(depthwise.register_forward_hook(measure))
    for batch in batches:
        model(batch)
    for hook in hooks:
        hook.remove()
    return costs


def _slice_order(cost, first, count):
    """A permutation that puts the `count` cheapest channels at `first`."""
    ranked = torch.argsort(cost)
    cheap, rest = ranked[:count].sort()[0], ranked[count:].sort()[0]
    return torch.cat([rest[:first], cheap, rest[first:]])


def _copy_conv(target, source, rows=None, columns=None):
    """Copy a weight with its output and input channels permuted."""
    weight = source.weight if rows is None else source.weight[rows]
    target.weight.copy_(weight if columns is None else weight[:, columns])


def _copy_norm(target, source, order=None):
    """Copy a BatchNorm with its channels permuted."""
    for name in ("weight", "bias", "running_mean", "running_var"):
        value = getattr(source, name)
        getattr(target, name).copy_(value if order is None else value[order])


@torch.no_grad()
def sth_from_imagenet(weights, batches, classes, frames, temporal=Temporal(), seed=TAP_SEED,
                      line=True):
    """Return an STHMobileNetV2, or a rival, that starts from ImageNet weights.

    weights: state dictionary that loads strictly into torchvision's
    mobilenet_v2 with 1000 classes.  batches: list of normalised frames.
    seed, line: see STHDepthwise.copy_plane.  Also returns what share of each block's energy the temporal channels gave up.
    """
    flat = torchvision.models.mobilenet_v2(num_classes=1000)
    flat.load_state_dict(weights)
    restore_batchnorm(flat, batches)
    for layer in flat.features:
        convs = [m for m in layer.modules() if isinstance(m, nn.Conv2d)]
        norms = [m for m in layer.modules() if isinstance(m, nn.BatchNorm2d)]
        for conv, norm in zip(convs, norms):
            normalise_filters(conv, norm)
    costs = plane_costs(flat, batches)
    net = STHMobileNetV2(classes, frames, temporal)
    _copy_conv(net.stem, flat.features[0][0])
    _copy_norm(net.stem_bn, flat.features[0][1])
    for i, (block, old) in enumerate(zip(net.blocks, flat.features[1:18])):
        dw = block.depthwise
        order = _slice_order(costs[i], dw.first, dw.last - dw.first)
        if block.expand is not None:
            _copy_conv(block.expand, old.conv[0][0], rows=order)
            _copy_norm(block.expand_bn, old.conv[0][1], order)
        elif i == 0:
            _copy_conv(net.stem, flat.features[0][0], rows=order)
            _copy_norm(net.stem_bn, flat.features[0][1], order)
        dw.copy_plane(old.conv[-3][0].weight[order], seed, line)
        _copy_norm(block.depthwise_bn, old.conv[-3][1], order)
        _copy_conv(block.project, old.conv[-2], columns=order)
        _copy_norm(block.project_bn, old.conv[-1])
    _copy_conv(net.last, flat.features[18][0])
    _copy_norm(net.last_bn, flat.features[18][1])
    return net, [float(c.sort()[0][:b.depthwise.last - b.depthwise.first].sum() / c.sum())
                 for b, c in zip(net.blocks, costs)]


@torch.no_grad()
def refresh_batchnorm(model, batches):
    """Re-estimate all BatchNorm statistics from normalised [N, 3, T, H, W]."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [m.momentum for m in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    for batch in batches:
        model(batch)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    model.eval()

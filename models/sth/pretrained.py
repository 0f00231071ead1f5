# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a 2-D MobileNetV2 to a good start for its STH version.

ImageNet weights have their BatchNorms folded; a TSN that was trained here
needs the last three steps only.  Four steps that do not change what the 2-D
network computes, and one that does:

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
from .networks import STHMobileNetV2, Temporal, sth_resnet18

# Of the pictures for torchvision's networks, 0..1.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def learning_norms(model):
    """Its BatchNorms, but those of frozen layers."""
    return [m for m in model.modules() if isinstance(m, nn.BatchNorm2d) and m.weight.requires_grad]


@torch.no_grad()
def restore_batchnorm(model, batches):
    """Give folded BatchNorm2d layers, but frozen ones, statistics without changing the function.

    batches: what the model takes, normalised.  All statistics are taken in one
    pass of the unchanged network.
    """
    model.eval()
    sums, hooks = {}, []
    for norm in learning_norms(model):
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
def plane_costs(net, batches, run=nn.Module.__call__):
    """Per block of a 2-D network, the cost [C] of losing each channel's 3x3 kernel.

    The mean squared change of the depthwise output when the kernel becomes its
    sum at the centre, times what BatchNorm and projection make of it.
    batches: what run(net, batch) takes; 0 for blocks that it does not run.
    """
    costs, hooks = [], []
    for block in net.blocks:
        norm = block.depthwise_bn
        gain = (norm.weight ** 2 / (norm.running_var + norm.eps)
                * block.project.weight.flatten(1).pow(2).sum(0))
        total = torch.zeros(block.depthwise.channels)
        costs.append(total)

        def measure(module, inputs, output, total=total, gain=gain):
            x = inputs[0][:, :, ::module.stride, ::module.stride]
            flat = x * module.weight.sum((1, 2, 3)).view(1, -1, 1, 1)
            total.add_((output - flat).pow(2).mean((0, 2, 3)) * gain)

        hooks.append(block.depthwise.register_forward_hook(measure))
    net.eval()
    for batch in batches:
        run(net, batch)
    for hook in hooks:
        hook.remove()
    return costs


@torch.no_grad()
def _slice_order(cost, first, count):
    """A permutation that puts the `count` cheapest channels at `first`."""
    ranked = torch.argsort(cost)
    cheap, rest = ranked[:count].sort()[0], ranked[count:].sort()[0]
    return torch.cat([rest[:first], cheap, rest[first:]])


def _permute(module, order, axis=0):
    """Put the channels of a convolution (axis: 0 outputs, 1 inputs) or of a BatchNorm in another order."""
    for name, value in module.state_dict(keep_vars=True).items():
        if name != "num_batches_tracked":
            value.data = value.data.index_select(axis, order)


@torch.no_grad()
def flat_from_imagenet(weights, batches, classes, frames, frozen=0):
    """The 2-D network (TSN) that starts from ImageNet weights.

    weights: state dictionary that loads strictly into torchvision's
    mobilenet_v2 with 1000 classes.  batches: list of normalised clips
    [N, 3, T, H, W].  frozen: so many blocks stay as the weights have them.  The
    classifier is new.
    """
    old = torchvision.models.mobilenet_v2(num_classes=1000)
    old.load_state_dict(weights)
    net = STHMobileNetV2(classes, frames, Temporal("tsn"))
    # both list convolutions and norms in the order in which they run
    for kinds in ((nn.Conv2d, STHDepthwise), nn.BatchNorm2d):
        pairs = zip([m for m in net.modules() if isinstance(m, kinds)],
                    [m for m in old.features.modules() if isinstance(m, kinds)])
        for new, source in pairs:
            new.load_state_dict(source.state_dict(), strict=not isinstance(new, STHDepthwise))
    net.freeze(frozen)
    restore_batchnorm(net, batches)
    for conv, norm in zip([m for m in net.modules() if isinstance(m, (nn.Conv2d, STHDepthwise))
                           and m.weight.requires_grad], learning_norms(net)):
        normalise_filters(conv, norm)
    return net


@torch.no_grad()
def sth_from_flat(flat, batches, temporal, seed=TAP_SEED, line=True, run=nn.Module.__call__):
    """A network that sees time as `temporal` says and starts from a 2-D one.

    flat: STHMobileNetV2 without temporal channels; it is changed.  batches:
    list of what run(flat, batch) takes.  seed, line: see STHDepthwise.copy_plane;
    seed holds for the taps of (2+1)-D too.  Also returns what share of each
    block's energy the temporal channels gave up.
    """
    net = STHMobileNetV2(flat.head.linear.out_features, flat.frames, temporal)
    costs, lost = plane_costs(flat, batches, run), []
    for i, (block, old, cost) in enumerate(zip(net.blocks, flat.blocks, costs)):
        dw = block.depthwise
        order = _slice_order(cost, dw.first, dw.last - dw.first)
        lost.append(float(cost[order][dw.first:dw.last].sum() / cost.sum().clamp_min(1e-12)))
        before = (old.expand, old.expand_bn) if old.expand is not None else (flat.stem, flat.stem_bn)
        assert old.expand is not None or i == 0
        for module in before + (old.depthwise_bn,):
            _permute(module, order)
        _permute(old.project, order, 1)
        dw.copy_plane(old.depthwise.weight[order], seed, line)
        if block.time is not None:
            block.time.seed(seed)
    net.load_state_dict({k: v for k, v in flat.state_dict().items() if ".depthwise." not in k},
                        strict=False)
    return net, lost


def _part(weights, prefix):
    """The entries of a state dictionary below a prefix."""
    return {k[len(prefix):]: v for k, v in weights.items() if k.startswith(prefix)}


@torch.no_grad()
def resnet18_from_imagenet(weights, batches, classes, temporal, frames, seed=TAP_SEED):
    """STH-ResNet-18 that starts from ImageNet weights.

    weights: state dictionary of torchvision's resnet18, BatchNorm folded; 3x3
    convolutions that it lacks start at random.  batches: list of normalised
    clips [N, 3, T, H, W], -1..1.  temporal: STH, or TSN; its first blocks, which
    stay 2-D, are not changed by batches.  seed: see layers.seed_taps.
    """
    net = sth_resnet18(classes, frames, temporal.p, temporal.integration, temporal.begin)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    stem = weights["conv1.weight"] / std
    net.stem.weight.copy_(stem / 2)
    net.stem_bn.load_state_dict(_part(weights, "bn1."))
    net.stem_bn.bias += (stem * (0.5 - mean)).sum((1, 2, 3))
    at_random = []
    for i, block in enumerate(net.blocks):
        where = "layer%d.%d." % (i // 2 + 1, i % 2)
        for k, (conv, norm) in enumerate(zip(block.convs, block.norms), 1):
            norm.load_state_dict(_part(weights, where + "bn%d." % k))
            if where + "conv%d.weight" % k in weights:
                conv.copy_plane(weights[where + "conv%d.weight" % k], seed)
            else:
                at_random.append(norm)
        if block.down is not None:
            block.down.load_state_dict(_part(weights, where + "downsample.0."))
            block.down_bn.load_state_dict(_part(weights, where + "downsample.1."))
    net.freeze(temporal.begin)
    restore_batchnorm(net, batches)
    for norm in at_random:
        norm.reset_parameters()
    return net


@torch.no_grad()
def widen_to_directions(net):
    """Make a classifier of words (and `nothing`) one of data.direction_labels: both directions start alike."""
    old = net.head.linear
    words = old.out_features - 1
    rows = torch.cat([torch.arange(words), torch.arange(words + 1)])
    net.head.linear = nn.Linear(old.in_features, 2 * words + 1)
    net.head.linear.weight.copy_(old.weight[rows])
    net.head.linear.bias.copy_(old.bias[rows])


@torch.no_grad()
def refresh_batchnorm(model, batches, run=nn.Module.__call__):
    """Re-estimate the BatchNorm statistics, but those of frozen layers.

    batches: what run(model, batch) takes, by default normalised [N, 3, T, H, W].
    """
    norms = learning_norms(model)
    momenta = [m.momentum for m in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    for batch in batches:
        run(model, batch)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    model.eval()

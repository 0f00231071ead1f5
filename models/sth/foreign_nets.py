# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks of others: torchvision's, and clip networks made of them (TSN, TSM).

Weights are random but sensible: each BatchNorm has the statistics of what it
sees, and nothing that starts at zero stays there, so that every layer shows in
the scores.  Of every network there is a thin one with all of its kinds of layer,
small enough to be kept as a golden.
"""
import contextlib
import sys
from unittest import mock

import torch
import torchvision
from torch import nn
from torchvision import models
from torchvision.models import convnext, efficientnet, regnet
from torchvision.models.video import mvit, resnet as video_resnet

CLASSES = 13  # of the thin networks; no width of any of them


@contextlib.contextmanager
def thin(divisor):
    """Inside, PyTorch's layers are made with 1/divisor of the channels asked for.

    Images keep their 3 channels, classifiers their classes, depthwise
    convolutions their kind; other groups stay as many as they are.
    """
    def width(n):
        return n if n in (3, CLASSES) else max(n // divisor, 1)

    conv, norm, linear = (nn.modules.conv._ConvNd.__init__,
                          nn.modules.batchnorm._NormBase.__init__, nn.Linear.__init__)

    def thin_conv(self, inputs, outputs, kernel, stride, padding, dilation, transposed,
                  output_padding, groups, *rest, **more):
        conv(self, width(inputs), width(outputs), kernel, stride, padding, dilation,
             transposed, output_padding, width(groups) if groups == inputs else groups,
             *rest, **more)

    def thin_norm(self, features, *rest, **more):
        norm(self, width(features), *rest, **more)

    def thin_linear(self, inputs, outputs, *rest, **more):
        linear(self, width(inputs), width(outputs), *rest, **more)

    with mock.patch.object(nn.modules.conv._ConvNd, "__init__", thin_conv), \
            mock.patch.object(nn.modules.batchnorm._NormBase, "__init__", thin_norm), \
            mock.patch.object(nn.Linear, "__init__", thin_linear):
        yield


def thinned(make, divisor, **options):
    """A thin network by the maker of the full one."""
    with thin(divisor):
        return make(num_classes=CLASSES, **options)


class FramesFirst(nn.Module):
    """A clip network that takes NTCHW in front of one that takes NCTHW."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x.transpose(1, 2))


class TSN(nn.Module):
    """Temporal segment network (arXiv 1608.00859): frames as batch, mean of their scores.

    Takes NTCHW.
    """

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        n, t, c, h, w = x.shape
        return self.net(x.view(n * t, c, h, w)).view(n, t, -1).mean(1)


class Shift(nn.Module):
    """TSM's shift (arXiv 1811.08383) before a convolution.

    An eighth of the channels comes from the frame after, an eighth from the one
    before; outside of the clip there are zeros.  Activations are [N*T, C, H, W].
    """

    def __init__(self, conv, frames):
        super().__init__()
        self.conv, self.frames = conv, frames

    def forward(self, x):
        nt, c, h, w = x.shape
        x = x.view(nt // self.frames, self.frames, c, h, w)
        fold = c // 8
        out = torch.zeros_like(x)
        out[:, :-1, :fold] = x[:, 1:, :fold]
        out[:, 1:, fold:2 * fold] = x[:, :-1, fold:2 * fold]
        out[:, :, 2 * fold:] = x[:, :, 2 * fold:]
        return self.conv(out.view(nt, c, h, w))


def tsm(net, frames):
    """TSM from a MobileNetV2: shifts before the expansion of every residual block."""
    for block in net.features:
        if isinstance(block, models.mobilenetv2.InvertedResidual) and block.use_res_connect:
            block.conv[0][0] = Shift(block.conv[0][0], frames)
    return TSN(net)


def thin_video(block, maker, stem):
    """A thin network of torchvision's family of R3D."""
    return thinned(video_resnet.VideoResNet, 32, block=block, conv_makers=maker,
                   layers=(1, 1, 1, 1), stem=stem)


def _tensor_split(x, indices, dim):
    """torch.tensor_split, for which PyTorch 1.13's exporter writes Loops over sequences."""
    bounds = [0, *indices, x.shape[dim]]
    return [x.narrow(dim, a, b - a) for a, b in zip(bounds, bounds[1:])]


def export(net, x, path, opset):
    """Write net as ONNX; `clip` is its input, `scores` its output."""
    with mock.patch.object(torch, "tensor_split", _tensor_split):
        torch.onnx.export(net, x, path, opset_version=opset, input_names=["clip"],
                          output_names=["scores"])


def r3d():
    return thin_video(video_resnet.BasicBlock, [video_resnet.Conv3DSimple] * 4,
                      video_resnet.BasicStem)


def mc3():
    return thin_video(video_resnet.BasicBlock,
                      [video_resnet.Conv3DSimple] + [video_resnet.Conv3DNoTemporal] * 3,
                      video_resnet.BasicStem)


def r2plus1d():
    return thin_video(video_resnet.BasicBlock, [video_resnet.Conv2Plus1D] * 4,
                      video_resnet.R2Plus1dStem)


def s3d():
    """Its pooling window is made for 224 pixels; here for 32."""
    net = thinned(models.video.s3d, 16)
    net.avgpool = nn.AvgPool3d((2, 1, 1), stride=1)
    return net


def thin_mvit(**options):
    """MViT v1 with a block of each kind: as it is, pooled queries, more channels."""
    rows = [(1, 8, 16, [], [], [3, 3, 3], [1, 4, 4]), (2, 16, 16, [3, 3, 3], [1, 2, 2],
            [3, 3, 3], [1, 2, 2]), (2, 16, 24, [], [], [3, 3, 3], [1, 2, 2])]
    blocks = [mvit.MSBlockConfig(num_heads=heads, input_channels=i, output_channels=o,
                                 kernel_q=kq, kernel_kv=kkv, stride_q=sq, stride_kv=skv)
              for heads, i, o, kq, sq, kkv, skv in rows]
    v1 = dict(residual_pool=False, residual_with_cls_embed=False, rel_pos_embed=False,
              proj_after_attn=False)
    return mvit.MViT((32, 32), 4, blocks, num_classes=CLASSES, **{**v1, **options})


def thin_mvit_v2():
    return thin_mvit(residual_pool=True, rel_pos_embed=True, proj_after_attn=True)


def thin_efficientnet():
    rows = [efficientnet.MBConvConfig(e, k, s, i, o, 1, width_mult=0.25) for e, k, s, i, o in
            [(1, 3, 1, 32, 16), (6, 3, 2, 16, 24), (6, 5, 2, 24, 24), (6, 3, 1, 24, 24)]]
    return models.EfficientNet(rows, 0.2, num_classes=CLASSES, last_channel=32)


def thin_regnet(se_ratio):
    blocks = regnet.BlockParams.from_init_params(depth=4, w_0=8, w_a=8, w_m=2, group_width=8,
                                                 se_ratio=se_ratio)
    return models.RegNet(blocks, num_classes=CLASSES, stem_width=8)


def thin_convnext():
    return models.ConvNeXt([convnext.CNBlockConfig(8, 16, 1), convnext.CNBlockConfig(16, 24, 1),
                            convnext.CNBlockConfig(24, None, 1)], num_classes=CLASSES)


def thin_swin():
    return models.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=CLASSES)


def thin_maxvit():
    return models.MaxVit((32, 32), 8, 4, [8, 16], [1, 1], 8, 0.0, num_classes=CLASSES)


def swin3d(full):
    """Only torchvision 0.15 and later has it."""
    module = sys.modules.get("torchvision.models.video.swin_transformer")
    if module is None:
        raise LookupError("torchvision %s has no swin3d_t" % torchvision.__version__)
    if full:
        return models.video.swin3d_t()
    return module.SwinTransformer3d([2, 4, 4], 16, [2, 2], [2, 4], [2, 4, 4], num_classes=CLASSES)


def enliven(net, x):
    """Random where constructors leave ones, zeros or less; BatchNorm statistics of x.

    x: a batch of inputs, several so that a variance is one.  Returns the network
    in evaluation mode.
    """
    net.eval()
    generator = torch.Generator().manual_seed(1)

    def uniform(tensor, low, high):
        tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.LayerNorm)):
                uniform(module.weight, 0.8, 1.2)
                # Above 0: half-dead ReLUs after BatchNorm multiply rounding errors by 1.2 a layer.
                uniform(module.bias, 0.0, 1.0)
            elif isinstance(module, nn.Linear) and module.bias is not None:
                uniform(module.bias, -0.1, 0.1)
        for name, parameter in net.named_parameters():
            if name.endswith("layer_scale"):  # ConvNeXt starts with 1e-6
                uniform(parameter, 0.2, 0.5)
            elif not parameter.any():  # heads of transformers
                uniform(parameter, -0.2, 0.2)
            elif name.endswith(("pos_embedding", "class_token", "relative_position_bias_table")):
                uniform(parameter, -0.5, 0.5)
        if norms:
            for norm in norms:
                norm.train().momentum = None
            net(x)
    return net.eval()

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of the layers, the better start and the exporter: python3 -m unittest test_sth"""
import unittest

import numpy as np
import torch
import torchvision
from torch.nn import functional as F

from sth import layers, networks, onnx_export, onnx_run, pretrained

FRAMES = 5


def volume(x):
    """Frames-as-batch to NCTHW."""
    return x.view(-1, FRAMES, *x.shape[1:]).transpose(1, 2)


def flat(x):
    """NCTHW to frames-as-batch."""
    return x.transpose(1, 2).flatten(0, 1)


class Layers(unittest.TestCase):
    """Both STH layers equal a 3-D convolution with zeros, forward and backward."""

    def compare(self, layer, channels, groups, stride):
        x = torch.randn(2 * FRAMES, channels, 7, 6).contiguous(
            memory_format=torch.channels_last).requires_grad_()
        x5 = volume(x.detach()).clone().requires_grad_()
        kernel = layer.dense_weight().requires_grad_()
        y = layer(x)
        y5 = F.conv3d(x5, kernel, None, (1, stride, stride), 1, 1, groups)
        torch.testing.assert_close(y, flat(y5))
        grad = torch.randn_like(y)
        y.backward(grad)
        y5.backward(volume(grad))
        torch.testing.assert_close(x.grad, flat(x5.grad), rtol=1e-4, atol=1e-4)
        return kernel.grad

    def test_depthwise(self):
        for stride in (1, 2):
            for rotation in range(4):
                layer = layers.STHDepthwise(8, FRAMES, stride, 0.25, rotation)
                grad = self.compare(layer, 8, 8, stride)
                part = grad[layer.first:layer.last, 0]
                torch.testing.assert_close(layer.taps.grad, part[:, (0, 2), 1, 1].t(),
                                           rtol=1e-4, atol=1e-4)
                self.assertEqual(0, float(layer.weight.grad[layer.first:layer.last, 0, 0].abs().max()))

    def test_dense(self):
        for stride in (1, 2):
            for rotation in range(4):
                layer = layers.STHConv2d(8, 12, FRAMES, stride, 0.25, rotation)
                grad = self.compare(layer, 8, 1, stride)
                for outs, ins in layer.temporal_blocks():
                    torch.testing.assert_close(layer.taps.grad[1][outs], grad[outs, ins, 2, 1, 1],
                                               rtol=1e-4, atol=1e-4)

    def test_every_input_meets_both_kinds(self):
        layer = layers.STHConv2d(8, 8, FRAMES)
        temporal = (layer.dense_weight()[:, :, 0, 1, 1] != 0).float()
        self.assertTrue(bool((temporal.mean(0) == 0.25).all()))
        self.assertTrue(bool((temporal.mean(1) == 0.25).all()))


class Start(unittest.TestCase):
    """Re-made BatchNorms, unit filters and permuted channels change nothing."""

    def test_same_function(self):
        torch.manual_seed(0)
        flat_net = torchvision.models.mobilenet_v2(num_classes=1000).eval()
        batch = torch.randn(4, 3, 64, 64)
        with torch.no_grad():
            before = flat_net.features(batch)
        pretrained.restore_batchnorm(flat_net, [batch])
        for layer in flat_net.features:
            convs = [m for m in layer.modules() if isinstance(m, torch.nn.Conv2d)]
            norms = [m for m in layer.modules() if isinstance(m, torch.nn.BatchNorm2d)]
            for conv, norm in zip(convs, norms):
                pretrained.normalise_filters(conv, norm)
        with torch.no_grad():
            torch.testing.assert_close(flat_net.features(batch), before, rtol=1e-3, atol=1e-3)

    def test_slice_order(self):
        cost = torch.tensor([5., 1., 4., 3., 2., 6., 7., 8.])
        order = pretrained._slice_order(cost, 4, 2)
        self.assertEqual([1, 4], order[4:6].tolist())
        self.assertEqual(list(range(8)), sorted(order.tolist()))


class Export(unittest.TestCase):
    """All forms, layouts and opsets of an ONNX file compute the network."""

    def test_forms(self):
        torch.manual_seed(0)
        nets = (networks.STHResNet(3, (1, 1), False, FRAMES, width=8),
                networks.STHMobileNetV2(3, FRAMES, settings=[(2, 8, 2, 2)], stem=8, last=16))
        x = np.random.default_rng(0).normal(0, 1, (1, 3, FRAMES, 18, 22)).astype(np.float32)
        for net in nets:
            with torch.no_grad():
                expected = net.eval()(torch.from_numpy(x)).numpy()
            for form in "abcd":
                for fold, opset in ((True, 13), (False, 11)):
                    model = onnx_export.export(net, (18, 22), form=form, fold=fold, opset=opset)
                    np.testing.assert_allclose(onnx_run.run(model, x), expected, 1e-4, 1e-4)


if __name__ == "__main__":
    unittest.main()

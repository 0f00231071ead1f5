#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of the layers, the better start and the exporter: python3 -m unittest test_sth"""
import copy
import itertools
import json
import os
import tempfile
import unittest

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

import evaluate
import false_events
import golden
import train
from sth import (augment, confusion, convert, data, layers, networks, onnx_export, onnx_run, pretrained, samples,
                 torch_forms)

FRAMES = 5


class Pictures(samples.ClipSamples):
    """Noise that is another in each view."""

    def __init__(self, identity="noise"):
        super().__init__([None] * 3, ["a", "b", "nothing"], 4, 0)
        self.identity = identity

    def __getitem__(self, key):
        epoch, i, size = key
        rng = np.random.default_rng((epoch, i))
        return torch.from_numpy(rng.integers(0, 256, (4, size, size, 3), np.uint8)), i


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


    def test_parameters(self):
        """9 (1 - p) + 3 p a pair of channels, whatever p is."""
        for p in (1 / 8, 1 / 4, 1 / 2):
            dense = layers.STHConv2d(16, 32, FRAMES, p=p)
            self.assertEqual(16 * 32 * (9 * (1 - p) + 3 * p), (dense.dense_weight() != 0).sum())
            self.assertEqual(16 * 32 * (9 * (1 - p) + 3 * p),
                             dense.mask.sum() + dense.taps.numel())
            depthwise = layers.STHDepthwise(16, FRAMES, p=p)
            self.assertEqual(16 * (9 * (1 - p) + 3 * p), (depthwise.dense_weight() != 0).sum())

    def test_no_temporal_channels(self):
        """p = 0 is the 2-D convolution."""
        x = torch.randn(2 * FRAMES, 8, 7, 6)
        for layer, groups in ((layers.STHConv2d(8, 12, FRAMES, 2, 0), 1),
                              (layers.STHDepthwise(8, FRAMES, 2, 0), 8)):
            self.assertEqual(0, layer.taps.numel())
            torch.testing.assert_close(layer(x), F.conv2d(x, layer.weight, None, 2, 1, 1, groups))

    def test_impulse(self):
        """A spatial channel answers in the plane only, a temporal one in the line only."""
        layer = layers.STHDepthwise(8, FRAMES, rotation=1)
        x = torch.zeros(FRAMES, 8, 5, 5)
        x[2, :, 2, 2] = 1
        heard = (layer(x) != 0).view(FRAMES, 8, 5, 5)
        temporal = torch.arange(8) // 2 == 1
        self.assertEqual([0, 1, 1, 1, 0], heard[:, temporal].any(1).sum((1, 2)).tolist())
        self.assertEqual([0, 0, 9, 0, 0], heard[:, ~temporal].any(1).sum((1, 2)).tolist())
        dense = layers.STHConv2d(4, 4, FRAMES)
        for channel in range(4):
            x = torch.zeros(FRAMES, 4, 5, 5)
            x[2, channel, 2, 2] = 1
            heard = (dense(x) != 0).sum((2, 3))
            self.assertEqual([1], heard[1][heard[1] > 0].tolist())
            self.assertEqual(channel, int(heard[1].argmax()))
            self.assertEqual([1, 9, 9, 9], sorted(heard[2].tolist()))

    def test_fade(self):
        """Planes go step by step; sums of kernels stay; gradients reach planes until they are gone."""
        layer = layers.STHDepthwise(8, FRAMES, rotation=1)
        planes = torch.randn(8, 1, 3, 3)
        layer.copy_plane(planes, 0, line=False)
        x = torch.randn(FRAMES, 8, 5, 5).contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(layer(x), F.conv2d(x, planes, None, 1, 1, 1, 8))
        layer.fade(0.5)
        part = layer.weight.detach()[2:4, 0]
        torch.testing.assert_close(part[:, 0], 0.5 * planes[2:4, 0, 0])
        torch.testing.assert_close(part.sum((1, 2)), planes[2:4].sum((1, 2, 3)))
        layer(x).sum().backward()
        self.assertGreater(float(layer.weight.grad[2:4, 0, 0].abs().min()), 0)
        layer.fade(0)
        expected = layers.STHDepthwise(8, FRAMES, rotation=1)
        expected.copy_plane(planes, 0)
        torch.testing.assert_close(layer.weight, expected.weight)
        layer.weight.grad = None
        layer(x).sum().backward()
        self.assertEqual(0, float(layer.weight.grad[2:4, 0, 0].abs().max()))

    def test_attention_starts_as_sum(self):
        x = torch.randn(2 * FRAMES, 8, 7, 6)
        for make in (lambda i: layers.STHConv2d(8, 12, FRAMES, 2, 0.25, 1, i),
                     lambda i: layers.STHDepthwise(8, FRAMES, 2, 0.25, 1, i)):
            attention, plain = make("attention"), make("sum")
            plain.load_state_dict(attention.state_dict(), strict=False)
            torch.testing.assert_close(attention(x), plain(x))
            with torch.no_grad():
                attention.attention.excite.bias[:] = torch.randn(len(attention.attention.excite.bias))
            self.assertGreater(float((attention(x) - plain(x)).abs().max()), 1e-3)

    def test_rivals(self):
        """TSM moves an eighth each way; (2+1)-D equals a 3-D kernel of rank one."""
        x = torch.randn(2 * FRAMES, 8, 3, 3)
        moved, still = volume(layers.temporal_shift(x, FRAMES)), volume(x)
        self.assertTrue(torch.equal(moved[:, 0, :-1], still[:, 0, 1:]))
        self.assertTrue(torch.equal(moved[:, 1, 1:], still[:, 1, :-1]))
        self.assertTrue(torch.equal(moved[:, 2:], still[:, 2:]))
        self.assertEqual(0, float(moved[:, 0, -1].abs().max() + moved[:, 1, 0].abs().max()))
        time = layers.TemporalDepthwise(8, FRAMES)
        kernel = torch.stack([time.taps[0], torch.ones(8), time.taps[1]], 1)
        x.requires_grad_()
        y, expected = time(x), flat(F.conv3d(volume(x), kernel.view(8, 1, 3, 1, 1), None, 1,
                                             (1, 0, 0), 1, 8))
        torch.testing.assert_close(y, expected)
        grad = torch.randn_like(y)
        torch.testing.assert_close(torch.autograd.grad(y, (x, time.taps), grad),
                                   torch.autograd.grad(expected, (x, time.taps), grad),
                                   rtol=1e-4, atol=1e-4)


class Convert(unittest.TestCase):
    """2-D networks of torchvision become video networks."""

    NETWORKS = ("resnet18", "resnet34", "resnet50", "mobilenet_v2", "mobilenet_v3_small",
                "mobilenet_v3_large", "efficientnet_b0")

    def test_networks(self):
        torch.manual_seed(0)
        x = torch.randn(1, 3, FRAMES, 48, 48)
        for name in self.NETWORKS:
            make = torchvision.models.__dict__[name]
            flat_net = make(num_classes=5).eval()
            each = torch.stack([flat_net(x[:, :, t]) for t in range(FRAMES)]).mean(0)
            same = convert.convert(make(num_classes=5), FRAMES, 0)
            same.net.load_state_dict(flat_net.state_dict(), strict=False)
            with torch.no_grad():
                torch.testing.assert_close(same.eval()(x), each, rtol=1e-4, atol=1e-4)
            net = convert.convert(flat_net, FRAMES)
            self.assertGreater(len(net.replaced), 2, name)
            self.assertTrue(all("channels" in reason for reason in net.kept.values()), net.kept)
            pretrained.refresh_batchnorm(net, [x])
            with torch.no_grad():
                forwards, backwards = net(x), net(x.flip(2))
            change = float((forwards - backwards).norm() / forwards.norm())
            self.assertGreater(change, 1e-4, name)

    def test_still_picture(self):
        """Without seeds a flat, still clip gives what the 2-D network gave, but at the borders."""
        conv = nn.Conv2d(8, 8, 3, 1, 1)
        layer = convert.sth_of(conv, FRAMES, 0.25, 1, "sum", 0)
        x = torch.randn(1, 8, 1, 1).expand(FRAMES, 8, 5, 5)
        with torch.no_grad():
            torch.testing.assert_close(layer(x)[:, :, 1:-1, 1:-1], conv(x)[:, :, 1:-1, 1:-1])

    def test_nothing_to_replace(self):
        with self.assertRaisesRegex(ValueError, "groups of channels"):
            convert.convert(nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=2)))


class Start(unittest.TestCase):
    """Re-made BatchNorms, unit filters and permuted channels change nothing."""

    @classmethod
    def setUpClass(cls):
        torch.manual_seed(0)
        cls.imagenet = torchvision.models.mobilenet_v2(num_classes=1000).eval()
        cls.pictures = torch.randn(4, 3, 64, 64)
        cls.clip = cls.pictures.transpose(0, 1)[None]
        cls.flat = pretrained.flat_from_imagenet(cls.imagenet.state_dict(), [cls.clip], 5, 4).eval()

    def test_flat_is_the_imagenet_network(self):
        with torch.no_grad():
            pooled = self.imagenet.features(self.pictures).mean((0, 2, 3))
            torch.testing.assert_close(self.flat(self.clip)[0], self.flat.head.linear(pooled),
                                       rtol=1e-3, atol=1e-3)

    def test_sth_starts_as_the_flat_network(self):
        with torch.no_grad():
            expected = self.flat(self.clip)
        for kind in networks.Temporal.KINDS:
            # without taps, and before any plane fades
            net, lost = pretrained.sth_from_flat(copy.deepcopy(self.flat), [self.clip],
                                                 networks.Temporal(kind), 0, False)
            if kind == "tsm":
                continue  # shifts from the start
            for block in net.blocks:
                if block.time is not None:
                    nn.init.zeros_(block.time.taps)
            with torch.no_grad():
                torch.testing.assert_close(net.eval()(self.clip), expected, rtol=1e-4, atol=1e-4)
            self.assertTrue(all(share < 0.25 if kind == "sth" else share == 0 for share in lost))

    def test_temporal_channels_are_the_cheapest(self):
        before = copy.deepcopy(self.flat)
        with torch.no_grad():
            net, _ = pretrained.sth_from_flat(copy.deepcopy(self.flat), [self.clip], networks.Temporal(), 0)
            cost = pretrained.plane_costs(before, [self.clip])[5]
        dw = net.blocks[5].depthwise
        cheapest = cost.argsort()[:dw.last - dw.first].sort()[0]
        planes = before.blocks[5].depthwise.weight[cheapest, 0]
        torch.testing.assert_close(dw.weight[dw.first:dw.last, 0, 1, 1], planes.sum((1, 2)))

    def test_frozen_blocks(self):
        """Only the blocks behind are temporal and learn, also their BatchNorms' statistics."""
        net, _ = pretrained.sth_from_flat(copy.deepcopy(self.flat), [self.clip], networks.Temporal(begin=7))
        net.freeze(7)
        with torch.no_grad():
            before = self.flat.before(self.clip, 7)
            torch.testing.assert_close(net.eval().before(self.clip, 7), before)
            torch.testing.assert_close(net.after(before, 7), net(self.clip))
        pretrained.refresh_batchnorm(net, [before], lambda model, x: model.after(x, 7))
        for i, (block, old) in enumerate(zip(net.blocks, self.flat.blocks)):
            self.assertEqual(block.depthwise.last > block.depthwise.first, i >= 7)
            self.assertEqual(block.project.weight.requires_grad, i >= 7)
            self.assertEqual(torch.equal(block.project_bn.running_var, old.project_bn.running_var), i < 7)

    def test_frozen_blocks_stay_as_the_weights_have_them(self):
        """Whatever clips the statistics of the others come from."""
        nets = [pretrained.flat_from_imagenet(self.imagenet.state_dict(), [clip], 5, 4, 7)
                for clip in (self.clip, 2 * self.clip)]
        for i, (first, second) in enumerate(zip(nets[0].blocks, nets[1].blocks)):
            same = torch.equal(first.project_bn.running_mean, second.project_bn.running_mean)
            self.assertEqual(same, i < 7)
        with torch.no_grad():
            pooled = self.imagenet.features(self.pictures).mean((0, 2, 3))
            torch.testing.assert_close(nets[1].eval()(self.clip)[0], nets[1].head.linear(pooled),
                                       rtol=1e-3, atol=1e-3)

    def test_activations(self):
        """Views are taken in turn and go on as the whole network would, also in two steps and from a file."""
        pictures = Pictures()
        with tempfile.TemporaryDirectory() as folder:
            half = samples.Activations(pictures, self.flat, 4, 2, 64, 2, 0, folder)
            whole = samples.Activations(half, self.flat, 7, 2, 64, 2, 0, folder)
        for kept in (half, whole):
            self.assertEqual(3, len(kept))
            self.assertTrue(torch.equal(kept[0, 1, 64][0], kept[2, 1, 64][0]))
            self.assertFalse(torch.equal(kept[0, 1, 64][0], kept[1, 1, 64][0]))
            for view in range(2):
                picture, label = pictures[view, 2, 64]
                activations, same = kept[view, 2, 64]
                self.assertEqual(label, same)
                with torch.no_grad():
                    expected = self.flat(samples.to_input(picture[None]))
                    torch.testing.assert_close(kept.run(self.flat, activations[None]), expected,
                                               rtol=0.05, atol=0.03 * float(expected.abs().max()))

    def test_activations_are_kept_for_equal_beginnings(self):
        """Another network, other samples or more views are computed anew; the same is read."""
        other = copy.deepcopy(self.flat)
        with torch.no_grad():
            other.blocks[1].project.weight.mul_(2)
        with tempfile.TemporaryDirectory() as folder:
            first = samples.Activations(Pictures(), self.flat, 4, 1, 64, 2, 0, folder)
            again = samples.Activations(Pictures(), copy.deepcopy(self.flat), 4, 1, 64, 2, 0, folder)
            self.assertTrue(torch.equal(first.kept, again.kept))
            for source, net, views in ((Pictures(), other, 1), (Pictures("others"), self.flat, 1),
                                       (Pictures(), self.flat, 2)):
                changed = samples.Activations(source, net, 4, views, 64, 2, 0, folder)
                self.assertNotEqual(first.identity, changed.identity)

    def test_joined_and_both_directions(self):
        """Parts follow each other; about half play backwards, under labels of their own."""
        both = samples.Joined([Pictures(), Pictures()])
        self.assertEqual(6, len(both))
        self.assertTrue(torch.equal(both[0, 4, 8][0], both[0, 1, 8][0]))
        turned, backwards = samples.BothDirections(both, 1), 0
        self.assertEqual(5, len(turned.labels))
        for epoch in range(40):
            for i in (0, 1, 2):
                (frames, label), (moved, new) = both[epoch, i, 8], turned[epoch, i, 8]
                backwards += new in (2, 3)
                self.assertEqual(new, 4 if label == 2 else label + 2 * (new in (2, 3)))
                self.assertTrue(torch.equal(moved, frames.flip(0) if new in (2, 3) else frames))
        self.assertTrue(25 < backwards < 55, backwards)

    def test_both_directions_start_alike(self):
        net = copy.deepcopy(self.flat)
        with torch.no_grad():
            words = net(self.clip)
            pretrained.widen_to_directions(net)
            torch.testing.assert_close(net(self.clip), torch.cat([words[:, :4], words], 1))

    def test_resnet18(self):
        """Frozen blocks are torchvision's, and convolutions that the weights lack start at random."""
        old = torchvision.models.resnet18(num_classes=7).eval()
        weights = {k: v for k, v in old.state_dict().items() if k != "layer4.1.conv2.weight"}
        net = pretrained.resnet18_from_imagenet(weights, [self.clip], 5, networks.Temporal("sth", 0.5, begin=6), 4)
        mean, std = (torch.tensor(v).view(1, 3, 1, 1)
                     for v in (pretrained.IMAGENET_MEAN, pretrained.IMAGENET_STD))
        with torch.no_grad():
            stem = nn.Sequential(old.conv1, old.bn1, old.relu)((self.pictures / 2 + 0.5 - mean) / std)
            ours = net.eval().stem_bn(net.stem(self.pictures)).relu()
            # the padding of the pictures is grey for us, and ImageNet's mean there
            torch.testing.assert_close(ours[:, :, 2:-2, 2:-2], stem[:, :, 2:-2, 2:-2], rtol=1e-3, atol=1e-3)
            x = torch.randn(4, 64, 16, 16)
            torch.testing.assert_close(net.before(x, 6, 1),
                                       nn.Sequential(old.layer1[1], old.layer2, old.layer3)(x), rtol=1e-3, atol=1e-3)
        self.assertFalse(net.blocks[5].convs[0].weight.requires_grad)
        self.assertEqual((0, 0.5), (net.blocks[5].convs[0].p, net.blocks[6].convs[0].p))

    def test_slice_order(self):
        cost = torch.tensor([5., 1., 4., 3., 2., 6., 7., 8.])
        order = pretrained._slice_order(cost, 4, 2)
        self.assertEqual([1, 4], order[4:6].tolist())
        self.assertEqual(list(range(8)), sorted(order.tolist()))


class Signs(unittest.TestCase):
    """FSL-105's samples, from a cache of two small clips."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        shape = (2, data.CLIP_FRAMES, 32, 32, 4)
        store = np.memmap(os.path.join(self.folder.name, "frames.u8"), np.uint8, "w+", shape=shape)
        store[:] = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        store.flush()
        rows = [{"signer": 1, "class_id": i, "active": [1.0, 3.0]} for i in range(2)]
        with open(os.path.join(self.folder.name, "index.json"), "w", encoding="utf-8") as f:
            json.dump({"shape": shape, "rows": rows, "labels": ["a", "b", "nothing"]}, f)

    def samples(self, **options):
        return samples.SignSamples(self.folder.name, 1, augment.Backgrounds(None, 4, 1), 8, 1, 0.0, **options)

    def test_mirrored(self):
        """Every other sample is the mirror image of what it was; the kept activations have another name."""
        plain, mirrored, turned = self.samples(), self.samples(flip=True), 0
        self.assertNotEqual(plain.identity, mirrored.identity)
        for epoch in range(40):
            (before, label), (after, same) = plain[epoch, 1, 24], mirrored[epoch, 1, 24]
            self.assertEqual(label, same)
            turned += not torch.equal(before, after)
            self.assertTrue(torch.equal(after, before) or torch.equal(after, before.flip(2)))
        self.assertTrue(10 < turned < 30, turned)

    def test_bent(self):
        """Hardly bent is not bent; bent, all frames are bent alike, and by about what was asked for."""
        y, x = np.mgrid[0:64, 0:64].astype(np.float32)
        picture = np.stack([4 * x, 4 * y, 2 * (x + y), x], -1).astype(np.uint8)
        frames = np.stack([picture, picture])
        plain, hardly, bent = (augment._warp(frames, 48, elastic, np.random.default_rng(3)).astype(int)
                               for elastic in (0, 1e-9, 0.05))
        self.assertLessEqual(np.abs(plain - hardly)[4:44, 4:44].max(), 2)
        np.testing.assert_array_equal(bent[:48], bent[48:])
        self.assertTrue(1 < np.abs(bent - plain)[8:40, 8:40, :2].mean() / 4 < 4)
        self.assertNotEqual(self.samples().identity, self.samples(elastic=0.05).identity)

    def test_more_frames_stand_closer(self):
        """Windows last as long, whatever the number of frames."""
        for pick in (augment.sign_times, augment.idle_times):
            few, many = (np.mean([np.ptp(pick((1.0, 3.0), frames, np.random.default_rng(i))) for i in range(400)])
                         for frames in (8, 16))
            self.assertAlmostEqual(1, many / few, delta=0.1)


class Teaching(unittest.TestCase):
    """A share of the targets is what a larger network says of the same pictures."""

    def setUp(self):
        torch.manual_seed(0)
        net = networks.STHMobileNetV2(3, 4).eval()
        golden.randomise(net, 0)
        self.net = net
        with tempfile.NamedTemporaryFile() as f:
            torch.save({"average": net.state_dict(), "labels": ["a", "b", "nothing"], "frames": 4, "size": 64}, f.name)
            self.teacher = samples.Teacher(f.name, 0.25)

    def test_targets(self):
        """The teacher sees all frames at its own size; the other every second one, smaller."""
        taught = samples.Taught(Pictures(), self.teacher, 2)
        pictures, label = Pictures()[3, 1, 64]
        with torch.no_grad():
            expected = 0.25 * self.net(samples.to_input(pictures[None]))[0].softmax(0)
        expected[label] += 0.75
        frames, targets = taught[3, 1, 32]
        torch.testing.assert_close(targets, expected, rtol=1e-4, atol=1e-5)
        self.assertEqual((2, 32, 32, 3), tuple(frames.shape))
        blocks = pictures[::2].float().view(2, 32, 2, 32, 2, 3).mean((2, 4))
        self.assertLessEqual(float((frames.float() - blocks).abs().max()), 0.75)

    def test_kept_with_activations(self):
        taught = samples.Taught(Pictures(), self.teacher, 4)
        kept = samples.Activations(taught, self.net, 4, 2, 64, 2, 0)
        for view in range(2):
            torch.testing.assert_close(kept[view, 2, 64][1], taught[view, 2, 64][1])
        mixed, targets = train.mixed_targets(torch.zeros(3, 2), torch.stack([kept[0, i, 64][1] for i in range(3)]),
                                             3, 0.2, np.random.default_rng(0))
        self.assertEqual((3, 2), tuple(mixed.shape))
        torch.testing.assert_close(targets.sum(1), torch.ones(3))

    def test_refused(self):
        with self.assertRaisesRegex(ValueError, "4 frames cannot teach 3"):
            samples.Taught(Pictures(), self.teacher, 3)
        self.teacher.labels = ["others"]
        with self.assertRaisesRegex(ValueError, "other labels"):
            samples.Taught(Pictures(), self.teacher, 4)


class Confusion(unittest.TestCase):
    """The picture puts a category's words side by side; rows are true words."""

    def test_matrix(self):
        matrix = confusion.shares([0, 0, 1, 2], [0, 2, 1, 2], 3)
        np.testing.assert_array_equal(matrix, [[0.5, 0, 0.5], [0, 1, 0], [0, 0, 1]])
        picture = confusion.draw(matrix, {0: "A", 1: "B", 2: "A"})

        def cell(row, column):
            centre = [confusion.MARGIN + confusion.CELL * i + confusion.CELL // 2 for i in (row, column)]
            return tuple(picture[centre[0], centre[1]])

        # in the order 0, 2, 1
        self.assertEqual(confusion.RIGHT, cell(1, 1))
        self.assertEqual(confusion.RIGHT, cell(2, 2))
        self.assertEqual((255, 255, 255), cell(1, 0))
        blue, _, red = cell(0, 1)
        self.assertGreater(red, blue)


class Confidence(unittest.TestCase):
    """Who answers only where it is sure is right more often."""

    def test_thresholds(self):
        confidence = np.array([[0.9, 0.1], [0.2, 0.6], [0.4, 0.3]])
        self.assertEqual([(0.4, 1.0, 2 / 3), (0.5, 2 / 3, 0.5), (0.65, 1 / 3, 1.0), (0.95, 0.0, None)],
                         evaluate.by_confidence(confidence, np.array([0, 0, 0]), (0.4, 0.5, 0.65, 0.95)))


class Idle(unittest.TestCase):
    """Footage of hands at rest, from clips in which they move late enough."""

    def clip(self, begin):
        """A red square on a blue wall that moves in the frames from `begin` to 40: [60, 64, 64, 3]."""
        frames = np.zeros((60, 64, 64, 3), np.uint8)
        frames[..., 2] = 200
        for t in range(60):
            x = min(max(t, begin), 40) - begin
            frames[t, 20:40, x:x + 20] = (200, 30, 0)
            frames[t, 0, 0, 2] = 180 + t
        return frames

    def test_back_and_forth(self):
        frames = false_events.idle_frames(self.clip(20), 24)
        self.assertEqual([*range(11), *range(9, 0, -1), 0, 1, 2, 3], [int(f[0, 0, 2]) - 180 for f in frames])

    def test_moving(self):
        self.assertIsNone(false_events.idle_frames(self.clip(4), 24))


class Export(unittest.TestCase):
    """All forms, layouts and opsets of an ONNX file compute the network."""

    def networks(self):
        """(network with random weights and attention, frames, PyTorch's scores)."""
        x = np.random.default_rng(0).normal(0, 1, (1, 3, FRAMES, 18, 22)).astype(np.float32)
        for integration in ("sum", "attention"):
            temporal = networks.Temporal("sth", 0.25, integration)
            for net in (networks.STHResNet(3, (1, 1), False, FRAMES, width=8,
                                           integration=integration),
                        networks.STHMobileNetV2(3, FRAMES, temporal, settings=[(2, 8, 2, 2)],
                                                stem=8, last=16)):
                golden.randomise(net, 0)
                with torch.no_grad():
                    yield net, x, net(torch.from_numpy(x)).numpy()

    def test_forms(self):
        for net, x, expected in self.networks():
            for form in "abcd":
                for fold, opset in ((True, 13), (False, 9), (False, 18)):
                    model = onnx_export.export(net, (18, 22), form=form, fold=fold, opset=opset)
                    np.testing.assert_allclose(onnx_run.run(model, x), expected, 1e-4, 1e-4)

    def test_rivals(self):
        x = np.random.default_rng(0).normal(0, 1, (1, 3, FRAMES, 18, 22)).astype(np.float32)
        for kind, form in itertools.product(("tsn", "tsm", "2plus1d"), "ab"):
            net = networks.STHMobileNetV2(3, FRAMES, networks.Temporal(kind), settings=[(2, 8, 2, 2)], stem=8, last=16)
            golden.randomise(net, 0)
            with torch.no_grad():
                expected = net(torch.from_numpy(x)).numpy()
            for fold in (True, False):
                model = onnx_export.export(net, (18, 22), form=form, fold=fold)
                np.testing.assert_allclose(onnx_run.run(model, x), expected, 1e-4, 1e-4)
        with self.assertRaisesRegex(ValueError, "forms a and b"):
            onnx_export.export(net, (18, 22), form="c")

    def test_modules(self):
        """What is given to torch.onnx.export computes the network, from every layout."""
        for net, x, expected in self.networks():
            for form, layout in itertools.product("abcd", ("NCTHW", "NTCHW", "TCHW")):
                if form in "ab" and layout == "TCHW":
                    continue
                given = torch.from_numpy(golden.arrange(x, layout))
                with torch.no_grad():
                    scores = torch_forms.as_form(net, form, layout)(given).numpy()
                np.testing.assert_allclose(scores, expected, 1e-4, 1e-4)

    def test_pairs(self):
        """Any two choices that can be combined are, in some golden."""
        recipes = list(golden.pairwise())
        self.assertLess(len(recipes), 40)
        for a, b in itertools.combinations(range(len(golden.FACTORS)), 2):
            values = list(golden.FACTORS.values())
            met = {(r[a], r[b]) for r in recipes}
            can = {(r[a], r[b]) for r in map(golden.Recipe._make, itertools.product(*values))
                   if golden.possible(r)}
            self.assertEqual(can, met)


if __name__ == "__main__":
    unittest.main()

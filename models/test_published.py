#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checkpoints in the layout of published repositories: python3 -m unittest test_published"""
import os
import subprocess
import sys
import tempfile
import unittest

import onnx
import torch
import torchvision

from sth import layers, published

FRAMES = 4
HERE = os.path.dirname(os.path.abspath(__file__))


def flat_name(name):
    """torchvision's name of a MobileNetV2 parameter in TSM's flat blocks."""
    parts = name.split(".")
    if parts[0] != "features" or len(parts) < 4 or parts[2] != "conv":
        return name
    groups = 1 if parts[1] == "1" else 2
    if len(parts) == 6:
        place = 3 * int(parts[3]) + int(parts[4])
        return ".".join(parts[:3] + [str(place)] + parts[5:])
    return ".".join(parts[:3] + [str(3 * groups + int(parts[3]) - groups)] + parts[4:])


def publish(net, shifted):
    """The state of a torchvision network as a TSM checkpoint; shifted: names of wrapped convolutions."""
    state = {}
    for name, value in net.state_dict().items():
        if name.startswith(("fc.", "classifier.1.")):
            state["module.new_fc." + name.rsplit(".", 1)[1]] = value
            continue
        flat = flat_name(name)
        if name.rsplit(".", 1)[0] in shifted:
            flat = flat.replace(".weight", ".net.weight")
        state["module.base_model." + flat] = value
    return {"epoch": 1, "arch": "x", "state_dict": state}


class Published(unittest.TestCase):
    """What is imported computes what the published network computes."""

    def compare(self, arch, shifted):
        torch.manual_seed(0)
        net = torchvision.models.__dict__[arch](num_classes=5).eval()
        state = publish(net, shifted)
        got, classes, kind = published.read(state, FRAMES)
        self.assertEqual((5, ("TSM-" if shifted else "TSN-") + arch), (classes, kind))
        for name in shifted:
            net.get_submodule(name).register_forward_pre_hook(
                lambda module, inputs: layers.temporal_shift(inputs[0], FRAMES))
        x = torch.randn(1, 3, FRAMES, 64, 64)
        with torch.no_grad():
            expected = net(x[0].transpose(0, 1)).mean(0, keepdim=True)
            torch.testing.assert_close(got(x), expected)

    def test_resnets(self):
        self.compare("resnet18", [])
        self.compare("resnet50", ["layer%d.%d.conv1" % (s + 1, b) for s, n in enumerate((3, 4, 6, 3))
                                  for b in range(n)])

    def test_mobilenet(self):
        self.compare("mobilenet_v2", [])
        self.compare("mobilenet_v2", ["features.%d.conv.0.0" % i for i in (3, 5, 6, 8, 9)])

    def test_refused(self):
        with self.assertRaisesRegex(published.CheckpointError, "new_fc.weight"):
            published.read({"state_dict": {}}, FRAMES)
        state = publish(torchvision.models.resnet18(num_classes=5), [])
        del state["state_dict"]["module.base_model.layer2.0.conv1.weight"]
        with self.assertRaisesRegex(published.CheckpointError, "missing .*layer2.0.conv1.weight"):
            published.read(state, FRAMES)

    def test_command(self):
        with tempfile.TemporaryDirectory() as folder:
            torch.save(publish(torchvision.models.resnet18(num_classes=27), ["layer1.0.conv1"]),
                       folder + "/a.pth.tar")
            subprocess.run([sys.executable, os.path.join(HERE, "import_checkpoint.py"), "--checkpoint",
                            folder + "/a.pth.tar", "--frames", "4", "--size", "64", "--dataset", "jester",
                            "--output", folder + "/a.onnx"], check=True, stdout=subprocess.DEVNULL)
            model = onnx.load(folder + "/a.onnx")
        onnx.checker.check_model(model)
        labels = [m.value for m in model.metadata_props if m.key == "sth.labels"][0].split("\n")
        self.assertEqual("Stop Sign", labels[23])


if __name__ == "__main__":
    unittest.main()

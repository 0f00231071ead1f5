#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Data sets read from tiny trees in the layout in which they are distributed: python3 -m unittest test_datasets"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import cv2
import numpy as np
import onnx
import torch
import torchvision

from sth import datasets, networks, onnx_export, onnx_import, samples

HERE = os.path.dirname(os.path.abspath(__file__))


def write(root, name, text):
    """A text file below root, with its folders."""
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def write_pictures(folder, count):
    """Frame i is a plain 40x30 picture of brightness 10 i."""
    os.makedirs(folder)
    for i in range(count):
        cv2.imwrite(os.path.join(folder, "%05d.jpg" % (i + 1)), np.full((30, 40, 3), 10 * i, np.uint8))


def write_video(path, count, codec="MJPG", brightness=10, still=0):
    """The same as a video file; at both ends so many frames are like their neighbours."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    out = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*codec), 12, (40, 30))
    for i in np.clip(np.arange(count), still, count - 1 - still):
        out.write(np.full((30, 40, 3), brightness * i, np.uint8))
    out.release()


class Readers(unittest.TestCase):
    """Each layout gives its clips, split and labels."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def check_frames(self, path):
        """Frames come in the order that was asked for."""
        frames = datasets.read_frames(path, lambda total: [total - 1, 0, 4])
        np.testing.assert_allclose([f.mean() for f in frames], [70, 0, 40], atol=4)

    def test_frame_folders(self):
        for name, prefix, label in (("20bn-jester-v1", "jester-v1", "Stop Sign"),
                                    ("20bn-something-something-v1", "something-something-v1",
                                     "Tipping something over")):
            write(self.root, prefix + "-train.csv", "7;%s\n12;%s\n" % (label, label))
            write(self.root, prefix + "-validation.csv", "9;%s\n" % label)
            write_pictures(os.path.join(self.root, name, "12"), 8)
            read = datasets.jester if "jester" in name else datasets.something_v1
            train, validation, labels = read(self.root)
            self.assertEqual((2, 1), (len(train), len(validation)))
            self.assertEqual(label, labels[train[1].label])
            self.check_frames(train[1].path)

    def test_something_v2(self):
        row = {"id": "5", "label": "tipping a cup over", "template": "Tipping [something] over",
               "placeholders": ["a cup"]}
        write(self.root, "something-something-v2-train.json", json.dumps([row]))
        write(self.root, "something-something-v2-validation.json", json.dumps([dict(row, id="6")]))
        write_video(os.path.join(self.root, "20bn-something-something-v2", "5.webm"), 8, "VP80")
        train, validation, labels = datasets.something_v2(self.root)
        self.assertEqual("Tipping something over", labels[train[0].label])
        self.assertTrue(validation[0].path.endswith("6.webm"))
        self.check_frames(train[0].path)

    def test_hmdb51(self):
        for label in datasets.shipped_labels("hmdb51"):
            write(self.root, "testTrainMulti_7030_splits/%s_test_split2.txt" % label,
                  "a_%s.avi 1\nb_%s.avi 2\nc_%s.avi 0\n" % (label, label, label))
        write_video(os.path.join(self.root, "hmdb51", "wave", "a_wave.avi"), 8)
        train, validation, labels = datasets.hmdb51(self.root, 2)
        self.assertEqual((51, 51, 51), (len(train), len(validation), len(labels)))
        self.assertEqual("wave", labels[train[-1].label])
        self.check_frames(train[-1].path)

    def test_label_lists(self):
        for name, count in (("something-something", 174), ("jester", 27), ("hmdb51", 51)):
            labels = datasets.shipped_labels(name)
            self.assertEqual(count, len(set(labels)))

    def test_errors(self):
        with self.assertRaisesRegex(datasets.DatasetError, "jester-v1-train.csv is not there"):
            datasets.jester(self.root)
        write(self.root, "jester-v1-train.csv", "1;Swimming\n")
        with self.assertRaisesRegex(datasets.DatasetError, "`Swimming` is no label"):
            datasets.jester(self.root)
        os.makedirs(os.path.join(self.root, "own", "jump"))
        with self.assertRaisesRegex(datasets.DatasetError, "jump has no video"):
            datasets.folders(os.path.join(self.root, "own"))
        with self.assertRaisesRegex(datasets.DatasetError, "has no pictures"):
            datasets.read_frames(os.path.join(self.root, "own", "jump"), lambda total: [0])

    def test_samples_are_reproducible(self):
        for label in ("up", "down"):
            write_video(os.path.join(self.root, label, "1.avi"), 8, brightness=10 if label == "up" else 5)
        train, _, labels = datasets.folders(self.root)
        clips = samples.ClipSamples(train, labels, 4, seed=1)
        first, again, other = clips[0, 1, 32], clips[0, 1, 32], clips[1, 1, 32]
        self.assertEqual((4, 32, 32, 3), tuple(first[0].shape))
        self.assertEqual(labels.index("up"), first[1])
        self.assertTrue(torch.equal(first[0], again[0]))
        self.assertFalse(torch.equal(first[0], other[0]))


class FineTuning(unittest.TestCase):
    """A model of export.py goes on learning one's own folders."""

    def test_import_is_the_network(self):
        torch.manual_seed(0)
        net = networks.STHMobileNetV2(2, 4)
        x = torch.randn(2, 3, 4, 64, 64)
        net.train()
        with torch.no_grad():
            for _ in range(3):
                net(x)
        net.eval()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.onnx")
            onnx.save(onnx_export.export(net, (64, 64), metadata={"sth.labels": "a\nb"}), path)
            again, metadata = onnx_import.sth_from_onnx(path, [x], ["a", "b"], 4)
            other, _ = onnx_import.sth_from_onnx(path, [x], ["a", "c", "d"], 4)
            early, late = (onnx_import.sth_from_onnx(path, [batch], ["a", "b"], 4, 7)[0] for batch in (x, x[:1]))
        self.assertEqual("a\nb", metadata["sth.labels"])
        self.assertEqual(3, other.head.linear.out_features)
        with torch.no_grad():
            expected = net(x)
            torch.testing.assert_close(again.eval()(x), expected, rtol=1e-3,
                                       atol=1e-3 * float(expected.abs().max()))
            # blocks that stay are the same whatever the clips, so that their activations can be kept
            torch.testing.assert_close(early.eval()(x), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
            self.assertTrue(torch.equal(early.before(x, 7), late.eval().before(x, 7)))
            self.assertFalse(early.blocks[6].expand.weight.requires_grad)
            self.assertTrue(early.blocks[7].expand.weight.requires_grad)

    def test_command(self):
        """Two classes that brightness tells apart are learnt from two clips each."""
        with tempfile.TemporaryDirectory() as folder:
            for label, step in (("bright", 25), ("dark", 2)):
                for i in range(5):
                    write_video(os.path.join(folder, "data", label, "%d.avi" % i), 10, brightness=step)
            checkpoint = os.path.join(folder, "c.pt")
            model = os.path.join(HERE, "default", "sth-mobilenet-v2-fsl105.onnx")
            for command in (["train.py", "--dataset", "folders", "--data", folder + "/data", "--finetune",
                             model, "--output", checkpoint, "--epochs", "6", "--sizes", "64",
                             "--batch", "4", "--mixup", "0", "--threads", "1"],
                            ["evaluate.py", "--dataset", "folders", "--data", folder + "/data",
                             "--model", checkpoint, "--json", folder + "/r.json"]):
                subprocess.run([sys.executable, os.path.join(HERE, command[0])] + command[1:],
                               check=True, stdout=subprocess.DEVNULL)
            subprocess.run([sys.executable, os.path.join(HERE, "export.py"), "--checkpoint", checkpoint,
                            "--output", folder + "/m.onnx"], check=True, stdout=subprocess.DEVNULL)
            metadata = {m.key: m.value for m in onnx.load(folder + "/m.onnx").metadata_props}
            self.assertEqual("bright\ndark", metadata["sth.labels"])
            self.assertEqual("CC-BY-4.0", metadata["sth.license"])
            self.assertIn("FSL-105", metadata["sth.attribution"])
            self.assertNotIn("sth.background-label", metadata)
            with open(folder + "/r.json", encoding="utf-8") as f:
                self.assertEqual(1.0, json.load(f)["top1"])


class Signs(unittest.TestCase):
    """Clips of signers: a 2-D network, then STH behind its frozen blocks, whose activations are kept."""

    def run_program(self, *words):
        out = subprocess.run([sys.executable, os.path.join(HERE, words[0])] + [str(w) for w in words[1:]],
                             check=True, stdout=subprocess.PIPE)
        return out.stdout.decode()

    def test_commands(self):
        with tempfile.TemporaryDirectory() as folder:
            clips = [(word, signer) for word in (0, 1) for signer in (1, 2)]
            for word, signer in clips:
                write_video(os.path.join(folder, "%d%d.avi" % (word, signer)), 61, brightness=1 + 3 * word, still=20)
            write(folder, "manifest.csv", "file,class_id,label,category,signer\n" + "".join(
                "%d%d.avi,%d,word %d,NUMBER,%d\n" % (word, signer, word, word, signer) for word, signer in clips))
            torch.save(torchvision.models.mobilenet_v2().state_dict(), folder + "/imagenet.pth")
            train = ["train.py", "--data", folder, "--cache", folder + "/cache", "--signers", 1, 2, "--epochs", 1,
                     "--sizes", 64, "--views", 1, "--batch", 4, "--threads", 1, "--frames", 4]
            self.run_program(*train, "--weights", folder + "/imagenet.pth", "--temporal", "tsn", "--frozen", 7,
                             "--output", folder + "/flat.pt")
            behind = train + ["--flat", folder + "/flat.pt", "--frozen", 14, "--p", 0.5]
            out = self.run_program(*behind, "--output", folder + "/words.pt")
            self.assertEqual(2, out.count("block 14: activations of 1 views kept"))
            self.assertNotIn("block 7:", out)
            out = self.run_program(*behind, "--direction", "--output", folder + "/both.pt")
            self.assertNotIn("activations", out)
            self.run_program("evaluate.py", "--data", folder, "--model", folder + "/both.pt", "--signers", 2,
                             "--json", folder + "/r.json")
            with open(folder + "/r.json", encoding="utf-8") as f:
                self.assertEqual({"top1", "top5"}, set(json.load(f)["word_and_direction"]))
            self.assertIn("finished already", self.run_program(*behind, "--resume", "--output", folder + "/words.pt"))
            # twice the frames, which then teach as many as before; their pictures are bent and mirrored
            self.run_program(*behind, "--frames", 8, "--output", folder + "/many.pt")
            self.run_program(*train, "--weights", folder + "/imagenet.pth", "--teacher", folder + "/many.pt",
                             "--elastic", 0.02, "--flip", "--output", folder + "/taught.pt")
            self.assertEqual([8, 4], [torch.load(folder + name)["frames"] for name in ("/many.pt", "/taught.pt")])
            self.run_program("evaluate.py", "--data", folder, "--model", folder + "/many.pt", "--signers", 2,
                             "--json", folder + "/r.json")
            with open(folder + "/r.json", encoding="utf-8") as f:
                self.assertEqual([0.3, 0.4, 0.5, 0.6, 0.7], [row[0] for row in json.load(f)["confidence"]])
            look = ["evaluate.py", "--data", folder, "--model", folder + "/taught.pt", "--views", "window"]
            self.run_program(*look, "--signers", 2, "--scores", folder + "/s.npz")
            out = self.run_program(*look, "--signers", 2, "--against", folder + "/s.npz")
            self.assertIn("window  +0.0 ± 0.0 points against " + folder + "/s.npz", out)
            with self.assertRaises(subprocess.CalledProcessError):
                self.run_program(*look, "--signers", 1, "--against", folder + "/s.npz")
            with self.assertRaises(subprocess.CalledProcessError):
                self.run_program(*train, "--weights", folder + "/imagenet.pth", "--sizes", 160, "--output", folder + "/y.pt")


if __name__ == "__main__":
    unittest.main()

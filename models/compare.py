#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""STH beside its rivals: the same backbone, data and recipe; only time is seen differently.

For each signer that is held out, first one 2-D network (TSN) learns the words
from ImageNet weights, of which the first blocks stay as they are.  Every row of
the table, TSN too, goes on from it for as many epochs as the others, with the
same rates; only the last blocks learn, and only they see time.  What the other
blocks make of the clips is computed once.  Rows are trained and measured one
after the other (several at once with --jobs).  Stop it at any time: called
again, it goes on with what is missing.  Then it prints the tables as Markdown.

Measured is the window of 8 frames, 4 a second (of 16, 8 a second), in the middle
of each clip of the signer held out; for word and direction forwards and
backwards.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import sth  # before NumPy: chooses the kernels of OpenBLAS

import cv2
import numpy as np
import torch

import evaluate
from sth import data, networks
from sth.samples import Activations, Clips

Row = collections.namedtuple("Row", "name temporal p integration direction held_out")
SIGNERS = (1, 2, 3)

# Of all rows alike; chosen on signers 1 and 2 only (README.md).
RECIPE = ["--batch", 32, "--mixup", 0, "--float32"]
AFTERWARDS = ["--tap-seed", 0.5, "--new-rate", 5]

# In the order in which they are trained.
ROWS = [
    Row("TSN (2-D, mean over frames)", "tsn", 0, "sum", False, 3),
    Row("STH, p = 1/2, sum", "sth", 0.5, "sum", False, 3),
    Row("TSN", "tsn", 0, "sum", True, 3),
    Row("STH, p = 1/2, sum", "sth", 0.5, "sum", True, 3),
    Row("TSM", "tsm", 0, "sum", False, 3),
    Row("(2+1)-D", "2plus1d", 0, "sum", False, 3),
    Row("STH, p = 1/4, sum", "sth", 0.25, "sum", False, 3),
    Row("STH, p = 1/8, sum", "sth", 0.125, "sum", False, 3),
    Row("STH, p = 1/2, attention", "sth", 0.5, "attention", False, 3),
    Row("TSN", "tsn", 0, "sum", False, 1),
    Row("STH, p = 1/2, sum", "sth", 0.5, "sum", False, 1),
    Row("TSN", "tsn", 0, "sum", False, 2),
    Row("STH, p = 1/2, sum", "sth", 0.5, "sum", False, 2),
    Row("TSM", "tsm", 0, "sum", True, 3),
    Row("(2+1)-D", "2plus1d", 0, "sum", True, 3),
    Row("STH, p = 1/2, attention", "sth", 0.5, "attention", True, 3),
]


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", required=True, help="folder with manifest.csv and clips")
    p.add_argument("--weights", required=True, help="ImageNet MobileNetV2, folded (.pth)")
    p.add_argument("--backgrounds", help="folder of videos used as blurred backgrounds")
    p.add_argument("--work", required=True, help="folder for the checkpoints and figures")
    p.add_argument("--cache", help="folder for the decoded frames and activations [WORK/cache]")
    p.add_argument("--flat-epochs", type=int, default=10, help="of the 2-D network that all rows start from")
    p.add_argument("--flat-frozen", type=int, default=7, metavar="BLOCKS", help="of it, which stay as ImageNet's")
    p.add_argument("--epochs", type=int, default=12, help="of each row after that")
    p.add_argument("--frozen", type=int, default=14, metavar="BLOCKS",
                   help="so many blocks of the rows stay 2-D and are not trained further")
    p.add_argument("--views", type=int, default=8, help="augmented passes over the clips that are kept")
    p.add_argument("--size", type=int, default=112)
    p.add_argument("--frames", type=int, default=8, help="of the rows; the 2-D network that they start from has 8")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--jobs", type=int, default=1, help="rows trained at the same time")
    p.add_argument("--threads", type=int, default=1, help="of each")
    p.add_argument("--rows", type=int, nargs="+", help="only these, counted from 1")
    p.add_argument("--table", action="store_true", help="only print what is there")
    p.add_argument("--sth", metavar="TOOL", help="path of `sth`: multiply-accumulates and times of its `bench`")
    args = p.parse_args()
    args.cache = args.cache or os.path.join(args.work, "cache")
    return args


class CentredWindows(Clips):
    """What evaluate.py's `window` sees of a signer: one window in the middle of each clip."""

    def __init__(self, folder, signer, frames, size):
        rows = data.read_manifest(folder)
        self.labels, self.folder, self.frames, self.size = data.labels_of(rows), folder, frames, size
        self.rows = [row for row in rows if row["signer"] == signer]
        self.identity = "centred windows of signer %d, %d frames at %g a second" % (
            signer, frames, data.window_rate(frames))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        row = self.rows[key[1]]
        pictures = evaluate.pictures_of(self, os.path.join(self.folder, row["file"]))
        index = evaluate.centred_window(self, len(pictures), data.window_rate(self.frames))
        return torch.from_numpy(pictures[index]), row["class_id"]


def file_of(args, row, ending):
    """Where a row's checkpoint, log and figures are."""
    parts = [row.temporal] + (["p%g" % row.p, row.integration] if row.temporal == "sth" else [])
    parts += ["direction"] * row.direction + ["%dframes" % args.frames] * (args.frames != 8)
    parts += ["signer%d" % row.held_out, "seed%d" % args.seed]
    return os.path.join(args.work, "-".join(parts) + ending)


def flat_of(args, held_out, ending):
    """Where the 2-D network is that the rows start from."""
    return os.path.join(args.work, "flat-signer%d-seed%d%s" % (held_out, args.seed, ending))


def train(args, held_out, output, *options):
    """Run train.py on the other signers; what it says goes to the end of the log beside its output."""
    here = os.path.dirname(os.path.abspath(__file__))
    options += ("--backgrounds", args.backgrounds) if args.backgrounds else ()
    command = [sys.executable, "-u", os.path.join(here, "train.py"), "--data", args.data, "--cache", args.cache,
               "--output", output, "--resume", "--sizes", args.size, "--seed", args.seed, "--views", args.views,
               "--threads", args.threads, *RECIPE, *options,
               "--signers", *[s for s in SIGNERS if s != held_out]]
    with open(os.path.splitext(output)[0] + ".log", "a", encoding="utf-8") as log:
        subprocess.run([str(word) for word in command], check=True, stdout=log, stderr=subprocess.STDOUT)


def run_flat(args, held_out):
    """Train the 2-D network that the rows start from."""
    train(args, held_out, flat_of(args, held_out, ".pt"), "--weights", args.weights,
          "--epochs", args.flat_epochs, "--temporal", "tsn", "--frozen", args.flat_frozen)


def run(args, row):
    """Train and measure one row unless that was done before."""
    checkpoint, figures = file_of(args, row, ".pt"), file_of(args, row, ".json")
    if os.path.exists(figures):
        return
    train(args, row.held_out, checkpoint, "--flat", flat_of(args, row.held_out, ".pt"), "--epochs", args.epochs,
          "--frozen", args.frozen, "--frames", args.frames, "--temporal", row.temporal, "--p", row.p or 0.5,
          "--integration", row.integration, *AFTERWARDS, *["--direction"] * row.direction)
    with open(figures + ".new", "w", encoding="utf-8") as f:
        json.dump(measure(args, row, networks.from_checkpoint(torch.load(checkpoint))), f)
    os.replace(figures + ".new", figures)


@torch.no_grad()
def measure(args, row, net):
    """Figures of the signer held out, and which clips (then which of them backwards) were right."""
    part = CentredWindows(args.data, row.held_out, net.frames, args.size)
    for number in (args.flat_frozen, args.frozen):
        part = Activations(part, net, number, 1, args.size, folder=os.path.join(args.cache, "activations"))
    windows, truth = part.kept, np.array(part.targets)
    if row.direction:
        windows = torch.cat([windows, windows.flip(1)])
        truth = np.concatenate([truth, truth + len(part.labels) - 1])
    scores = torch.cat([part.run(net, x) for x in windows.split(32)]).numpy()
    top1, top5, _ = evaluate.accuracy(scores, truth)
    best = scores[:, :-1].argmax(1)
    figures = {"top1": top1, "top5": top5, "right": (best == truth).astype(int).tolist()}
    if row.direction:
        words = len(part.labels) - 1
        figures.update(word=float((best % words == truth % words).mean()),
                       direction=float((best // words == truth // words).mean()))
    return figures


def parameters(net):
    """How many numbers the network has, without the planes that temporal channels do not have."""
    unused = sum(8 * (m.last - m.first) for m in net.modules() if isinstance(m, networks.STHDepthwise))
    return sum(p.numel() for p in net.parameters()) - unused


def load(args, row):
    """A finished row's network."""
    return networks.from_checkpoint(torch.load(file_of(args, row, ".pt"), map_location="cpu"))


def speed(args, row):
    """(GMAC, ms) of one window on one thread in our engine."""
    model = file_of(args, row, ".onnx")
    here = os.path.dirname(os.path.abspath(__file__))
    if not os.path.exists(model):
        subprocess.run([sys.executable, os.path.join(here, "export.py"), "--checkpoint", file_of(args, row, ".pt"),
                        "--output", model], check=True, stdout=subprocess.DEVNULL)
    out = subprocess.run([args.sth, "bench", "--json", "--threads", "1", "--iterations", "20", model],
                         check=True, stdout=subprocess.PIPE)
    figures = json.loads(out.stdout.decode())
    return figures["gmacs"], figures["ms_min"]


def finished(args, rows):
    """Those with figures, and these: [(row, figures)]."""
    found = []
    for row in rows:
        if os.path.exists(file_of(args, row, ".json")):
            with open(file_of(args, row, ".json"), encoding="utf-8") as f:
                found.append((row, json.load(f)))
    return found


def print_words(args, rows):
    """The words of signer 3, and what the networks cost."""
    print("| network | thousand parameters | GMAC | ms | top-1 | top-5 |\n|---|---|---|---|---|---|")
    for row, got in rows:
        if row.direction or row.held_out != SIGNERS[-1]:
            continue
        cost = "%.3f | %.1f" % speed(args, row) if args.sth else "|"
        print("| %s | %.0f | %s | %.1f ± %.1f %% | %.1f %% |" % (
            row.name, parameters(load(args, row)) / 1e3, cost, 100 * got["top1"], 100 * evaluate.interval(got["right"]),
            100 * got["top5"]))


def print_direction(rows, load):
    """Words and directions of signer 3; both ways of a clip count as one for the interval.  load(row): its network."""
    print("\n| word and direction | thousand parameters | top-1 | above TSN | top-5 | word | direction alone |\n"
          "|---|---|---|---|---|---|---|")
    right = {row: np.reshape(got["right"], (2, -1)).mean(0) for row, got in rows if row.direction}
    flat = next((r for row, r in right.items() if row.temporal == "tsn"), None)
    for row, got in rows:
        if row not in right:
            continue
        more = "" if flat is None or row.temporal == "tsn" else "%+.1f ± %.1f" % (
            100 * (right[row] - flat).mean(), 100 * evaluate.interval(right[row] - flat))
        print("| %s | %.0f | %.1f ± %.1f %% | %s | %s |" % (
            row.name, parameters(load(row)) / 1e3, 100 * got["top1"], 100 * evaluate.interval(right[row]), more,
            " | ".join("%.1f %%" % (100 * got[key]) for key in ("top5", "word", "direction"))))


def print_folds(rows):
    """TSN and the best STH on every signer, and by how much they differ on the same clips."""
    print("\n| signer held out | clips | TSN | %s | difference |\n|---|---|---|---|---|" % ROWS[1].name)
    right = {(row.temporal, row.held_out): np.array(got["right"]) for row, got in rows
             if not row.direction and row[1:4] in (ROWS[0][1:4], ROWS[1][1:4])}
    folds = [s for s in SIGNERS if ("tsn", s) in right and ("sth", s) in right]
    for name, signers in [(str(s), [s]) for s in folds] + [("all", folds)] * (len(folds) > 1):
        tsn, ours = (np.concatenate([right[kind, s] for s in signers]) for kind in ("tsn", "sth"))
        print("| %s | %d | %s | %+.1f ± %.1f |" % (name, len(tsn), " | ".join(
            "%.1f ± %.1f %%" % (100 * r.mean(), 100 * evaluate.interval(r)) for r in (tsn, ours)),
            100 * (ours.mean() - tsn.mean()), 100 * evaluate.interval(ours - tsn)))


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    rows = [ROWS[i - 1] for i in args.rows] if args.rows else ROWS
    if not args.table:
        os.makedirs(args.work, exist_ok=True)
        for held_out in sorted({row.held_out for row in rows}, reverse=True):
            run_flat(args, held_out)
            with ThreadPoolExecutor(args.jobs) as pool:
                list(pool.map(lambda row: run(args, row), [r for r in rows if r.held_out == held_out]))
    rows = finished(args, rows)
    print_words(args, rows)
    print_direction(rows, lambda row: load(args, row))
    print_folds(rows)


if __name__ == "__main__":
    main()

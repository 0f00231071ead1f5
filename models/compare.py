#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""STH beside its rivals: the same backbone, data and recipe; only time is seen differently.

For each signer that is held out, first one 2-D network (TSN) learns the words;
every row of the table, TSN too, goes on from it for as many epochs as the
others.  Rows are trained and measured one after the other (several at once
with --jobs).  Stop it at any time: called again, it goes on with what is
missing.  Then it prints the table as Markdown.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import torch

from sth import networks

Row = collections.namedtuple("Row", "name temporal p integration direction held_out")
SIGNERS = (1, 2, 3)
FADE = 0.3  # share of the training over which planes become temporal

# In the order in which they are trained.
ROWS = [
    Row("TSN (2-D, mean over frames)", "tsn", 0, "sum", False, 3),
    Row("STH, p = 1/4, sum", "sth", 0.25, "sum", False, 3),
    Row("STH, p = 1/4, word and direction", "sth", 0.25, "sum", True, 3),
    Row("TSN, word and direction", "tsn", 0, "sum", True, 3),
    Row("TSM", "tsm", 0, "sum", False, 3),
    Row("(2+1)-D", "2plus1d", 0, "sum", False, 3),
    Row("STH, p = 1/4, attention", "sth", 0.25, "attention", False, 3),
    Row("STH, p = 1/8, sum", "sth", 0.125, "sum", False, 3),
    Row("STH, p = 1/2, sum", "sth", 0.5, "sum", False, 3),
    Row("TSN, signer 1 held out", "tsn", 0, "sum", False, 1),
    Row("STH, p = 1/4, sum, signer 1 held out", "sth", 0.25, "sum", False, 1),
    Row("TSN, signer 2 held out", "tsn", 0, "sum", False, 2),
    Row("STH, p = 1/4, sum, signer 2 held out", "sth", 0.25, "sum", False, 2),
]


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", required=True, help="folder with manifest.csv and clips")
    p.add_argument("--weights", required=True, help="ImageNet MobileNetV2, folded (.pth)")
    p.add_argument("--backgrounds", help="folder of videos used as blurred backgrounds")
    p.add_argument("--work", required=True, help="folder for the frames and the checkpoints")
    p.add_argument("--flat-epochs", type=int, default=12, help="of the 2-D network that all rows start from")
    p.add_argument("--epochs", type=int, default=12, help="of each row after that")
    p.add_argument("--frozen", type=int, default=0, metavar="BLOCKS",
                   help="so many blocks stay 2-D and are not trained further (train.py --frozen)")
    p.add_argument("--size", type=int, default=112)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--jobs", type=int, default=1, help="rows trained at the same time")
    p.add_argument("--threads", type=int, default=1, help="of each")
    p.add_argument("--rows", type=int, nargs="+", help="only these, counted from 1")
    p.add_argument("--table", action="store_true", help="only print what is there")
    return p.parse_args()


def file_of(args, row, ending):
    """Where a row's checkpoint, log and figures are."""
    parts = [row.temporal] + (["p%g" % row.p, row.integration] if row.temporal == "sth" else [])
    parts += ["frozen%d" % args.frozen] * (args.frozen > 0)
    parts += ["direction"] * row.direction + ["signer%d" % row.held_out, "seed%d" % args.seed]
    return os.path.join(args.work, "-".join(parts) + ending)


def flat_of(args, held_out, ending):
    """Where the 2-D network is that the rows start from."""
    return os.path.join(args.work, "flat-signer%d-seed%d%s" % (held_out, args.seed, ending))


def command_of(args, script, *options):
    """One of the programs beside this one, on the data of all."""
    here = os.path.dirname(os.path.abspath(__file__))
    return [sys.executable, "-u", os.path.join(here, script), "--data", args.data,
            "--threads", str(args.threads)] + [str(o) for o in options]


def train(args, held_out, output, *options):
    """The command that trains on the other signers."""
    options += ("--backgrounds", args.backgrounds) if args.backgrounds else ()
    return command_of(args, "train.py", "--cache", os.path.join(args.work, "cache"), "--output", output,
                      "--resume", "--sizes", args.size, "--seed", args.seed, *options,
                      "--signers", *[s for s in SIGNERS if s != held_out])


def call(log, *commands):
    """Run programs; what they say goes to the end of a file."""
    with open(log, "a", encoding="utf-8") as f:
        for command in commands:
            subprocess.run(command, check=True, stdout=f, stderr=subprocess.STDOUT)


def run_flat(args, held_out):
    """Train the 2-D network that the rows start from."""
    call(flat_of(args, held_out, ".log"),
         train(args, held_out, flat_of(args, held_out, ".pt"), "--weights", args.weights,
               "--epochs", args.flat_epochs, "--temporal", "tsn"))


def run(args, row):
    """Train and measure one row unless that was done before."""
    checkpoint, figures = file_of(args, row, ".pt"), file_of(args, row, ".json")
    if os.path.exists(figures):
        return
    kind = ["--temporal", row.temporal, "--p", row.p, "--integration", row.integration,
            "--frozen", args.frozen] + ["--direction"] * row.direction
    call(file_of(args, row, ".log"),
         train(args, row.held_out, checkpoint, "--flat", flat_of(args, row.held_out, ".pt"),
               "--epochs", args.epochs, "--fade", FADE, *kind),
         command_of(args, "evaluate.py", "--model", checkpoint, "--signers", row.held_out,
                    "--views", "clip", "window", "--json", figures))


def parameters(args, row, classes):
    """How many numbers the network has, in thousands."""
    net = networks.STHMobileNetV2(classes, temporal=networks.Temporal(
        row.temporal, row.p, row.integration, args.frozen))
    unused = sum(8 * (m.last - m.first) for m in net.modules()
                 if isinstance(m, networks.STHDepthwise))
    return (sum(p.numel() for p in net.parameters()) - unused) / 1e3


def print_table(args, rows):
    """Markdown; rows without figures are left out."""
    print("| network | thousand parameters | top-1 | top-5 | epochs |\n|---|---|---|---|---|")
    for row in rows:
        if not os.path.exists(file_of(args, row, ".json")):
            continue
        with open(file_of(args, row, ".json"), encoding="utf-8") as f:
            figures = json.load(f)
        state = torch.load(file_of(args, row, ".pt"), map_location="cpu")
        got = figures["word_and_direction" if row.direction else "window"]
        print("| %s | %.0f | %.1f %% | %.1f %% | %d |" % (
            row.name, parameters(args, row, len(state["labels"])), 100 * got["top1"],
            100 * got["top5"], state["epoch"]))


def main():
    args = parse_arguments()
    rows = [ROWS[i - 1] for i in args.rows] if args.rows else ROWS
    if not args.table:
        os.makedirs(args.work, exist_ok=True)
        with ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(lambda held_out: run_flat(args, held_out), sorted({r.held_out for r in rows}, reverse=True)))
            list(pool.map(lambda row: run(args, row), rows))
    print_table(args, rows)


if __name__ == "__main__":
    main()

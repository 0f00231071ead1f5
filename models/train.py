#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train STH-MobileNetV2, or one of its rivals, on a CPU.

On FSL-105 (signers, `nothing`, other backgrounds), on one of the usual data
sets as it is distributed, or on folders of one's own clips; from ImageNet
weights, or, with --finetune, from a model that was trained before.

The last epoch's moving average is the model; nothing is chosen by looking at
the signer held out.  Stop it with SIGSTOP or kill it at any time: --resume goes
on from the last complete epoch.
"""
import argparse
import copy
import os
import subprocess
import time
from itertools import islice

import sth  # before NumPy: chooses the kernels of OpenBLAS

import numpy as np
import torch
from torch.nn import functional as F

from sth import augment, data, datasets, networks, onnx_import, pretrained
from sth.layers import STHDepthwise, TAP_SEED
from sth.samples import (Activations, BothDirections, ClipSamples, Joined, SignSamples, Taught, Teacher, autocast,
                         epoch_batches)

def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--dataset", choices=["fsl105"] + sorted(datasets.DATASETS), default="fsl105",
                   help="folders: DATA/LABEL/*.mp4")
    p.add_argument("--data", required=True, help="root folder of the data set")
    start_from = p.add_mutually_exclusive_group(required=True)
    start_from.add_argument("--weights", help="ImageNet MobileNetV2 or ResNet-18, folded (.pth)")
    start_from.add_argument("--flat", metavar="CHECKPOINT",
                            help="go on from a TSN of this program: some of its planes become temporal")
    start_from.add_argument("--finetune", metavar="MODEL.onnx",
                            help="go on from a model of export.py (form a); only the classifier is new")
    p.add_argument("--network", choices=("mobilenet_v2", "resnet18"), default="mobilenet_v2",
                   help="resnet18: with --weights only, --temporal sth or tsn")
    p.add_argument("--output", required=True, help="checkpoint to write")
    p.add_argument("--cache", help="fsl105: folder for decoded frames (made if missing)")
    p.add_argument("--cache-size", type=int, default=144, help="fsl105: pixels of the frames in a cache that is made")
    p.add_argument("--signers", type=int, nargs="+", default=[1, 2], help="fsl105: to train on")
    p.add_argument("--backgrounds", help="fsl105: folder of videos used as blurred backgrounds")
    p.add_argument("--flip", action="store_true", help="fsl105, folders: a mirrored clip has the same label")
    p.add_argument("--elastic", type=float, default=0.0, metavar="SHARE",
                   help="fsl105: bend pictures by about this part of their size; 0.02 is much")
    p.add_argument("--epochs", type=int, default=60)
    p.add_argument("--budget-minutes", type=float,
                   help="end after about this time; replaces --epochs in the schedule")
    p.add_argument("--sizes", type=int, nargs="+", default=[112, 112, 128],
                   help="input sizes, each for an equal part of the training")
    p.add_argument("--frames", type=int, default=8,
                   help="of a window, which lasts as long with more of them; need not be those of what it goes on from")
    p.add_argument("--temporal", choices=networks.Temporal.KINDS, default="sth",
                   help="how the network sees time (networks.Temporal)")
    p.add_argument("--p", type=float, default=0.25, help="fraction of temporal channels of STH")
    p.add_argument("--integration", choices=("sum", "attention"), default="sum")
    p.add_argument("--frozen", type=int, default=0, metavar="BLOCKS",
                   help="the stem and so many blocks stay as they start (2-D, but for --finetune) and run once "
                        "for all epochs; fsl105: once for all trainings, kept in CACHE/activations")
    p.add_argument("--views", type=int, default=8, help="with --frozen: differently augmented passes that are kept")
    p.add_argument("--teacher", metavar="CHECKPOINT",
                   help="of this program, same labels: a share of the targets is what it says of the same pictures")
    p.add_argument("--teacher-share", type=float, default=0.5)
    p.add_argument("--direction", action="store_true",
                   help="fsl105: play half of the clips backwards and learn word and direction")
    p.add_argument("--fade", type=float, default=0.0, metavar="SHARE",
                   help="take the planes of the temporal channels away step by step over this share "
                        "of the training; 0: before it begins")
    p.add_argument("--tap-seed", type=float, default=TAP_SEED,
                   help="of the plane's norm, what the taps t-1 and t+1 start with")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--new-rate", type=float, default=1.0, metavar="FACTOR",
                   help="the temporal taps and the classifier learn so many times as fast as the rest")
    p.add_argument("--weight-decay", type=float, default=0.03)
    p.add_argument("--mixup", type=float, default=0.2, help="Beta parameter, 0 = off")
    p.add_argument("--idle", type=float, default=0.09, help="fsl105: share of `nothing` samples")
    p.add_argument("--float32", action="store_true", help="no bfloat16 in training, where else the CPU's would be used")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--workers", type=int, default=1, help="processes that augment")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--resume", action="store_true")
    p.add_argument("--limit-clips", type=int, help="train on the first clips only (tests)")
    args = p.parse_args()
    if args.dataset == "fsl105" and not args.cache:
        p.error("--cache is needed for fsl105")
    if args.finetune and (args.temporal, args.p, args.integration) != ("sth", 0.25, "sum"):
        p.error("--finetune goes on from STH, p = 1/4, sum")
    if args.network == "resnet18" and (not args.weights or args.fade or args.temporal not in ("sth", "tsn")):
        p.error("--network resnet18 goes with --weights, --temporal sth or tsn, and no --fade")
    if args.frozen and len(args.sizes) > 1:
        p.error("--frozen goes with one size")
    if args.teacher and args.direction:
        p.error("--teacher knows words only, not --direction")
    if args.frozen and args.finetune and args.direction:
        p.error("frozen blocks that see time cannot be played backwards; leave --frozen or --direction out")
    return args


def open_parts(args):
    """The training samples that the arguments ask for, by signers; only FSL-105 has those."""
    teacher = args.teacher and Teacher(args.teacher, args.teacher_share)
    frames = teacher.frames if teacher else args.frames
    if args.dataset == "fsl105":
        open_cache(args, max(args.sizes + ([teacher.size] if teacher else [])))
        backgrounds = augment.Backgrounds(args.backgrounds, 500, args.seed)
        parts = [SignSamples(args.cache, signer, backgrounds, frames, args.seed, args.idle,
                             args.limit_clips, args.flip, args.elastic) for signer in args.signers]
    else:
        read, flip = datasets.DATASETS[args.dataset]
        clips, _, labels = read(args.data)
        parts = [ClipSamples(clips, labels, frames, args.seed, flip or args.flip, args.limit_clips)]
    return [Taught(part, teacher, args.frames) for part in parts] if teacher else parts


def open_cache(args, size):
    """Decode FSL-105 unless that was done; size: the largest pictures that are asked for."""
    if not os.path.exists(os.path.join(args.cache, "index.json")):
        data.build_cache(args.data, args.cache, args.cache_size)
    there = data.open_cache(args.cache)[0].shape[2]
    if there < size:
        raise SystemExit("%s has frames of %d pixels, too few for %d; use another --cache, with --cache-size %d" % (
            args.cache, there, size, size))


def joined(args, parts):
    """All samples, in both directions where that is asked for."""
    samples = Joined(parts)
    return BothDirections(samples, args.seed) if args.direction else samples


def optimiser_for(net, args):
    """AdamW; convolution kernels decay, BatchNorm, biases and temporal taps do not.

    Each group's `factor` is of the scheduled rate.
    """
    groups = {}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            taps = "taps" in name
            key = taps or name.startswith("head."), parameter.dim() > 1 and not taps
            groups.setdefault(key, []).append(parameter)
    return torch.optim.AdamW([{"params": parameters, "factor": args.new_rate if new else 1.0,
                               "weight_decay": args.weight_decay if decays else 0.0}
                              for (new, decays), parameters in groups.items()], lr=args.lr)


def mixed_targets(x, labels, classes, alpha, rng):
    """Mixup over the batch: mixed x, and targets [N, classes] that sum to 1.

    labels: [N], or [N, classes] where a teacher has a say.
    """
    targets = labels if labels.dim() == 2 else F.one_hot(labels, classes).float()
    if alpha <= 0:
        return x, targets
    share = float(np.clip(1 - rng.beta(alpha, alpha), 0, 1))
    share = max(share, 1 - share)
    order = torch.from_numpy(rng.permutation(len(x)))
    return (x.mul(share).add_(x[order], alpha=1 - share),
            targets * share + targets[order] * (1 - share))


def loss_of(logits, targets, direction):
    """Cross entropy with label smoothing.

    With direction also of the sums over all words forwards, all words
    backwards, and `nothing`: what tells forwards from backwards is much the
    same for all words, which ten clips of each do not show by themselves.
    """
    loss = F.cross_entropy(logits, targets, label_smoothing=0.1)
    if direction:
        words = (logits.shape[1] - 1) // 2
        parts = [words, words, 1]
        sums = torch.stack([part.logsumexp(1) for part in logits.split(parts, 1)], 1)
        loss = loss + F.cross_entropy(
            sums, torch.stack([part.sum(1) for part in targets.split(parts, 1)], 1))
    return loss


@torch.no_grad()
def update_average(average, net, step):
    """Exponential moving average of all weights and statistics."""
    keep = min(0.998, (1 + step) / (10 + step))
    for a, b in zip(average.state_dict().values(), net.state_dict().values()):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1 - keep)
        else:
            a.copy_(b)


class Schedule:
    """Progress 0..1 by epochs or by a time budget, and what follows from it."""

    def __init__(self, args, steps):
        self.args, self.steps = args, steps
        self.step, self.seconds = 0, 0.0

    def advance(self, seconds):
        """Count one step; a pause (SIGSTOP) counts as at most 20 seconds."""
        self.step += 1
        self.seconds += min(seconds, 20.0)

    def progress(self):
        if self.args.budget_minutes:
            return min(1.0, self.seconds / (60 * self.args.budget_minutes))
        return min(1.0, self.step / (self.steps * self.args.epochs))

    def rate(self):
        warm = min(1.0, (self.step + 1) / (2.0 * self.steps))
        return warm * (0.5 + 0.5 * np.cos(np.pi * self.progress()) + 0.003)

    def size(self):
        sizes = self.args.sizes
        return sizes[min(int(self.progress() * len(sizes)), len(sizes) - 1)]


def trained_flat(args):
    """The 2-D network of --flat, its labels, and how many blocks its own training left alone.

    For --direction one of words learns both directions.
    """
    state = torch.load(args.flat, map_location="cpu")
    if state["temporal"] != "tsn":
        raise SystemExit("%s: a %s; --flat takes a TSN" % (args.flat, state["temporal"].upper()))
    state["frames"] = args.frames  # a mean over any number
    flat, labels = networks.from_checkpoint(state), state["labels"]
    if args.direction and not state["direction"]:
        pretrained.widen_to_directions(flat)
        labels = data.direction_labels(labels)
    return flat, labels, state["frozen"]


def first_clips(samples, count, size):
    """What the network takes of some samples: a batch."""
    keys = np.linspace(0, len(samples) - 1, count).astype(int)
    return samples.to_net(torch.stack([samples[1 << 19, int(i), size][0] for i in keys]))


def origin(args, samples, temporal):
    """The network to go on from, its first blocks frozen, how many were before, and metadata that it brings.

    A MobileNetV2 is still 2-D, but for --finetune.
    """
    metadata, frozen_before = {}, 0
    if args.flat:
        net, labels, frozen_before = trained_flat(args)
        if labels != samples.labels:
            raise SystemExit("%s: other labels than this data" % args.flat)
    else:
        batches = first_clips(samples, 24, args.sizes[0]).split(8)
        if args.finetune:
            net, metadata = onnx_import.sth_from_onnx(args.finetune, batches, samples.labels, args.frames, args.frozen)
        else:
            weights, classes = torch.load(args.weights, map_location="cpu"), len(samples.labels)
            if args.network == "resnet18":
                net = pretrained.resnet18_from_imagenet(weights, batches, classes, temporal, args.frames, args.tap_seed)
            else:
                net = pretrained.flat_from_imagenet(weights, batches, classes, args.frames, args.frozen)
    net.freeze(args.frozen)
    return net.to(memory_format=torch.channels_last), frozen_before, metadata


def start(args):
    """Returns the samples; a network that starts from earlier weights, with statistics of our frames; and the
    metadata of the model that it goes on from."""
    parts = open_parts(args)
    samples, size = joined(args, parts), args.sizes[0]
    temporal = networks.Temporal(args.temporal, args.p, args.integration, args.frozen)
    net, frozen_before, metadata = origin(args, samples, temporal)
    if args.frozen:
        folder = args.cache and os.path.join(args.cache, "activations")
        for number in sorted({frozen_before, args.frozen} - {0}):
            parts = [Activations(part, net, number, args.views, size, args.batch, args.workers, folder)
                     for part in parts]
        samples = joined(args, parts)
        args.workers = 0  # nothing is left to augment
    if args.network == "mobilenet_v2" and not args.finetune:
        net, lost = pretrained.sth_from_flat(net, first_clips(samples, 24, size).split(8), temporal,
                                             args.tap_seed, args.fade == 0, samples.run)
        print("share of depthwise output energy given up: " + " ".join("%.3f" % v for v in lost))
        net.freeze(args.frozen)
    if not args.frozen:
        pretrained.refresh_batchnorm(net, first_clips(samples, 64, size).split(16))
    return samples, net, metadata


def fade(net, keep):
    """Leave `keep` of the planes of all temporal channels (STHDepthwise.fade)."""
    for layer in net.modules():
        if isinstance(layer, STHDepthwise):
            layer.fade(keep)


def train_epoch(net, average, optimiser, schedule, samples, epoch, args):
    """One pass; returns (mean loss, share of right answers on unmixed targets)."""
    size = schedule.size()
    rng = np.random.default_rng((args.seed, epoch, 1 << 21))
    losses, right, seen = [], 0, 0
    net.train()
    last = time.time()
    for frames, labels in epoch_batches(samples, args.seed, epoch, size, args.batch, args.workers):
        x, targets = mixed_targets(samples.to_net(frames), labels, len(samples.labels),
                                   args.mixup, rng)
        for group in optimiser.param_groups:
            group["lr"] = args.lr * schedule.rate() * group["factor"]
        with autocast(not args.float32):
            logits = samples.run(net, x)
        loss = loss_of(logits.float(), targets, args.direction)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        before = schedule.progress()
        schedule.advance(time.time() - last)
        last = time.time()
        if before < args.fade:
            # what remains falls linearly with progress
            fade(net, max(0.0, args.fade - schedule.progress()) / (args.fade - before))
        update_average(average, net, schedule.step)
        losses.append(loss.item())
        right += (logits.argmax(1) == targets.argmax(1)).sum().item()
        seen += len(labels)
    return float(np.mean(losses)), right / seen


def commit():
    """The commit of these scripts, with + where they were changed; `unknown` outside a checkout."""
    run = subprocess.run(["git", "describe", "--always", "--dirty=+"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, cwd=os.path.dirname(os.path.abspath(__file__)),
                         check=False)
    return run.stdout.decode().strip() or "unknown"


def save(path, args, samples, **content):
    """Write a checkpoint, and what it is one of, so that a crash leaves the old one."""
    content.update(labels=samples.labels, frames=args.frames, size=args.sizes[-1],
                   temporal=args.temporal, p=args.p, integration=args.integration, frozen=args.frozen,
                   begin=0 if args.finetune else args.frozen, network=args.network,
                   direction=args.direction, dataset=args.dataset, signers=args.signers,
                   seed=args.seed, commit=commit())
    torch.save(content, path + ".new")
    os.replace(path + ".new", path)


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    state = torch.load(args.output) if args.resume and os.path.exists(args.output) else None
    if state and state["finished"]:
        print("%s is finished already" % args.output)
        return
    samples, net, base_metadata = start(args)
    net = net.to(memory_format=torch.channels_last)
    average = copy.deepcopy(net)
    optimiser = optimiser_for(net, args)
    schedule = Schedule(args, max(1, len(samples) // args.batch))
    epoch = 0
    if state:
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        epoch, schedule.step, schedule.seconds = state["epoch"], state["step"], state["seconds"]
        if schedule.progress() >= args.fade:
            fade(net, 0)
    while schedule.progress() < 1:
        began = time.time()
        size = schedule.size()
        loss, accuracy = train_epoch(net, average, optimiser, schedule, samples, epoch, args)
        epoch += 1
        print("epoch %d size %d progress %.3f loss %.3f accuracy %.3f lr %.2e %.0f s" % (
            epoch, size, schedule.progress(), loss, accuracy,
            optimiser.param_groups[0]["lr"], time.time() - began), flush=True)
        save(args.output, args, samples, net=net.state_dict(), average=average.state_dict(),
             optimiser=optimiser.state_dict(), epoch=epoch, step=schedule.step,
             seconds=schedule.seconds, base_metadata=base_metadata, finished=False)
    fade(average, 0)
    torch.manual_seed(args.seed)
    final = epoch_batches(samples, args.seed, 1 << 18, args.sizes[-1], args.batch, args.workers)
    pretrained.refresh_batchnorm(average, (samples.to_net(x) for x, _ in islice(final, 32)), samples.run)
    save(args.output, args, samples, average=average.state_dict(), epoch=epoch,
         seconds=schedule.seconds, base_metadata=base_metadata, finished=True)
    print("%.1f minutes of processor time" % (sum(os.times()[:4]) / 60))


if __name__ == "__main__":
    main()

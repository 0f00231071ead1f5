#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train STH-MobileNetV2, or one of its rivals, on FSL-105 on a CPU.

The last epoch's moving average is the model; nothing is chosen by looking at
the signer held out.  Stop it with SIGSTOP or kill it at any time: --resume goes
on from the last complete epoch.
"""
import argparse
import copy
import os
import time
from itertools import islice

import numpy as np
import torch
from torch.nn import functional as F

from sth import augment, data, networks, pretrained


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", required=True, help="folder with manifest.csv and clips")
    p.add_argument("--weights", required=True, help="ImageNet MobileNetV2, folded (.pth)")
    p.add_argument("--backgrounds", help="folder of videos used as blurred backgrounds")
    p.add_argument("--cache", required=True, help="folder for decoded frames (made if missing)")
    p.add_argument("--output", required=True, help="checkpoint to write")
    p.add_argument("--signers", type=int, nargs="+", default=[1, 2])
    p.add_argument("--epochs", type=int, default=60)
    p.add_argument("--budget-minutes", type=float,
                   help="end after about this time; replaces --epochs in the schedule")
    p.add_argument("--sizes", type=int, nargs="+", default=[112, 112, 128],
                   help="input sizes, each for an equal part of the training")
    p.add_argument("--frames", type=int, default=8)
    p.add_argument("--temporal", choices=networks.Temporal.KINDS, default="sth",
                   help="how the network sees time (networks.Temporal)")
    p.add_argument("--p", type=float, default=0.25, help="fraction of temporal channels of STH")
    p.add_argument("--integration", choices=("sum", "attention"), default="sum")
    p.add_argument("--direction", action="store_true",
                   help="play half of the clips backwards and learn word and direction")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--weight-decay", type=float, default=0.03)
    p.add_argument("--mixup", type=float, default=0.2, help="Beta parameter, 0 = off")
    p.add_argument("--idle", type=float, default=0.09, help="share of `nothing` samples")
    p.add_argument("--float32", action="store_true", help="no bfloat16 in training")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--workers", type=int, default=1, help="processes that augment")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--resume", action="store_true")
    p.add_argument("--limit-clips", type=int, help="train on the first clips only (tests)")
    return p.parse_args()


class _Selection:
    """Some clips of the cache, by their place in a list."""

    def __init__(self, store, numbers):
        self.store, self.numbers = store, numbers

    def __getitem__(self, i):
        return self.store[self.numbers[i]]


class Samples(torch.utils.data.Dataset):
    """Augmented samples; item i of an epoch is reproducible from the seed.

    Indices beyond the clips are `nothing`.  An index is (epoch, i, size).
    """

    def __init__(self, args, backgrounds):
        self.store, self.rows, self.labels = data.open_cache(args.cache)
        wanted = [i for i, row in enumerate(self.rows) if row["signer"] in args.signers]
        self.store, self.rows = _Selection(self.store, wanted), [self.rows[i] for i in wanted]
        self.direction = args.direction
        if self.direction:
            self.labels = data.direction_labels(self.labels)
        if args.limit_clips:
            self.rows = self.rows[:args.limit_clips]
        self.backgrounds, self.frames, self.seed = backgrounds, args.frames, args.seed
        self.count = int(round(len(self.rows) / (1 - args.idle)))

    def __len__(self):
        return self.count

    def __getitem__(self, key):
        epoch, i, size = key
        rng = np.random.default_rng((self.seed, epoch, i))
        idle = i >= len(self.rows)
        number = int(rng.integers(len(self.rows))) if idle else i
        row = self.rows[number]
        label = len(self.labels) - 1 if idle else row["class_id"]
        if idle and rng.random() < 0.15:
            frames = augment.empty_scene(size, self.frames, self.backgrounds, rng)
        else:
            pick = augment.idle_times if idle else augment.sign_times
            index = data.frame_indices(pick(row["active"], self.frames, rng))
            if self.direction and not idle and rng.random() < 0.5:
                index, label = index[::-1], label + (len(self.labels) - 1) // 2
            frames = augment.disguise(self.store[number][index], size, self.backgrounds, rng)
        return torch.from_numpy(frames), label


def epoch_batches(samples, args, epoch, size):
    """A loader over one shuffled epoch at one input size."""
    order = np.random.default_rng((args.seed, epoch, 1 << 20)).permutation(len(samples))
    keys = [[(epoch, int(i), size) for i in order[k:k + args.batch]]
            for k in range(0, len(order) - args.batch + 1, args.batch)]
    return torch.utils.data.DataLoader(samples, batch_sampler=keys, num_workers=args.workers)


def to_input(frames):
    """uint8 [N, T, S, S, 3] to float32 [N, 3, T, S, S] in -1..1."""
    return frames.permute(0, 4, 1, 2, 3).float().div_(127.5).sub_(1.0)


def optimiser_for(net, args):
    """AdamW; convolution kernels decay, BatchNorm, biases and temporal taps do not."""
    decay = [p for n, p in net.named_parameters() if p.dim() > 1 and "taps" not in n]
    plain = [p for n, p in net.named_parameters() if p.dim() <= 1 or "taps" in n]
    return torch.optim.AdamW([{"params": decay, "weight_decay": args.weight_decay},
                              {"params": plain, "weight_decay": 0.0}], lr=args.lr)


def mixed_targets(x, labels, classes, alpha, rng):
    """Mixup over the batch: mixed x, and targets [N, classes] that sum to 1."""
    targets = F.one_hot(labels, classes).float()
    if alpha <= 0:
        return x, targets
    share = float(np.clip(1 - rng.beta(alpha, alpha), 0, 1))
    share = max(share, 1 - share)
    order = torch.from_numpy(rng.permutation(len(x)))
    return (x.mul(share).add_(x[order], alpha=1 - share),
            targets * share + targets[order] * (1 - share))


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


def start(args, samples):
    """A network that starts from ImageNet weights, with statistics of our frames."""
    def frames_of(count, size):
        keys = np.linspace(0, len(samples) - 1, count).astype(int)
        return torch.stack([samples[(1 << 19, int(i), size)][0] for i in keys])

    clips = to_input(frames_of(64, args.sizes[0]))
    flat = [c.transpose(0, 1) for c in clips[:24]]
    weights = torch.load(args.weights, map_location="cpu")
    temporal = networks.Temporal(args.temporal, args.p, args.integration)
    net, lost = pretrained.sth_from_imagenet(weights, flat, len(samples.labels), args.frames,
                                             temporal)
    print("share of depthwise output energy given up: " + " ".join("%.3f" % v for v in lost))
    pretrained.refresh_batchnorm(net, clips.split(16))
    return net


def train_epoch(net, average, optimiser, schedule, samples, epoch, args):
    """One pass; returns (mean loss, share of right answers on unmixed targets)."""
    size = schedule.size()
    rng = np.random.default_rng((args.seed, epoch, 1 << 21))
    losses, right, seen = [], 0, 0
    net.train()
    last = time.time()
    for frames, labels in epoch_batches(samples, args, epoch, size):
        x, targets = mixed_targets(to_input(frames), labels, len(samples.labels),
                                   args.mixup, rng)
        for group in optimiser.param_groups:
            group["lr"] = args.lr * schedule.rate()
        with torch.autocast("cpu", torch.bfloat16, enabled=not args.float32):
            logits = net(x)
        loss = F.cross_entropy(logits.float(), targets, label_smoothing=0.1)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        update_average(average, net, schedule.step)
        losses.append(loss.item())
        right += (logits.argmax(1) == targets.argmax(1)).sum().item()
        seen += len(labels)
        schedule.advance(time.time() - last)
        last = time.time()
    return float(np.mean(losses)), right / seen


def save(path, args, samples, **content):
    """Write a checkpoint, and what it is one of, so that a crash leaves the old one."""
    content.update(labels=samples.labels, frames=args.frames, size=args.sizes[-1],
                   temporal=args.temporal, p=args.p, integration=args.integration,
                   direction=args.direction, signers=args.signers, seed=args.seed)
    torch.save(content, path + ".new")
    os.replace(path + ".new", path)


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    if not os.path.exists(os.path.join(args.cache, "index.json")):
        data.build_cache(args.data, args.cache, 144)
    samples = Samples(args, augment.make_backgrounds(args.backgrounds, 500, args.seed))
    net = start(args, samples).to(memory_format=torch.channels_last)
    average = copy.deepcopy(net)
    optimiser = optimiser_for(net, args)
    schedule = Schedule(args, len(samples) // args.batch)
    epoch = 0
    if args.resume and os.path.exists(args.output):
        state = torch.load(args.output)
        if state["finished"]:
            print("%s is finished already" % args.output)
            return
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        epoch, schedule.step, schedule.seconds = state["epoch"], state["step"], state["seconds"]
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
             seconds=schedule.seconds, finished=False)
    torch.manual_seed(args.seed)
    final = epoch_batches(samples, args, 1 << 18, args.sizes[-1])
    pretrained.refresh_batchnorm(average, (to_input(x) for x, _ in islice(final, 32)))
    save(args.output, args, samples, average=average.state_dict(), epoch=epoch,
         seconds=schedule.seconds, finished=True)


if __name__ == "__main__":
    main()

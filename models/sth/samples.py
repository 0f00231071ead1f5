# SPDX-License-Identifier: LGPL-2.1-or-later
"""Training samples: augmented clips, each reproducible from a seed.

All kinds are indexed by (epoch, i, size); `len` counts the samples of an epoch,
`labels` names the classes.  Clips give (uint8 [T, size, size, 3], label or, where
a teacher has a say, float32 [classes]);
`to_net` makes a batch of them what `run` puts through a network, and `before`
through its blocks before some number.
"""
import contextlib
import fcntl
import hashlib
import os

import cv2
import numpy as np
import torch

from . import augment, cpu, data, datasets, networks


class _Selection:
    """Some clips of the cache, by their place in a list."""

    def __init__(self, store, numbers):
        self.store, self.numbers = store, numbers

    def __getitem__(self, i):
        return self.store[self.numbers[i]]


class Clips(torch.utils.data.Dataset):
    """Samples that are pictures, which the network takes before its block 0."""

    number = 0

    @staticmethod
    def to_net(batch):
        return to_input(batch)

    @staticmethod
    def before(net, x, number):
        return net.before(x, number)

    @staticmethod
    def run(net, x):
        """Logits of what `to_net` gave."""
        return net(x)


class SignSamples(Clips):
    """A signer of FSL-105 from the cache of decoded frames, before other backgrounds.

    Indices beyond the clips are `nothing`, a share `idle` of all.  backgrounds:
    augment.Backgrounds.  flip: whether to mirror half of them, as a left-handed
    signer would look; elastic: see augment.
    """

    def __init__(self, cache, signer, backgrounds, frames, seed, idle, limit=None, flip=False, elastic=0.0):
        store, rows, self.labels = data.open_cache(cache)
        wanted = [i for i, row in enumerate(rows) if row["signer"] == signer][:limit]
        self.store, self.rows = _Selection(store, wanted), [rows[i] for i in wanted]
        self.backgrounds, self.frames, self.seed, self.flip, self.elastic = backgrounds, frames, seed, flip, elastic
        self.count = int(round(len(self.rows) / (1 - idle)))
        self.identity = "signer %d, %d frames, seed %d, idle %g, %d clips of %d pixels, flip %d, elastic %g, %s" % (
            signer, frames, seed, idle, len(self.rows), store.shape[2], flip, elastic, backgrounds.identity)

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
            frames = augment.empty_scene(size, self.frames, self.backgrounds(), rng)
        else:
            pick = augment.idle_times if idle else augment.sign_times
            index = data.frame_indices(pick(row["active"], self.frames, rng))
            frames = augment.disguise(self.store[number][index], size, self.backgrounds(), rng,
                                      elastic=self.elastic)
        return torch.from_numpy(_mirrored(frames, rng) if self.flip else frames), label


class ClipSamples(Clips):
    """Trimmed clips of any data set, as TSN samples them: one frame of each of T equal parts.

    clips: datasets.Clip; flip: whether to mirror half of them.
    """

    def __init__(self, clips, labels, frames, seed, flip=False, limit=None):
        self.clips, self.labels = clips[:limit], labels
        self.frames, self.seed, self.flip = frames, seed, flip

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, key):
        epoch, i, size = key
        rng = np.random.default_rng((self.seed, epoch, i))
        clip = self.clips[i]
        pictures = datasets.read_frames(
            clip.path, lambda total: augment.segment_indices(total, self.frames, rng))
        frames = augment.disturb(pictures, size, rng)
        return torch.from_numpy(_mirrored(frames, rng) if self.flip else frames), clip.label


def _mirrored(frames, rng):
    """Left and right exchanged in every other clip."""
    return np.ascontiguousarray(frames[:, :, ::-1]) if rng.random() < 0.5 else frames


class Teacher:
    """A trained network that says what others shall learn.

    path: checkpoint of train.py; share: of the targets, what is its opinion; the
    rest is the label.
    """

    def __init__(self, path, share):
        state = torch.load(path, map_location="cpu")
        self.net = networks.from_checkpoint(state).to(memory_format=torch.channels_last)
        self.share, self.frames, self.size, self.labels = share, state["frames"], state["size"], state["labels"]
        self.identity = "%g of a teacher of %d pixels, %s" % (share, self.size, _fingerprint([self.net]))

    @torch.no_grad()
    def targets(self, frames, label):
        """Probabilities [classes] for uint8 frames [T, S, S, 3] under a label."""
        targets = self.net(to_input(frames[None]))[0].softmax(0) * self.share
        targets[label] += 1 - self.share
        return targets


class Taught(Clips):
    """Other pictures, under targets [classes] of a teacher, who sees the same at its own size and number of frames.

    frames: how many are left of the teacher's, a whole part of them.
    """

    def __init__(self, source, teacher, frames):
        if source.labels != teacher.labels:
            raise ValueError("the teacher knows other labels than this data")
        if teacher.frames % frames:
            raise ValueError("a teacher of %d frames cannot teach %d" % (teacher.frames, frames))
        self.source, self.teacher, self.frames, self.labels = source, teacher, frames, source.labels
        self.identity = "%s, %d frames of them, %s" % (source.identity, frames, teacher.identity)

    def __len__(self):
        return len(self.source)

    def __getitem__(self, key):
        epoch, i, size = key
        frames, label = self.source[epoch, i, self.teacher.size]
        kept = frames[::self.teacher.frames // self.frames].numpy()
        kept = np.stack([cv2.resize(f, (size, size), interpolation=cv2.INTER_AREA) for f in kept])
        return torch.from_numpy(kept), self.teacher.targets(frames, label)


class Joined(torch.utils.data.Dataset):
    """Samples of one kind, those of each part after those of the one before."""

    def __init__(self, parts):
        self.parts, self.labels = parts, parts[0].labels
        self.to_net, self.run = parts[0].to_net, parts[0].run
        self.starts = np.cumsum([0] + [len(part) for part in parts])

    def __len__(self):
        return int(self.starts[-1])

    def __getitem__(self, key):
        epoch, i, size = key
        part = int(np.searchsorted(self.starts, i, "right")) - 1
        return self.parts[part][epoch, i - int(self.starts[part]), size]


class BothDirections(torch.utils.data.Dataset):
    """Other samples, half of them played backwards under labels of their own; `nothing` stays `nothing`."""

    def __init__(self, samples, seed):
        self.samples, self.seed = samples, seed
        self.labels = data.direction_labels(samples.labels)
        self.to_net, self.run = samples.to_net, samples.run

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, key):
        frames, label = self.samples[key]
        words = len(self.samples.labels) - 1
        if label == words:
            return frames, 2 * words
        backwards = np.random.default_rng((self.seed, *key, 1 << 22)).random() < 0.5
        return (frames.flip(0), label + words) if backwards else (frames, label)


class Activations(torch.utils.data.Dataset):
    """What block `number` of a network takes of other samples, computed once.

    source: pictures, or activations of an earlier block; net: its blocks before
    `number` stay as they are (freeze); views: augmented passes over the samples,
    which the epochs take in turn; folder: keeps them for all trainings that begin
    alike, under a fingerprint of what they follow from.  Gives (bfloat16
    [T, C, h, w], label).
    """

    def __init__(self, source, net, number, views, size, batch=16, workers=1, folder=None):
        self.labels, self.count, self.number = source.labels, len(source), number
        if folder is None:
            self.kept, self.targets = _activations(source, net, number, views, size, batch, workers)
            return
        self.identity = _fingerprint(net.until(number, source.number), source.identity, views, size,
                                     cpu.has_bfloat16(cpu.flags()))
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, self.identity + ".pt")
        with _locked(path + ".lock"):
            if not os.path.exists(path):
                torch.save(_activations(source, net, number, views, size, batch, workers), path + ".new")
                os.replace(path + ".new", path)
        self.kept, self.targets = torch.load(path)

    def __len__(self):
        return self.count

    def __getitem__(self, key):
        epoch, i, _ = key
        place = (epoch * self.count + i) % len(self.kept)
        return self.kept[place], self.targets[place]

    @staticmethod
    def to_net(batch):
        return batch

    @staticmethod
    def _fold(x):
        x = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        return x if torch.is_autocast_cpu_enabled() else x.float()

    def before(self, net, x, number):
        """What block `number` takes, of activations [N, T, C, h, w]."""
        return net.before(self._fold(x), number, self.number)

    def run(self, net, x):
        """Logits of activations [N, T, C, h, w]."""
        return net.after(self._fold(x), self.number)


@torch.no_grad()
def _activations(source, net, number, views, size, batch, workers):
    """(bfloat16 [views * samples, T, C, h, w], labels) for Activations."""
    keys = [[(view, i, size) for i in range(k, min(k + batch, len(source)))]
            for view in range(views) for k in range(0, len(source), batch)]
    kept, targets = [], []
    net.eval()
    for frames, labels in torch.utils.data.DataLoader(source, batch_sampler=keys, num_workers=workers):
        with autocast():
            y = source.before(net, source.to_net(frames), number).to(torch.bfloat16)
        kept.append(y.view(len(labels), -1, *y.shape[1:]).contiguous())
        targets += labels.tolist() if labels.dim() == 1 else list(labels)
    print("block %d: activations of %d views kept" % (number, views), flush=True)
    return torch.cat(kept), targets


def _fingerprint(modules, *facts):
    """Of weights and whatever else decides what comes out, as a name of a file."""
    digest = hashlib.sha1(repr(facts).encode())
    for module in modules:
        for value in module.state_dict().values():
            if value.is_floating_point():
                digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _locked(path):
    """One process at a time."""
    with open(path, "w", encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def autocast(wanted=True):
    """A context in which layers compute in bfloat16, if that is wanted and this CPU has it."""
    return torch.autocast("cpu", torch.bfloat16, enabled=wanted and cpu.has_bfloat16(cpu.flags()))


def to_input(frames):
    """uint8 [N, T, S, S, 3] to float32 [N, 3, T, S, S] in -1..1."""
    return frames.permute(0, 4, 1, 2, 3).float().div_(127.5).sub_(1.0)


def epoch_batches(samples, seed, epoch, size, batch, workers):
    """A loader over one shuffled epoch at one input size; short batches are left out unless there is no other."""
    order = np.random.default_rng((seed, epoch, 1 << 20)).permutation(len(samples))
    batch = min(batch, len(order))
    keys = [[(epoch, int(i), size) for i in order[k:k + batch]]
            for k in range(0, len(order) - batch + 1, batch)]
    cv2.setNumThreads(1)
    return torch.utils.data.DataLoader(samples, batch_sampler=keys, num_workers=workers)

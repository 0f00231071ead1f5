# SPDX-License-Identifier: LGPL-2.1-or-later
"""Training samples: augmented clips, each reproducible from a seed.

All kinds are indexed by (epoch, i, size); `len` counts the samples of an epoch,
`labels` names the classes.  Clips give (uint8 [T, size, size, 3], label);
`to_net` makes a batch of them what `run` puts through a network.
"""
import cv2
import numpy as np
import torch

from . import augment, data, datasets


class _Selection:
    """Some clips of the cache, by their place in a list."""

    def __init__(self, store, numbers):
        self.store, self.numbers = store, numbers

    def __getitem__(self, i):
        return self.store[self.numbers[i]]


class _Clips(torch.utils.data.Dataset):
    """Samples that are pictures."""

    @staticmethod
    def to_net(batch):
        return to_input(batch)

    @staticmethod
    def run(net, x):
        """Logits of what `to_net` gave."""
        return net(x)


class SignSamples(_Clips):
    """FSL-105 from the cache of decoded frames, signers before other backgrounds.

    Indices beyond the clips are `nothing`, a share `idle` of all.  direction:
    half of the clips run backwards, under labels of their own.
    """

    def __init__(self, cache, signers, backgrounds, frames, seed, idle, direction=False, limit=None):
        store, rows, self.labels = data.open_cache(cache)
        wanted = [i for i, row in enumerate(rows) if row["signer"] in signers][:limit]
        self.store, self.rows = _Selection(store, wanted), [rows[i] for i in wanted]
        self.direction = direction
        if direction:
            self.labels = data.direction_labels(self.labels)
        self.backgrounds, self.frames, self.seed = backgrounds, frames, seed
        self.count = int(round(len(self.rows) / (1 - idle)))

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


class ClipSamples(_Clips):
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
        if self.flip and rng.random() < 0.5:
            frames = np.ascontiguousarray(frames[:, :, ::-1])
        return torch.from_numpy(frames), clip.label


class Activations(torch.utils.data.Dataset):
    """What block `number` of a network takes of other samples, computed once and kept in memory.

    net: its stem and blocks before `number` stay as they are (freeze); views:
    augmented passes over the samples, which the epochs take in turn.  Gives
    (bfloat16 [T, C, h, w], label).
    """

    @torch.no_grad()
    def __init__(self, samples, net, number, views, size, batch, workers, progress=print):
        self.labels, self.count, self.number = samples.labels, len(samples), number
        self.kept, self.targets = [], []
        net.eval()
        for view in range(views):
            keys = [[(view, i, size) for i in range(k, min(k + batch, len(samples)))]
                    for k in range(0, len(samples), batch)]
            for frames, labels in torch.utils.data.DataLoader(samples, batch_sampler=keys, num_workers=workers):
                with torch.autocast("cpu", torch.bfloat16):
                    y = net.before(samples.to_net(frames), number).to(torch.bfloat16)
                self.kept += y.view(len(labels), -1, *y.shape[1:]).unbind()
                self.targets += labels.tolist()
            progress("activations: %d of %d views" % (view + 1, views), flush=True)

    def __len__(self):
        return self.count

    def __getitem__(self, key):
        epoch, i, _ = key
        place = (epoch * self.count + i) % len(self.kept)
        return self.kept[place], self.targets[place]

    @staticmethod
    def to_net(batch):
        return batch

    def run(self, net, x):
        """Logits of activations [N, T, C, h, w]."""
        x = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        return net.after(x if torch.is_autocast_cpu_enabled() else x.float(), self.number)


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

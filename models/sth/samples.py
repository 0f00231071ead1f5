# SPDX-License-Identifier: LGPL-2.1-or-later
"""Training samples: augmented clips, each reproducible from a seed.

Both kinds are indexed by (epoch, i, size) and give (uint8 [T, size, size, 3],
label); `len` counts the samples of an epoch, `labels` names the classes.
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


class SignSamples(torch.utils.data.Dataset):
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


class ClipSamples(torch.utils.data.Dataset):
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

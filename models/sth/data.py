# SPDX-License-Identifier: LGPL-2.1-or-later
"""FSL-105 clips: manifest, decoding, the frame cache, and where in time to sample.

All frames are RGB uint8.  Times are seconds from the start of the clip; the
clips run at FPS frames a second and last about CLIP_SECONDS.  The frames of a
window stand for WINDOW_SECONDS, however many they are.
"""
import csv
import json
import os

import cv2
import numpy as np

FPS = 15
CLIP_FRAMES = 61
CLIP_SECONDS = CLIP_FRAMES / FPS
BACKGROUND_LABEL = "nothing"
WINDOW_SECONDS = 2.0


def read_manifest(folder):
    """Return the rows of manifest.csv as dictionaries, class_id and signer as int."""
    with open(os.path.join(folder, "manifest.csv"), newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    for row in rows:
        row["class_id"] = int(row["class_id"])
        row["signer"] = int(row["signer"])
    return rows


def labels_of(rows):
    """Return the words in order of class_id, then the background label."""
    names = {row["class_id"]: row["label"] for row in rows}
    if sorted(names) != list(range(len(names))):
        raise ValueError("class_id in manifest.csv must be 0..N-1 without gaps")
    return [names[i] for i in range(len(names))] + [BACKGROUND_LABEL]


def decode(path):
    """Decode a whole video file to uint8 RGB [frames, H, W, 3]."""
    capture = cv2.VideoCapture(path)
    frames = []
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        frames.append(frame[:, :, ::-1])
    capture.release()
    if not frames:
        raise IOError("%s: no frame could be decoded" % path)
    return np.stack(frames)


def key_blue(frames):
    """Alpha of the person before the plain blue wall: uint8 [...], 255 = person.

    frames is RGB uint8 [..., 3].  The wall is where blue exceeds the larger of
    red and green clearly; skin, hair and dark clothes never do.
    """
    wide = frames.astype(np.int16)
    excess = wide[..., 2] - np.maximum(wide[..., 0], wide[..., 1])
    return (255 - np.clip((excess - 25) * 255 // 45, 0, 255)).astype(np.uint8)


def active_span(rgb, alpha):
    """First and last second at which the hands move: (start, end).

    Uses the mean absolute difference of consecutive small foreground frames,
    thresholded between its quiet level and its peak.
    """
    small = np.stack([cv2.resize(f, (32, 32), interpolation=cv2.INTER_AREA) for f in rgb])
    mask = np.stack([cv2.resize(a, (32, 32), interpolation=cv2.INTER_AREA) for a in alpha])
    person = small.astype(np.float32).mean(-1) * (mask / 255.0)
    motion = np.abs(np.diff(person, axis=0)).mean((1, 2))
    motion = np.convolve(motion, np.ones(3) / 3, mode="same")
    quiet, peak = np.percentile(motion, 15), np.percentile(motion, 98)
    moving = np.nonzero(motion > quiet + 0.2 * (peak - quiet))[0]
    return moving[0] / FPS, (moving[-1] + 1) / FPS


def direction_labels(labels):
    """Words, the same words backwards, then the background label."""
    return labels[:-1] + [word + " (backwards)" for word in labels[:-1]] + labels[-1:]


def build_cache(folder, cache, size, progress=print):
    """Decode all clips once into a memory-mapped file.

    Writes frames.u8, uint8 RGBA [clips, CLIP_FRAMES, size, size, 4] (A is the
    key of the wall), and index.json with the rows, their active spans and the
    labels.  Clips with fewer frames repeat their last one.
    """
    rows = read_manifest(folder)
    labels = labels_of(rows)
    os.makedirs(cache, exist_ok=True)
    shape = (len(rows), CLIP_FRAMES, size, size, 4)
    store = np.memmap(os.path.join(cache, "frames.u8"), np.uint8, "w+", shape=shape)
    for i, row in enumerate(rows):
        rgb = decode(os.path.join(folder, row["file"]))
        index = np.minimum(np.arange(CLIP_FRAMES), len(rgb) - 1)
        rgba = np.concatenate([rgb, key_blue(rgb)[..., None]], -1)
        small = np.stack([cv2.resize(f, (size, size), interpolation=cv2.INTER_AREA)
                          for f in rgba])[index]
        store[i] = small
        row["active"] = active_span(small[..., :3], small[..., 3])
        if i % 200 == 0:
            progress("cache: %d of %d clips" % (i, len(rows)))
    store.flush()
    with open(os.path.join(cache, "index.json"), "w", encoding="utf-8") as f:
        json.dump({"shape": shape, "rows": rows, "labels": labels}, f)


def open_cache(cache):
    """Return (frames memmap, rows, labels) of a cache made by build_cache."""
    with open(os.path.join(cache, "index.json"), encoding="utf-8") as f:
        index = json.load(f)
    store = np.memmap(os.path.join(cache, "frames.u8"), np.uint8, "r",
                      shape=tuple(index["shape"]))
    return store, index["rows"], index["labels"]


def window_rate(frames):
    """Frames a second that windows of so many are made of."""
    return frames / WINDOW_SECONDS


def window_times(centre, spacing, frames):
    """Times of `frames` samples, `spacing` seconds apart, around `centre`."""
    return centre + (np.arange(frames) - (frames - 1) / 2.0) * spacing


def frame_indices(times):
    """Nearest frame numbers of some times, kept inside the clip."""
    return np.clip(np.round(np.asarray(times) * FPS), 0, CLIP_FRAMES - 1).astype(int)


def clip_indices(total, frames):
    """Frame numbers at the middles of `frames` equal segments (as TSN tests)."""
    return ((np.arange(frames) + 0.5) * total / frames).astype(int)


def square(frame, size, part=1.0):
    """Centre crop to a part of the shorter side, then area-resize to size x size."""
    height, width = frame.shape[:2]
    side = round(min(height, width) * part)
    top, left = (height - side) // 2, (width - side) // 2
    crop = np.ascontiguousarray(frame[top:top + side, left:left + side])
    shrink = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(crop, (size, size), interpolation=shrink)


def normalise(frames):
    """uint8 [..., T, H, W, 3] to float32 [..., 3, T, H, W], x / 127.5 - 1."""
    scaled = np.asarray(frames, np.float32) / 127.5 - 1.0
    return np.moveaxis(scaled, -1, -4)

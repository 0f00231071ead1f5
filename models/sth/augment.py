# SPDX-License-Identifier: LGPL-2.1-or-later
"""Training samples from the frame cache: when to look, and how to disguise it.

A model that sees two signers before one blue wall learns both of them by
heart, so every sample is moved, scaled, recoloured and, mostly, put in front of
something else.  Everything works on uint8 with OpenCV; one sample of 8 frames
costs a few milliseconds on one core.
"""
import os

import cv2
import numpy as np

from . import data

BACKGROUND_SIZE = 192
BENDS = 5  # points in each direction at which a picture is bent


def _gradient(rng):
    """Two colours over a random direction."""
    y, x = np.mgrid[0:BACKGROUND_SIZE, 0:BACKGROUND_SIZE] / BACKGROUND_SIZE
    angle = rng.uniform(0, 2 * np.pi)
    ramp = x * np.cos(angle) + y * np.sin(angle)
    ramp = (ramp - ramp.min()) / np.ptp(ramp)
    ends = rng.uniform(0, 255, (2, 3))
    return ends[0] + (ends[1] - ends[0]) * ramp[..., None]


def _noise(rng):
    """Coloured noise of several scales, like foliage, cloth or plaster."""
    image = np.full((BACKGROUND_SIZE, BACKGROUND_SIZE, 3), rng.uniform(30, 225, 3))
    for cells in (3, 6, 12, 24, 48, 96):
        if rng.random() < 0.6:
            grid = rng.normal(0, rng.uniform(5, 45), (cells, cells, 3))
            if rng.random() < 0.5:
                grid = grid.mean(2, keepdims=True).repeat(3, 2)
            image += cv2.resize(grid, image.shape[:2], interpolation=cv2.INTER_CUBIC)
    return image


def _shapes(rng):
    """Overlapping plain rectangles and ellipses, like furniture and windows."""
    image = _gradient(rng)
    for _ in range(rng.integers(4, 25)):
        colour = tuple(rng.uniform(0, 255, 3))
        a, b = rng.integers(0, BACKGROUND_SIZE, (2, 2))
        if rng.random() < 0.6:
            cv2.rectangle(image, tuple(map(int, a)), tuple(map(int, b)), colour, -1)
        else:
            axes = tuple(int(v) for v in np.abs(a - b) // 2 + 1)
            cv2.ellipse(image, tuple(map(int, a)), axes, rng.uniform(0, 180), 0, 360, colour, -1)
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 3))


def _stripes(rng):
    """A periodic pattern: tiles, blinds, books."""
    y, x = np.mgrid[0:BACKGROUND_SIZE, 0:BACKGROUND_SIZE]
    period = rng.uniform(8, 60, 2)
    wave = (np.sin(2 * np.pi * x / period[0]) > rng.uniform(-0.8, 0.8)).astype(float)
    if rng.random() < 0.5:
        wave = np.abs(wave - (np.sin(2 * np.pi * y / period[1]) > rng.uniform(-0.8, 0.8)))
    ends = rng.uniform(0, 255, (2, 3))
    image = ends[0] + (ends[1] - ends[0]) * wave[..., None]
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 3))


def make_backgrounds(videos, count, seed):
    """uint8 [count, B, B, 3]: blurred frames of some videos and drawn patterns.

    videos: folder searched for .mp4 and .mkv files, or None for patterns only.
    """
    rng = np.random.default_rng(seed)
    images, files = [], []
    for folder, _, names in sorted(os.walk(videos)) if videos else []:
        files += [os.path.join(folder, n) for n in sorted(names) if n.endswith((".mp4", ".mkv"))]
    for path in files:
        frames = data.decode(path)
        for i in np.linspace(0, len(frames) - 1, 6).astype(int):
            small = data.square(frames[i], BACKGROUND_SIZE)
            images.append(cv2.GaussianBlur(small, (0, 0), rng.uniform(1.5, 7)))
    images = images[:count // 2]
    patterns = (_gradient, _noise, _noise, _shapes, _stripes)
    while len(images) < count:
        image = patterns[len(images) % len(patterns)](rng)
        images.append(np.clip(image, 0, 255).astype(np.uint8))
    return np.stack(images)


class Backgrounds:
    """What make_backgrounds makes, when it is first asked for."""

    def __init__(self, videos, count, seed):
        self.arguments, self.images = (videos, count, seed), None
        self.identity = "%d backgrounds of %s, seed %d" % (count, videos and os.path.abspath(videos), seed)

    def __call__(self):
        if self.images is None:
            self.images = make_backgrounds(*self.arguments)
        return self.images


def sign_times(active, frames, rng):
    """Sample times that cover a sign.

    active: (start, end) of the movement.  Spacings of 8 frames run from 4-fps
    windows (0.25 s) to those over a whole clip (0.5 s), more frames stand closer;
    the centre and every single time are jittered, less so where the window is
    short.
    """
    tight = rng.random() < 0.6
    spacing = (rng.uniform(0.21, 0.34) if tight else rng.uniform(0.34, 0.54)) * 8 / frames
    middle = (active[0] + active[1]) / 2
    centre = middle + rng.normal(0, 0.2 if tight else 0.3)
    times = data.window_times(centre, spacing, frames)
    return times + rng.uniform(-0.25, 0.25, frames) * spacing


def segment_indices(total, frames, rng):
    """A random frame of each of `frames` equal parts of a clip of `total` (TSN)."""
    return np.minimum(((np.arange(frames) + rng.random(frames)) * total / frames).astype(int),
                      total - 1)


def idle_times(active, frames, rng):
    """Sample times before or after the sign, walked back and forth."""
    before = (0.0, max(active[0] - 0.15, 0.1))
    after = (min(active[1] + 0.15, data.CLIP_SECONDS - 0.15), data.CLIP_SECONDS)
    lengths = np.array([before[1] - before[0], after[1] - after[0]])
    low, high = (before, after)[rng.choice(2, p=lengths / lengths.sum())]
    walk = rng.uniform(0, 2) + np.arange(frames) * rng.uniform(0.0, 0.8) * 8 / frames
    return low + (high - low) * np.abs((walk % 2) - 1)


def _warp_matrix(source, size, rng):
    """Random zoom, aspect, rotation and shift from source^2 to size^2 pixels."""
    zoom = np.exp(rng.uniform(np.log(0.92), np.log(1.42)))
    aspect = np.exp(rng.uniform(-0.1, 0.1))
    angle = np.deg2rad(rng.normal(0, 5))
    scale = size / source * zoom
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos * scale * aspect, -sin * scale], [sin * scale, cos * scale / aspect]])
    room = max(zoom - 1, 0) * 0.5 + 0.06
    target = size * (0.5 + rng.uniform(-room, room, 2))
    offset = target - matrix @ np.array([source / 2, source / 2])
    return np.concatenate([matrix, offset[:, None]], 1)


def _warp(frames, size, elastic, rng):
    """Frames [T, S, S, C] moved, turned, scaled, and bent like rubber: [T*size, size, C].

    elastic: standard deviation of the bends, a part of the picture; all frames
    are bent alike, so that what changes is how a person is built and where they
    hold their hands.
    """
    source = frames.shape[1]
    matrix = _warp_matrix(source, size, rng)
    if not elastic:
        return np.concatenate([cv2.warpAffine(f, matrix, (size, size), flags=cv2.INTER_LINEAR,
                                              borderMode=cv2.BORDER_REPLICATE) for f in frames])
    bends = cv2.resize(rng.normal(0, elastic * source, (BENDS, BENDS, 2)), (size, size), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[0:size, 0:size]
    places = (cv2.transform(np.stack([x, y], -1).astype(float), cv2.invertAffineTransform(matrix)) + bends)
    maps = cv2.convertMaps(places.astype(np.float32), None, cv2.CV_16SC2)
    return np.concatenate([cv2.remap(f, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for f in frames])


def _colour_matrix(rng, strength):
    """Random 3x4 matrix: saturation, hue, gain per channel, contrast, brightness."""
    gray = np.full((3, 3), 1 / 3.0)
    saturation = 0.0 if rng.random() < 0.06 else 1 + rng.uniform(-0.5, 0.4) * strength
    matrix = gray + (np.eye(3) - gray) * saturation
    turn = rng.normal(0, 0.12) * strength
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    matrix = matrix @ (np.eye(3) + np.sin(turn) * axis + (1 - np.cos(turn)) * axis @ axis)
    matrix = np.diag(np.exp(rng.normal(0, 0.08, 3) * strength)) @ matrix
    contrast = np.exp(rng.uniform(-0.4, 0.4) * strength)
    brightness = rng.uniform(-35, 35) * strength + 110 * (1 - contrast)
    return np.concatenate([matrix * contrast, np.full((3, 1), brightness)], 1)


def _background(backgrounds, size, frames, rng):
    """A still or slowly moving piece of a random background: [T*size, size, 3]."""
    image = backgrounds[rng.integers(len(backgrounds))]
    if rng.random() < 0.5:
        image = image[:, ::-1]
    side = int(BACKGROUND_SIZE * rng.uniform(0.5, 0.9))
    start = rng.integers(0, BACKGROUND_SIZE - side, 2)
    moves = rng.random() < 0.2
    stop = rng.integers(0, BACKGROUND_SIZE - side, 2) if moves else start
    tiles = []
    for t in range(frames if moves else 1):
        y, x = np.round(start + (stop - start) * (t / frames) * 0.3).astype(int)
        crop = np.ascontiguousarray(image[y:y + side, x:x + side])
        tiles.append(cv2.resize(crop, (size, size)))
    tall = np.concatenate(tiles if moves else tiles * frames)
    return cv2.transform(tall, _colour_matrix(rng, 0.8))


def _degrade(tall, size, rng):
    """Camera faults: gamma, blur, noise; tall is [T*size, size, 3]."""
    gamma = np.exp(rng.uniform(-0.35, 0.35))
    tall = cv2.LUT(tall, (255 * (np.arange(256) / 255.0) ** gamma).astype(np.uint8))
    if rng.random() < 0.2:
        tall = cv2.GaussianBlur(tall, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < 0.2:
        noise = rng.integers(-12, 13, (size, size, 3), np.int16)
        noise = np.tile(noise, (len(tall) // size, 1, 1))
        tall = np.clip(tall.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return tall


def disguise(rgba, size, backgrounds, rng, replace=0.7, elastic=0.0):
    """Augment one clip: uint8 [T, S, S, 4] to uint8 [T, size, size, 3]."""
    frames = len(rgba)
    tall = _warp(rgba, size, elastic, rng)
    rgb, alpha = np.ascontiguousarray(tall[..., :3]), tall[..., 3:]
    replaced = rng.random() < replace
    if replaced:
        # take the blue spill of the wall out of half-transparent edges
        limit = np.maximum(rgb[..., 0], rgb[..., 1])
        rgb[..., 2] = np.where(alpha[..., 0] < 250, np.minimum(rgb[..., 2], limit), rgb[..., 2])
    rgb = cv2.transform(rgb, _colour_matrix(rng, 1.0))
    if replaced:
        behind = _background(backgrounds, size, frames, rng).astype(np.uint16)
        weight = alpha.astype(np.uint16)
        rgb = ((rgb * weight + behind * (255 - weight) + 127) // 255).astype(np.uint8)
    return _degrade(rgb, size, rng).reshape(frames, size, size, 3)


def disturb(pictures, size, rng):
    """Augment one clip as it is: uint8 [H, W, 3] each, to uint8 [T, size, size, 3].

    A square of 66 to 100 % of the shorter side, somewhere, and other colours.
    """
    height, width = pictures[0].shape[:2]
    side = int(min(height, width) * rng.uniform(0.66, 1.0))
    top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    tall = np.concatenate([data.square(p[top:top + side, left:left + side], size)
                           for p in pictures])
    tall = cv2.transform(tall, _colour_matrix(rng, 0.6))
    return _degrade(tall, size, rng).reshape(len(pictures), size, size, 3)


def empty_scene(size, frames, backgrounds, rng):
    """Nobody there: uint8 [T, size, size, 3]."""
    tall = _background(backgrounds, size, frames, rng)
    return _degrade(tall, size, rng).reshape(frames, size, size, 3)

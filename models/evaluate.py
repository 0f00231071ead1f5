#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measure a checkpoint or an exported model on signers it never saw.

Three ways to look at each clip of one sign:
  clip    8 frames at the middles of 8 equal parts of the clip (as TSN tests)
  window  8 frames at 4 a second around the middle of the clip
  slide   windows of 8 frames at 4 a second, moved by one frame; the word with
          the highest single confidence wins, `nothing` does not count
A network of 16 frames sees 16, at 8 a second.
Accuracy is over the words; where `nothing` beats them is told apart.  Figures by
category and confusions are of `window`.

With --dataset, the validation clips of one of the usual data sets (or of one's own
folders) in the usual protocol: one clip a video, frames from the middles of equal
parts, the shorter side scaled to 8/7 of the input, centre crop; top-1 and top-5.

A checkpoint of `train.py --direction` is asked for word and direction of the
centred window, played forwards and backwards.
"""
import argparse
import collections
import json
import os

import sth  # before NumPy: chooses the kernels of OpenBLAS

import cv2
import numpy as np
import onnx
import torch

from sth import confusion, data, datasets, networks, onnx_run


VIEWS = ["clip", "window", "slide"]


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True,
                   help="checkpoint of train.py, or ONNX with sth.* metadata (slower)")
    p.add_argument("--dataset", choices=["fsl105"] + sorted(datasets.DATASETS), default="fsl105")
    p.add_argument("--data", required=True, help="root folder of the data set")
    p.add_argument("--signers", type=int, nargs="+", default=[3], help="fsl105: to look at")
    p.add_argument("--rate", type=float, help="frames a second of windows [half the frames of a window]")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--views", nargs="+", choices=VIEWS, default=VIEWS,
                   help="leave `slide` out where time is short")
    p.add_argument("--limit", type=int, help="only every n-th clip so that so many remain")
    p.add_argument("--scores", help="write all scores to this .npz")
    p.add_argument("--against", metavar="SCORES", help="fsl105: the points of top-1 above what --scores wrote for "
                                                       "another model, with the 95 %% interval over the same clips")
    p.add_argument("--json", help="write the figures to this file")
    p.add_argument("--picture", help="fsl105: write what is taken for what to this .png (sth/confusion.py)")
    return p.parse_args()


class OnnxModel:
    """An ONNX file with its labels and input size."""

    def __init__(self, path):
        self.model = onnx.load(path)
        meta = {m.key: m.value for m in self.model.metadata_props}
        self.labels = meta["sth.labels"].split("\n")
        shape = self.model.graph.input[0].type.tensor_type.shape.dim
        self.frames, self.size = shape[2].dim_value, shape[3].dim_value
        self.direction = False

    def scores(self, clips):
        """Logits [N, K] of uint8 clips [N, T, S, S, 3]."""
        return np.concatenate([onnx_run.run(self.model, data.normalise(c)[None]) for c in clips])


class Checkpoint:
    """A checkpoint of train.py; runs many windows at once."""

    def __init__(self, path):
        state = torch.load(path, map_location="cpu")
        self.labels, self.frames, self.size = state["labels"], state["frames"], state["size"]
        self.direction = state.get("direction", False)
        self.net = networks.from_checkpoint(state).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def scores(self, clips):
        """Logits [N, K] of uint8 clips [N, T, S, S, 3]."""
        return self.net(torch.from_numpy(np.ascontiguousarray(data.normalise(clips)))).numpy()


def open_model(path):
    """By the file's name: ONNX or checkpoint."""
    return (OnnxModel if path.endswith(".onnx") else Checkpoint)(path)


def windows_of(total, frames, rate):
    """Frame numbers [W, T] of all sliding windows, as they arrive at `rate`."""
    sampled = np.round(np.arange(0, total / data.FPS, 1 / rate) * data.FPS).astype(int)
    sampled = sampled[sampled < total]
    return np.stack([sampled[i:i + frames] for i in range(len(sampled) - frames + 1)])


def pictures_of(model, path):
    """The frames of a clip as the model sees them: uint8 [frames, S, S, 3]."""
    return np.stack([data.square(f, model.size) for f in data.decode(path)])


def centred_window(model, total, rate):
    """Frame numbers [T] of the window in the middle of a clip."""
    middle = data.window_times(total / data.FPS / 2, 1 / rate, model.frames)
    return np.clip(np.round(middle * data.FPS), 0, total - 1).astype(int)


def look(model, path, rate, with_slide=True):
    """Logits of one clip: clip [K], window [K], slide [W, K]; idle windows [2, K]."""
    pictures = pictures_of(model, path)
    total = len(pictures)
    centred = centred_window(model, total, rate)
    slide = windows_of(total, model.frames, rate)
    slide = slide if with_slide else slide[:0]
    still = np.linspace(0, 0.5 * data.FPS, model.frames).astype(int)
    idle = np.stack([still, total - 1 - still[::-1]])
    whole = data.clip_indices(total, model.frames)
    scores = model.scores(pictures[np.concatenate([[whole, centred], slide, idle])])
    return scores[0], scores[1], scores[2:-2], scores[-2:]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def accuracy(scores, truth):
    """(top-1, top-5, share where the last class wins) of logits [N, K]."""
    words = scores[:, :-1]
    order = np.argsort(-words, 1)
    top1 = float((order[:, 0] == truth).mean())
    top5 = float((order[:, :5] == truth[:, None]).any(1).mean())
    return top1, top5, float((scores.argmax(1) == scores.shape[1] - 1).mean())


def interval(values):
    """Half of the 95 % interval of a mean of independent values."""
    return 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5


def above(scores, others, truth):
    """Of top-1, logits [N, K] less other logits of the same clips: (mean, half of its 95 % interval)."""
    right, rights = ((s[:, :-1].argmax(1) == truth).astype(float) for s in (scores, others))
    return float((right - rights).mean()), interval(right - rights)


def likelihood(scores, truth, temperature):
    """Mean negative log-likelihood of the true classes at a temperature."""
    p = softmax(scores / temperature)[np.arange(len(truth)), truth]
    return -float(np.log(p + 1e-12).mean())


def fit_temperature(scores, truth):
    """The temperature in 0.2..3 at which confidences fit the truth best (Guo et al., "On Calibration
    of Modern Neural Networks", arXiv 1706.04599). It moves no class past another."""
    candidates = np.geomspace(0.2, 3, 100)
    return float(min(candidates, key=lambda t: likelihood(scores, truth, t)))


def per_category(words, truth, categories):
    """Top-1 by category of words: {name: share}."""
    right = words.argmax(1) == truth
    groups = collections.defaultdict(list)
    for ok, name in zip(right, categories):
        groups[name].append(ok)
    return {name: float(np.mean(v)) for name, v in sorted(groups.items())}


def confusions(words, truth, labels, count=15):
    """The most frequent (true, taken for, times)."""
    pairs = collections.Counter((t, g) for t, g in zip(truth, words.argmax(1)) if t != g)
    return [(labels[t], labels[g], n) for (t, g), n in pairs.most_common(count)]


def by_confidence(confidence, truth, thresholds=(0.3, 0.4, 0.5, 0.6, 0.7)):
    """(threshold, share of clips with a word that reaches it, share of those whose surest word is right).

    confidence: [N, words], of each clip's windows the highest.
    """
    surest, right = confidence.max(1), confidence.argmax(1) == truth
    return [(t, float((surest >= t).mean()), float(right[surest >= t].mean()) if (surest >= t).any() else None)
            for t in thresholds]


def wanted_rows(args):
    """The clips of the manifest to look at."""
    rows = [r for r in data.read_manifest(args.data) if r["signer"] in args.signers]
    if args.limit and args.limit < len(rows):
        rows = [rows[i] for i in np.linspace(0, len(rows) - 1, args.limit).astype(int)]
    return rows


def collect(args, model, rows):
    """Run everything; returns a dictionary of score arrays."""
    results = []
    for i, row in enumerate(rows):
        results.append(look(model, os.path.join(args.data, row["file"]), args.rate,
                            "slide" in args.views))
        if i % 100 == 99:
            print("%d of %d clips" % (i + 1, len(rows)), flush=True)
    clip, window, slide, idle = zip(*results)
    return {"clip": np.stack(clip), "window": np.stack(window),
            "slide": np.stack([s[:min(map(len, slide))] for s in slide]), "idle": np.concatenate(idle)}


def dataset_report(args, model):
    """Top-1 and top-5 of the validation clips in the usual protocol."""
    _, clips, labels = datasets.DATASETS[args.dataset][0](args.data)
    if model.labels != labels:
        raise SystemExit("%s has %d labels, the data set %d others" % (args.model, len(model.labels), len(labels)))
    if args.limit and args.limit < len(clips):
        clips = [clips[i] for i in np.linspace(0, len(clips) - 1, args.limit).astype(int)]
    if not clips:
        raise SystemExit("%s: no clips for validation" % args.data)
    scores = []
    for clip in clips:
        frames = datasets.read_frames(clip.path, lambda total: data.clip_indices(total, model.frames))
        scores.append(model.scores(np.stack([data.square(f, model.size, 7 / 8) for f in frames])[None])[0])
    order = np.argsort(-np.stack(scores), 1)
    truth = np.array([clip.label for clip in clips])[:, None]
    return {"clips": len(clips), "size": model.size, "frames": model.frames,
            "top1": float((order[:, :1] == truth).mean()),
            "top5": float((order[:, :5] == truth).any(1).mean())}


def direction_report(args, model, rows):
    """Word and direction of the centred windows, forwards and backwards."""
    words = (len(model.labels) - 1) // 2
    scores, truth = [], []
    for row in rows:
        pictures = pictures_of(model, os.path.join(args.data, row["file"]))
        index = centred_window(model, len(pictures), args.rate)
        scores.append(model.scores(pictures[np.stack([index, index[::-1]])])[:, :-1])
        truth.append([row["class_id"], row["class_id"] + words])
    scores, truth = np.concatenate(scores), np.concatenate(truth)
    best = scores.argmax(1)
    top5 = (np.argsort(-scores, 1)[:, :5] == truth[:, None]).any(1)
    return {"clips": len(rows), "size": model.size,
            "word_and_direction": {"top1": float((best == truth).mean()),
                                   "top5": float(top5.mean())},
            "word": float((best % words == truth % words).mean()),
            "direction": float((best // words == truth // words).mean())}


def load_others(args, rows):
    """The scores of --against, of these clips."""
    others = np.load(args.against)
    if list(others["files"]) != [r["file"] for r in rows]:
        raise SystemExit("%s: scores of other clips; give the same --signers and --limit" % args.against)
    return others


def print_details(report):
    """By category, and what was taken for what."""
    for name, value in report["category_top1"].items():
        print("  %-14s %.0f %%" % (name, 100 * value))
    for true, taken, times in report["confusions"]:
        print("  %s taken for %s: %d" % (true, taken, times))


def word_report(args, model, rows, scores):
    """All figures of a model of words, printed as they come."""
    truth = np.array([r["class_id"] for r in rows])
    report = {"clips": len(rows), "size": model.size}
    views = {"clip": scores["clip"], "window": scores["window"]}
    if "slide" in args.views:
        # confidence of each word at its best window, as a log so that argmax agrees
        confidence = softmax(scores["slide"]).max(1)
        views["slide"] = np.log(confidence + 1e-9)
        report["confidence"] = by_confidence(confidence[:, :-1], truth)
        for threshold, answered, right in report["confidence"]:
            print("surest word at %.1f or above: %.0f %% of clips, %s of them right" % (
                threshold, 100 * answered, "none" if right is None else "%.0f %%" % (100 * right)))
    for name, logits in views.items():
        top1, top5, nothing = accuracy(logits, truth)
        report[name] = {"top1": top1, "top5": top5}
        print("%-7s top-1 %.1f %%, top-5 %.1f %%" % (name, 100 * top1, 100 * top5))
        if name != "slide":
            report[name]["nothing_wins"] = nothing
            print("        `nothing` above all words in %.1f %%" % (100 * nothing))
    report["idle_is_nothing"] = float((scores["idle"].argmax(1) == len(model.labels) - 1).mean())
    print("idle windows called `nothing`: %.1f %%" % (100 * report["idle_is_nothing"]))
    report["temperature"] = fit_temperature(
        np.concatenate([scores["window"], scores["idle"]]),
        np.concatenate([truth, np.full(len(scores["idle"]), len(model.labels) - 1)]))
    print("temperature that fits windows and idle ends best: %.3f" % report["temperature"])
    words = scores["window"][:, :-1]
    report["category_top1"] = per_category(words, truth, [r["category"] for r in rows])
    report["confusions"] = confusions(words, truth, model.labels)
    print_details(report)
    return report


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    model = open_model(args.model)
    args.rate = args.rate or data.window_rate(model.frames)
    if args.dataset != "fsl105":
        report = dataset_report(args, model)
        print(json.dumps(report, indent=1))
    elif model.direction:
        report = direction_report(args, model, wanted_rows(args))
        print(json.dumps(report, indent=1))
    else:
        rows = wanted_rows(args)
        others = args.against and load_others(args, rows)
        scores = collect(args, model, rows)
        report = word_report(args, model, rows, scores)
        if others:
            truth = np.array([r["class_id"] for r in rows])
            for name in "clip", "window":
                print("%-7s %+.1f ± %.1f points against %s" % (
                    name, *(100 * v for v in above(scores[name], others[name], truth)), args.against))
        if args.picture:
            truth, guessed = [r["class_id"] for r in rows], scores["window"][:, :-1].argmax(1)
            categories = {r["class_id"]: r["category"] for r in data.read_manifest(args.data)}
            cv2.imwrite(args.picture, confusion.draw(confusion.shares(truth, guessed, len(categories)), categories))
        if args.scores:
            np.savez(args.scores, truth=[r["class_id"] for r in rows],
                     files=[r["file"] for r in rows], **scores)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(report, f, indent=1)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How often a model sees an action where there is none: events per minute of footage.

Runs `sth classify` with the options of a live stream over videos in which none
of the model's actions happens (people who do other things, empty rooms), and
counts the actions that it reports.  With --idle also over footage of a signer of
FSL-105 before the signs: of up to 60 clips the first 0.7 seconds, back and forth
for 6 seconds each; clips in which hands move by then are left out.
"""
import argparse
import os
import subprocess
import tempfile

import cv2
import numpy as np

from sth import data

IDLE_CLIPS, IDLE_FRAMES, IDLE_SECONDS = 60, 11, 6


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--sth", default="build/src/cli/sth", help="the tool")
    p.add_argument("--model", required=True)
    p.add_argument("--option", action="append", default=[],
                   help="passed on to `sth classify`, such as --option=--threshold=0.4")
    p.add_argument("--idle", metavar="DATA", help="folder of FSL-105 with manifest.csv")
    p.add_argument("--signer", type=int, default=3, help="for --idle")
    p.add_argument("videos", nargs="*")
    args = p.parse_args()
    if not args.videos and not args.idle:
        p.error("name videos, or --idle")
    return args


def idle_frames(rgb, count):
    """The first IDLE_FRAMES of a clip [T, H, W, 3] back and forth, `count` of them; None if hands move by then."""
    if data.active_span(rgb, data.key_blue(rgb))[0] * data.FPS < IDLE_FRAMES:
        return None
    walk = list(range(IDLE_FRAMES)) + list(range(IDLE_FRAMES - 2, 0, -1))
    return [rgb[walk[i % len(walk)]] for i in range(count)]


def write_idle(args, path):
    """A video of a signer whose hands rest."""
    rows = [row for row in data.read_manifest(args.idle) if row["signer"] == args.signer]
    rows = [rows[i] for i in np.linspace(0, len(rows) - 1, min(IDLE_CLIPS, len(rows))).astype(int)]
    clips = [idle_frames(data.decode(os.path.join(args.idle, row["file"])), IDLE_SECONDS * data.FPS) for row in rows]
    clips = [clip for clip in clips if clip]
    if not clips:
        raise SystemExit("%s: no clip of signer %d in which hands rest" % (args.idle, args.signer))
    height, width = clips[0][0].shape[:2]
    video = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), data.FPS, (width, height))
    for frame in (frame for clip in clips for frame in clip):
        video.write(np.ascontiguousarray(frame[:, :, ::-1]))
    video.release()
    print("signer %d: hands rest in %d of %d clips" % (args.signer, len(clips), len(rows)))


def seconds_of(path):
    """Length of a video by its frames and rate."""
    video = cv2.VideoCapture(path)
    if not video.isOpened():
        raise SystemExit("%s: no video" % path)
    length = video.get(cv2.CAP_PROP_FRAME_COUNT) / video.get(cv2.CAP_PROP_FPS)
    video.release()
    return length


def events_of(args, path):
    """The lines of text of the cues that the tool writes."""
    out = subprocess.run([args.sth, "classify", "--model", args.model, "--format", "vtt"]
                         + args.option + [path], check=True, stdout=subprocess.PIPE)
    lines = out.stdout.decode("utf-8").split("\n")
    return [lines[i] + " " + lines[i + 1] for i in range(len(lines) - 1) if "-->" in lines[i]]


def main():
    args = parse_arguments()
    minutes, count = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        if args.idle:
            idle = os.path.join(folder, "idle.avi")
            write_idle(args, idle)
            args.videos.append(idle)
        for path in args.videos:
            events = events_of(args, path)
            minutes += seconds_of(path) / 60
            count += len(events)
            for event in events:
                print("%s: %s" % (os.path.basename(path), event))
    print("%d events in %.2f minutes: %.2f a minute" % (count, minutes, count / minutes))


if __name__ == "__main__":
    main()

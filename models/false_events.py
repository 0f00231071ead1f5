#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How often a model sees an action where there is none: events per minute of footage.

Runs `sth classify` with the options of a live stream over videos in which none
of the model's actions happens (people who do other things, empty rooms), and
counts the actions that it reports.
"""
import argparse
import os
import subprocess

import cv2


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--sth", default="build/src/cli/sth", help="the tool")
    p.add_argument("--model", required=True)
    p.add_argument("--option", action="append", default=[],
                   help="passed on to `sth classify`, such as --option=--start-threshold=0.4")
    p.add_argument("videos", nargs="+")
    return p.parse_args()


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
    for path in args.videos:
        events = events_of(args, path)
        minutes += seconds_of(path) / 60
        count += len(events)
        for event in events:
            print("%s: %s" % (os.path.basename(path), event))
    print("%d events in %.2f minutes: %.2f a minute" % (count, minutes, count / minutes))


if __name__ == "__main__":
    main()

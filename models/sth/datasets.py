# SPDX-License-Identifier: LGPL-2.1-or-later
"""Data sets of labelled clips, as they are distributed, and folders of one's own.

Each reader takes the root folder and returns (clips for training, clips for
validation, labels).  Nothing is decoded here.  The lists of labels are in
models/labels/; Something-Something V1 and V2 share theirs.
"""
import collections
import csv
import json
import os

import cv2
import numpy as np

from . import data

# path: a video file, or a folder of pictures that sort in order of time; label: its number
Clip = collections.namedtuple("Clip", "path label")

VIDEO_ENDINGS = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v")
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png")


class DatasetError(Exception):
    """What is wrong with a data set, where, and what it should look like."""


def shipped_labels(name):
    """The lines of models/labels/NAME.txt."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(here, "labels", name + ".txt"), encoding="utf-8") as f:
        return f.read().splitlines()


def _open(root, *parts):
    path = os.path.join(root, *parts)
    if not os.path.exists(path):
        raise DatasetError("%s is not there; the data set is expected as it is distributed, "
                           "unpacked into %s" % (path, root))
    return open(path, newline="", encoding="utf-8")


def _number(label, numbers, where):
    if label not in numbers:
        raise DatasetError("%s: `%s` is no label of this data set" % (where, label))
    return numbers[label]


def _frame_folders(root, name, labels):
    """20BN's older layout: NAME/ID/00001.jpg and files of `ID;label`."""
    numbers = {label: i for i, label in enumerate(labels)}
    parts = []
    for part in ("train", "validation"):
        clips = []
        with _open(root, "%s-%s.csv" % (name[len("20bn-"):], part)) as f:
            for row in csv.reader(f, delimiter=";"):
                clips.append(Clip(os.path.join(root, name, row[0]),
                                  _number(row[1], numbers, f.name)))
        parts.append(clips)
    return parts[0], parts[1], labels


def something_v1(root):
    """Something-Something V1: 20bn-something-something-v1/ID/00001.jpg, something-something-v1-*.csv."""
    return _frame_folders(root, "20bn-something-something-v1", shipped_labels("something-something"))


def jester(root):
    """Jester: 20bn-jester-v1/ID/00001.jpg, jester-v1-*.csv."""
    return _frame_folders(root, "20bn-jester-v1", shipped_labels("jester"))


def something_v2(root):
    """Something-Something V2: 20bn-something-something-v2/ID.webm, something-something-v2-*.json."""
    labels = shipped_labels("something-something")
    numbers = {label: i for i, label in enumerate(labels)}
    parts = []
    for part in ("train", "validation"):
        with _open(root, "something-something-v2-%s.json" % part) as f:
            rows = json.load(f)
        clips = []
        for row in rows:
            label = row["template"].replace("[", "").replace("]", "")
            path = os.path.join(root, "20bn-something-something-v2", row["id"] + ".webm")
            clips.append(Clip(path, _number(label, numbers, f.name)))
        parts.append(clips)
    return parts[0], parts[1], labels


def hmdb51(root, split=1):
    """HMDB-51: hmdb51/CLASS/NAME.avi, testTrainMulti_7030_splits/CLASS_test_splitN.txt (1 trains, 2 tests)."""
    labels = shipped_labels("hmdb51")
    parts = {"1": [], "2": []}
    for number, label in enumerate(labels):
        with _open(root, "testTrainMulti_7030_splits", "%s_test_split%d.txt" % (label, split)) as f:
            for line in f:
                name, use = line.split()
                if use in parts:
                    parts[use].append(Clip(os.path.join(root, "hmdb51", label, name), number))
    return parts["1"], parts["2"], labels


def folders(root):
    """One's own: ROOT/LABEL/*.mp4; every fifth clip of a label that has five is for validation."""
    labels = sorted(e.name for e in os.scandir(root) if e.is_dir() and not e.name.startswith("."))
    train, validation = [], []
    for number, label in enumerate(labels):
        names = sorted(n for n in os.listdir(os.path.join(root, label))
                       if n.lower().endswith(VIDEO_ENDINGS))
        if not names:
            raise DatasetError("%s has no video (%s)" % (os.path.join(root, label),
                                                         " ".join(VIDEO_ENDINGS)))
        for i, name in enumerate(names):
            part = validation if i % 5 == 4 else train
            part.append(Clip(os.path.join(root, label, name), number))
    if len(labels) < 2:
        raise DatasetError("%s: a folder for each of two labels or more is needed" % root)
    return train, validation, labels


# reader; whether a mirrored clip has the same label
DATASETS = {"something-v1": (something_v1, False), "something-v2": (something_v2, False),
            "jester": (jester, False), "hmdb51": (hmdb51, True), "folders": (folders, False)}


def _pictures_of(folder):
    names = sorted(n for n in os.listdir(folder) if n.lower().endswith(PICTURE_ENDINGS))
    if not names:
        raise DatasetError("%s has no pictures (%s)" % (folder, " ".join(PICTURE_ENDINGS)))
    return [os.path.join(folder, n) for n in names]


def read_frames(path, choose):
    """Decode some frames of a clip: a list of uint8 RGB [H, W, 3].

    choose: takes the number of frames, returns the numbers of those wanted, in
    any order, also more than once.
    """
    if not os.path.isdir(path):
        frames = data.decode(path)
        return [frames[i] for i in choose(len(frames))]
    names = _pictures_of(path)
    numbers = np.asarray(choose(len(names)))
    pictures = {}
    for i in np.unique(numbers):
        picture = cv2.imread(names[i])
        if picture is None:
            raise DatasetError("%s is no picture" % names[i])
        pictures[i] = np.ascontiguousarray(picture[:, :, ::-1])
    return [pictures[i] for i in numbers]

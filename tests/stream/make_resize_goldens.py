#!/usr/bin/env python3
"""Writes resize_*.npy: what Pillow and OpenCV make of one small picture, for preprocess_test.c.

usage: make_resize_goldens.py [FOLDER]

Needs Pillow, OpenCV and NumPy. The picture is a formula that the test has too.
SPDX-License-Identifier: LGPL-2.1-or-later
"""
import pathlib
import sys

import cv2
import numpy
from PIL import Image

# Name, source width and height, box (x0, y0, x1, y1), output width and height: as golden_cases in preprocess_test.c.
CASES = [
    ("shrink", 97, 61, (7.833333, 0, 89.166667, 61), 32, 24),
    ("enlarge", 13, 9, (0.5, 0, 12.5, 9), 32, 24),
    ("stretch", 97, 11, (0, 0, 97, 11), 32, 24),
]


# Two taps: whole pictures, for OpenCV takes no box with fractions.
OPENCV_CASES = [("opencv_shrink", 97, 61), ("opencv_enlarge", 13, 9), ("opencv_both", 97, 11)]
OPENCV_SIZE = 32, 24


def picture(width, height):
    y, x, c = numpy.meshgrid(range(height), range(width), range(3), indexing="ij")
    return ((x * 7 + y * 13 + c * 31 + x * y % 17 * 5) % 256).astype(numpy.uint8)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    for name, width, height, box, out_width, out_height in CASES:
        image = Image.fromarray(picture(width, height), "RGB")
        resized = image.resize((out_width, out_height), Image.Resampling.BILINEAR, box=box)
        numpy.save(folder / f"resize_{name}.npy", numpy.asarray(resized))
    for name, width, height in OPENCV_CASES:
        numpy.save(folder / f"resize_{name}.npy", cv2.resize(picture(width, height), OPENCV_SIZE, interpolation=cv2.INTER_LINEAR))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bring the original distribution of FSL-105 to the layout used for training.

The original (Mendeley Data, doi:10.17632/48y2y99mb9.2) has a folder `clips`
with one folder of .MOV files a class, and does not say who signs.
fsl105/manifest.csv beside this script does, for signers 1 to 3, and names each
file of ours with its source; files that stood under two labels are not in it.
Every clip becomes a centre crop of 224x224 pixels, 15 frames a second, H.264.
"""
import argparse
import csv
import os
import shutil
import subprocess

MANIFEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fsl105", "manifest.csv")
FILTER = "crop=min(iw\\,ih):min(iw\\,ih),scale=224:224:flags=area,fps=15"


def encode(source, target):
    """Crop, scale and re-encode one clip with ffmpeg; whole or not at all."""
    partial = target + ".part.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", source, "-an",
                    "-vf", FILTER, "-c:v", "libx264", "-preset", "slow", "-crf", "20",
                    "-pix_fmt", "yuv420p", "-movflags", "+faststart", partial], check=True)
    os.replace(partial, target)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--original", required=True, help="unpacked original distribution")
    p.add_argument("--output", required=True, help="folder to make; what is there is kept")
    args = p.parse_args()
    with open(MANIFEST, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    sources = [os.path.join(args.original, "clips", row["source"]) for row in rows]
    missing = [s for s in sources if not os.path.isfile(s)]
    if missing:
        p.error("%d of %d clips are missing, the first is %s" % (
            len(missing), len(rows), missing[0]))
    os.makedirs(args.output, exist_ok=True)
    for row, source in zip(rows, sources):
        target = os.path.join(args.output, row["file"])
        if not os.path.exists(target):
            encode(source, target)
    shutil.copy(MANIFEST, os.path.join(args.output, "manifest.csv"))
    print("%d clips in %s" % (len(rows), args.output))


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# Cuts the clips of the fine-tuning example in README.md: six people who come to a table, stand there and leave.
#
# usage: models/example_clips.sh VIDEO FOLDER
#   VIDEO   one-by-one-person-detection.mp4 of github.com/intel-iot-devkit/sample-videos (CC BY 4.0)
#   FOLDER  made: FOLDER/LABEL/PERSON.mp4, 2 seconds each
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
if [ $# -ne 2 ]; then
  sed -n '2,/^# SPDX/{/^# SPDX/!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
video=$1 folder=$2

cut() { # label, the second at which each person begins with it
  local label=$1 person=0 second
  shift
  mkdir -p "$folder/$label"
  for second in "$@"; do
    person=$((person + 1))
    ffmpeg -nostdin -loglevel error -y -ss "$second" -t 2 -i "$video" -an -c:v libx264 -crf 18 -pix_fmt yuv420p \
      "$folder/$label/$person.mp4"
  done
}

cut arrives 6.0 22.7 50.5 74.7 92.5 123.6
cut stands 12 33 58 80 105 129
cut leaves 18.2 43.3 68.0 85.2 117.8 134.6

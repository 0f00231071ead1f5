#!/usr/bin/env bash
# Makes the default model: trains, exports, measures, and writes its golden files.
#
# usage: models/make_default.sh DATA WEIGHTS BACKGROUNDS WORK
#   DATA         FSL-105 as prepare_fsl105.py leaves it
#   WEIGHTS      ImageNet MobileNetV2, BatchNorm folded (.pth)
#   BACKGROUNDS  folder of videos whose blurred frames go behind the signers
#   WORK         folder for the decoded frames (6 GB) and the checkpoint; a run that was stopped goes on from there
# EPOCHS=N trains longer or shorter than the shipped model was (30).
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ $# -ne 4 ]; then
  sed -n '2,/^# SPDX/{/^# SPDX/!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
data=$1 weights=$2 backgrounds=$3 work=$4
python=${PYTHON:-/usr/bin/python3}
model=$here/default/sth-mobilenet-v2-fsl105.onnx
mkdir -p "$work"

# Passive waiting leaves the second core to others; one big heap saves the page faults of every activation.
export OMP_WAIT_POLICY=passive MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=500000000

"$python" -u "$here/train.py" --data "$data" --weights "$weights" --backgrounds "$backgrounds" \
  --cache "$work/cache" --output "$work/sth-fsl105.pt" --sizes 112 128 144 --epochs "${EPOCHS:-30}" --seed 1 --resume
"$python" "$here/export.py" --checkpoint "$work/sth-fsl105.pt" --name sth-mobilenet-v2-fsl105 \
  --output "$model" --labels-output "$here/default/labels.txt"
"$python" "$here/evaluate.py" --model "$model" --data "$data" --json "$here/default/accuracy.json"
"$python" "$here/golden.py" --output "$here/../tests/goldens" --default "$model" --clip "$data/c098_s3_12.mp4"

#!/usr/bin/env bash
# Makes the default model and its golden files: trains on signers 1 and 2, measures that on signer 3, and goes on with all three.
# To know what going on does for a person it has not seen, a sibling goes on with the two alone.
#
# usage: models/make_default.sh DATA WEIGHTS BACKGROUNDS WORK
#   DATA         FSL-105 as prepare_fsl105.py leaves it
#   WEIGHTS      ImageNet MobileNetV2, BatchNorm folded (.pth)
#   BACKGROUNDS  folder of videos whose blurred frames go behind the signers
#   WORK         folder for the decoded frames (27 GB) and the checkpoints; a run that was stopped goes on from there
# EPOCHS=N trains the first part longer or shorter than the shipped model was (30).
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

samples=(--data "$data" --backgrounds "$backgrounds" --seed 1 --resume)
"$python" -u "$here/train.py" "${samples[@]}" --cache "$work/cache" --weights "$weights" --output "$work/signers-1-2.pt" \
  --sizes 112 128 144 --epochs "${EPOCHS:-30}"
"$python" "$here/export.py" --checkpoint "$work/signers-1-2.pt" --output "$work/signers-1-2.onnx"
"$python" "$here/evaluate.py" --model "$work/signers-1-2.onnx" --data "$data" --json "$here/default/accuracy-signers-1-2.json"

go_on() { # checkpoint, signers
  "$python" -u "$here/train.py" "${samples[@]}" --cache "$work/cache-224" --cache-size 224 --finetune "$work/signers-1-2.onnx" \
    --output "$1" --signers "${@:2}" --frozen 4 --views 6 --sizes 192 --epochs 12 --lr 5e-4 --float32 --threads 1
}
go_on "$work/sibling.pt" 1 2
"$python" "$here/evaluate.py" --model "$work/sibling.pt" --data "$data" --json "$here/default/accuracy-sibling.json" \
  --picture "$here/default/confusions.png"

go_on "$work/sth-fsl105.pt" 1 2 3
"$python" "$here/export.py" --checkpoint "$work/sth-fsl105.pt" --name sth-mobilenet-v2-fsl105 \
  --output "$model" --labels-output "$here/default/labels.txt"
"$python" "$here/golden.py" --output "$here/../tests/goldens" --default "$model" --clip "$data/c098_s3_12.mp4"

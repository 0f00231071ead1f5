#!/bin/bash
# Makes the networks of docs/performance.md and compares us with ONNX Runtime, OpenBLAS and oneDNN, network by network: prints the table's
# rows. Needs a built tree, Python with PyTorch, torchvision and onnx, and node; the networks (1.5 GB) and onnxruntime-node stay in
# build/rivals. oneDNN is compared where the tree was built with libdnnl-dev: on MobileNetV2, without its temporal taps.
# usage: tests/bench/rivals.sh [--threads N] [--rounds N] [--blas] [--cpu LEVEL] [NETWORK…]
#   options: as of rivals.mjs, which explains how it measures
#   NETWORK: of the list below; without one, all
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$PWD/build/rivals

# name, network of models/export.py, frames
sth_networks=("sth-resnet50-8 resnet50 8" "sth-resnet50-16 resnet50 16" "sth-resnet18-8 resnet18 8"
  "sth-mobilenet-v2-8 mobilenet_v2 8" "sth-mobilenet-v2-16 mobilenet_v2 16")
# of models/foreign.py
foreign_networks=(tsn_resnet50 tsn_mobilenet_v2 tsm_mobilenet_v2 r2plus1d_18)

make_sth() { # name network frames
  local form
  for form in a c d; do
    [ -s "$work/$1-$form.onnx" ] ||
      models/export.py --network "$2" --frames "$3" --classes 174 --size 224 --form "$form" --output "$work/$1-$form.onnx" >&2
  done
}

options=() wanted=()
while [ $# -gt 0 ]; do
  case $1 in
  --threads | --rounds | --cpu) options+=("$1" "${2:?$1 needs a value}"); shift ;;
  --blas) options+=("$1") ;;
  -h | --help) sed -n '2,/^# SPDX/{/^# SPDX/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
  -*) echo "rivals: unknown option $1; see --help" >&2; exit 2 ;;
  *) wanted+=("$1") ;;
  esac
  shift
done

mkdir -p "$work"
[ -d "${NODE_PATH:-$work/node_modules}/onnxruntime-node" ] || npm install --ignore-scripts --prefix "$work" onnxruntime-node@1.30 >&2
export NODE_PATH=${NODE_PATH:-$work/node_modules}

make_foreign() { # name
  [ -s "$work/$1.onnx" ] || models/foreign.py --work "$work" --no-times --only "$1" >&2
}

header=(--header)
compare() { # name file…
  local onednn=()
  if [ -x build/tests/bench/onednn-bench ] && [[ $1 =~ ^(sth-mobilenet-v2-8|tsn_mobilenet_v2)$ ]]; then
    make_foreign tsn_mobilenet_v2
    onednn=(--onednn "$work/tsn_mobilenet_v2.onnx")
  fi
  node tests/bench/rivals.mjs "${header[@]}" "${options[@]}" "${onednn[@]}" --name "$1" "${@:2}"
  header=()
}
is_wanted() { [ ${#wanted[@]} = 0 ] || printf '%s\n' "${wanted[@]}" | grep -qxF -- "$1"; }

for known in "${wanted[@]}"; do
  printf '%s\n' "${sth_networks[@]%% *}" "${foreign_networks[@]}" | grep -qxF -- "$known" ||
    { echo "rivals: no network '$known'; there are: ${sth_networks[*]%% *} ${foreign_networks[*]}" >&2; exit 2; }
done
for row in "${sth_networks[@]}"; do
  read -r name network frames <<<"$row"
  is_wanted "$name" || continue
  make_sth "$name" "$network" "$frames"
  compare "$name" "$work/$name-a.onnx" "$work/$name-c.onnx" "$work/$name-d.onnx"
done
for name in "${foreign_networks[@]}"; do
  is_wanted "$name" || continue
  make_foreign "$name"
  compare "$name" "$work/$name.onnx"
done

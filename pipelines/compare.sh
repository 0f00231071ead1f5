#!/usr/bin/env bash
# Two models on the same video, picture beside picture, each with its results and its name drawn in.
#
# usage: pipelines/compare.sh [OPTION…] --with MODEL FILE|URI|/dev/videoN [OUTPUT]
#   --with MODEL       the second model; the first is that of --model
#   OUTPUT             NAME.mp4, NAME.mkv or NAME.webm; without it, a window
#   --inset            the second picture small, in a corner of the first
#   --tile WxH         size of the (first) picture; 640x480 unless given
#   --sink ELEMENT     shows it; autovideosink unless given
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck source=pipelines/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

second='' inset=no
own_option() {
  taken=2
  case $1 in
  --with) second=$(value "$@") ;;
  --tile) set_tile "$(value "$@")" ;;
  --sink) video_sink=$(value "$@") ;;
  --inset) inset=yes taken=1 ;;
  *) return 1 ;;
  esac
}
set_tile 640x480
sth_options "$@"
wants 1 2 "a video, and a file to write if not to a window"
[ -n "$second" ] || die_usage "--with MODEL is missing: the second model"
check_model "$second"

if [ ${#inputs[@]} = 2 ]; then
  not_the_same "${inputs[@]}"
  set_encode "${inputs[1]}"
  sink=("${encode[@]}" '!' "$mux" '!' filesink "location=${inputs[1]}")
else
  set_window
  sink=("${window[@]}")
fi
# A branch: model, results, name of the model.
set_branch() { # model, size of the picture, input of the compositor
  set_tile "$2"
  name=${1:-${GST_STH_MODEL:-default}} name=${name##*/}
  model=$1 set_classify
  branch=(t. '!' queue '!' "${classify[@]}" '!' "${tile[@]}" '!' sthoverlay
    '!' textoverlay "text=${name%.onnx}" valignment=bottom halignment=right 'font-desc=Sans 9' '!' queue '!' "m.$3")
}

width=$tile_width height=$tile_height
if [ $inset = yes ]; then
  small=$((width * 2 / 5))x$((height * 2 / 5))
  place=("sink_1::xpos=$((width * 3 / 5 - 12))" sink_1::ypos=12)
else
  small=${width}x$height
  place=("sink_1::xpos=$width")
fi
set_source "${inputs[0]}"
launch=("${gst[@]}" "${source[@]}" '!' tee name=t)
set_branch "$model" "${width}x$height" sink_0
launch+=("${branch[@]}")
set_branch "$second" "$small" sink_1
launch+=("${branch[@]}" compositor name=m "${place[@]}" '!' "${sink[@]}")
sth_run

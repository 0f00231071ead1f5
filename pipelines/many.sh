#!/usr/bin/env bash
# Recognises actions in many videos at once, in one process that holds the model once: files, addresses, cameras, mixed.
# Prints the results of all, one JSON object a line; `source` in it says which video. If one of them fails all end: a script for each, or
# `sth classify --jobs`, is better where that may happen.
#
# usage: pipelines/many.sh [OPTION…] FILE|URI|/dev/videoN…
#   --events           only where actions start and end, not every window
#   --show             also show the videos side by side with the results drawn in
#   --sink ELEMENT     shows them; autovideosink unless given
#   --tile WxH         size of each video in the window; 480x360 unless given
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck source=pipelines/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

own_option() {
  case $1 in
  --tile) set_tile "$(value "$@")" && taken=2 ;;
  --format | --output) return 1 ;;
  *) results_option "$@" ;;
  esac
}
set_tile 480x360
sth_options "$@"
wants 1 64 "one to 64 videos"
if [ $show = yes ]; then set_window; fi

columns=1
while [ $((columns * columns)) -lt ${#inputs[@]} ]; do columns=$((columns + 1)); done
set_classify
beside=$show
set_text_sink
chains=() places=()
for i in "${!inputs[@]}"; do
  row=$((i / columns))
  set_source "${inputs[i]}"
  set_export ndjson "${inputs[i]}" ${emit:+"$emit"}
  chains+=("${source[@]}" '!' queue '!' "${classify[@]}" '!')
  if [ $show = yes ]; then
    places+=("sink_$i::xpos=$((i % columns * tile_width))" "sink_$i::ypos=$((row * tile_height))")
    chains+=(tee "name=t$i" "t$i." '!' queue '!' "${tile[@]}" '!' sthoverlay '!' "m.sink_$i" "t$i." '!' queue '!')
  fi
  chains+=("${export_text[@]}" '!' "${text_sink[@]}")
done
launch=("${gst[@]}" "${chains[@]}")
if [ $show = yes ]; then launch+=(compositor name=m "${places[@]}" '!' "${window[@]}"); fi
sth_run

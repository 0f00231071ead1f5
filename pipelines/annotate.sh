#!/usr/bin/env bash
# Writes a video with the recognised actions drawn in.
#
# usage: pipelines/annotate.sh [OPTION…] FILE|URI|/dev/videoN OUTPUT
#   OUTPUT             NAME.mp4, NAME.mkv or NAME.webm
#   --audio            also the sound, of a file that has some
#   --subtitles        also the actions as a text track that players show on demand (.mkv)
#   --draw NAME=VALUE  a property of sthoverlay (gst-inspect-1.0 sthoverlay lists them); may be repeated
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck source=pipelines/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

sound=no subtitles=no overlay=()
own_option() {
  taken=1
  case $1 in
  --audio) sound=yes ;;
  --subtitles) subtitles=yes ;;
  --draw) overlay+=("$(value "$@")") taken=2 ;;
  *) return 1 ;;
  esac
}
# gst-launch-1.0 would wait for ever for the sound of a silent film.
check_sound() {
  command -v gst-discoverer-1.0 >/dev/null || { say 'whether there is sound is not checked: gst-discoverer-1.0 is missing'; return; }
  gst-discoverer-1.0 "$1" 2>/dev/null | grep -E '^ +audio' >/dev/null || die "there is no sound in '$1'; leave out --audio"
}
sth_options "$@"
wants 2 2 "a video and the file to write"
set_encode "${inputs[1]}"
if [ $subtitles = yes ]; then [[ ${inputs[1]} == *.mkv ]] || die_usage "--subtitles go into an .mkv file"; fi
if [ $sound = yes ]; then [ -f "${inputs[0]}" ] || die_usage "--audio is for files"; fi
not_the_same "${inputs[@]}"
[ $sound = no ] || [ $dry_run = yes ] || check_sound "${inputs[0]}"

set_source "${inputs[0]}" d
set_classify
launch=("${gst[@]}" "${source[@]}" '!' queue '!' "${classify[@]}" '!')
if [ $subtitles = yes ]; then
  launch+=(tee name=t t. '!' queue '!' sthexport emit=events '!' 'text/x-raw,format=utf8' '!' queue '!' out. t. '!' queue '!')
fi
launch+=("${draw[@]}" "${overlay[@]}" '!' "${encode[@]}" '!' queue '!' out.)
if [ $sound = yes ]; then launch+=(d. '!' queue '!' audioconvert '!' audioresample '!' "${audio[@]}" '!' queue '!' out.); fi
launch+=("$mux" name=out '!' filesink "location=${inputs[1]}")
sth_run

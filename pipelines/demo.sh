#!/usr/bin/env bash
# Recognises signs in a video: installs what is missing, builds, runs the pipeline, prints what was recognised.
#
# usage: pipelines/demo.sh [OPTION…] [FILE|URI|/dev/videoN]
#   FILE               a video file; without one, the clip that comes with the project
#   URI                http://…, rtsp://…, file://…
#   /dev/videoN        a camera; Ctrl-C ends it
#   --show             also open a window
#   --sink ELEMENT     shows it; autovideosink unless given
#
# Writes out/demo/annotated.mp4 (video with the recognised action drawn in), results.ndjson (every result, one JSON
# object a line), actions.vtt (subtitles: one cue an action). Nothing is written outside of the project's folder.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck source=pipelines/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

own_option() {
  case $1 in
  --show) show=yes taken=1 ;;
  --sink) video_sink=$(value "$@") show=yes taken=2 ;;
  *) return 1 ;;
  esac
}

# Times, action and confidence of each cue of a WebVTT file.
print_actions() {
  awk '
    function seconds(t, a) { split(t, a, ":"); return a[1] * 3600 + a[2] * 60 + a[3] }
    function plain(s) { gsub(/&lt;/, "<", s); gsub(/&gt;/, ">", s); gsub(/&amp;/, "\\&", s); return s }
    BEGIN { line = "  %-9s %-9s %-28s %s\n"; printf line, "from", "to", "action", "confidence" }
    / --> / { from = seconds($1); to = seconds($3); getline text
              match(text, / [0-9]+%$/); percent = substr(text, RSTART + 1); text = substr(text, 1, RSTART - 1)
              printf line, sprintf("%7.2f s", from), sprintf("%7.2f s", to), plain(text), percent; n++ }
    END { if (!n) print "  (no action was sure enough; results.ndjson has every window)" }' "$1"
}

run_demo() {
  local file build=$sth_top/build
  rm -f "${written[@]}"
  printf 'Running:\n\n'
  sth_print
  sth_run_once
  [ -s "${written[1]}" ] || die "no frame of '${inputs[0]}' made a result: is it a video of at least some frames?"
  printf '\nRecognised in %s:\n' "${inputs[0]}"
  print_actions "${written[2]}"
  printf '\nWritten:\n'
  for file in "${written[@]}"; do
    printf '  %-24s %8s bytes\n' "$file" "$(stat -c %s "$file")"
  done
  printf '\nNext: a shell that knows the elements and the tool sth\n  meson devenv -C %q -w .\nand docs/tutorial.md\n' "${build#"$PWD/"}"
}

sth_options "$@"
wants 0 1 "one video"
# As short as they can be where the script is called from.
default_clip=$sth_top/pipelines/clips/signs.mp4 out=$sth_top/out/demo
set_source "${inputs[0]:=${default_clip#"$PWD/"}}"
out=${out#"$PWD/"}
written=("$out/annotated.mp4" "$out/results.ndjson" "$out/actions.vtt")
window=()
[ $show = no ] || set_window
sth_check_models
# Everything that GStreamer, fontconfig and others want to remember stays in here.
cache=$sth_top/build/cache
if [ $dry_run = no ]; then
  "$sth_top/pipelines/setup.sh"
  mkdir -p "$cache" "$out"
fi
export GST_REGISTRY=$cache/gst-registry.bin XDG_CACHE_HOME=$cache XDG_DATA_HOME=$cache XDG_CONFIG_HOME=$cache TMPDIR=$cache

set_classify
set_encode "${written[0]}"
set_text_branches "${written[@]:1}"
[ $show = no ] || encode=(tee name=drawn drawn. '!' queue '!' "${window[@]}" drawn. '!' queue '!' "${encode[@]}")
launch=("${gst[@]}" "${source[@]}" '!' queue '!' "${classify[@]}" '!' tee name=t
  t. '!' queue '!' "${draw[@]}" position=bottom-left '!' "${encode[@]}" '!' "$mux" '!' filesink "location=${written[0]}" "${text_branches[@]}")
run=run_demo
sth_run

#!/usr/bin/env bash
# Recognises signs in a video: installs what is missing, builds, runs the pipeline, prints what was recognised.
#
# usage: pipelines/demo.sh [--show] [FILE|URI|/dev/videoN]
#   FILE         a video file; without one, the clip that comes with the project
#   URI          http://…, rtsp://…, file://…
#   /dev/videoN  a camera; Ctrl-C ends it
#   --show       also open a window
#   -h, --help   this text
#
# Writes out/demo/annotated.mp4 (video with the recognised action drawn in), results.ndjson (every result, one JSON
# object a line), actions.vtt (subtitles: one cue an action). Nothing is written outside of this folder.
# GST_STH_MODEL=FILE.onnx chooses another model.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
top=$PWD

usage() { sed -n '2,/^# SPDX/{/^# SPDX/!s/^# \{0,1\}//p}' "$top/pipelines/demo.sh"; }
die() { printf 'demo: %s\n' "$1" >&2; exit 1; }

show=no input=''
for arg in "$@"; do
  case $arg in
  --show) show=yes ;;
  -h | --help) usage; exit 0 ;;
  -*) usage >&2; exit 2 ;;
  *) [ -z "$input" ] || { usage >&2; exit 2; }; input=$arg ;;
  esac
done

[ -n "${GST_STH_MODEL:-}" ] || GST_STH_MODEL=models/default/sth-mobilenet-v2-fsl105.onnx
case $GST_STH_MODEL in /*) ;; *) [ -f "$GST_STH_MODEL" ] || GST_STH_MODEL=$here/$GST_STH_MODEL ;; esac
[ -f "$GST_STH_MODEL" ] || die "there is no model '$GST_STH_MODEL'"

case ${input:=pipelines/clips/signs.mp4} in
*://*) source=(uridecodebin "uri=$input") ;;
/dev/*)
  [ -c "$input" ] || die "there is no camera '$input'; those that are there: $(echo /dev/video*)"
  source=(v4l2src "device=$input" '!' decodebin)
  ;;
*)
  case $input in /*) file=$input ;; *) file=$here/$input; [ -f "$file" ] || file=$top/$input ;; esac
  [ -f "$file" ] || die "there is no file '$input'; give a video file, a URI (rtsp://…) or a camera (/dev/video0)"
  [ -r "$file" ] || die "may not read '$input'"
  input=${file#"$top/"}
  source=(filesrc "location=$input" '!' decodebin)
  ;;
esac

[ $show = no ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || die "--show needs a display; there is none (DISPLAY is not set)"

pipelines/setup.sh

# Everything that GStreamer, fontconfig and others want to remember stays in here.
export GST_PLUGIN_PATH=$top/build/gst-plugin GST_REGISTRY=$top/build/cache/gst-registry.bin GST_STH_MODEL
export XDG_CACHE_HOME=$top/build/cache XDG_DATA_HOME=$top/build/cache XDG_CONFIG_HOME=$top/build/cache
export LIBVA_MESSAGING_LEVEL=0 # no driver for hardware decoding is nothing to report here
mkdir -p "$XDG_CACHE_HOME" out/demo
rm -f out/demo/annotated.mp4 out/demo/results.ndjson out/demo/actions.vtt
out=out/demo


# Small videos are enlarged, so that the text is easy to read; the encoder wants square pixels and even sizes.
size='video/x-raw,width=[448,4096,2],height=[448,4096,2],pixel-aspect-ratio=1/1'
annotated=(videoscale '!' "$size" '!' sthoverlay position=bottom-left '!' videoconvert '!' 'video/x-raw,format=I420')
[ $show = no ] || annotated+=('!' tee name=drawn drawn. '!' queue '!' videoconvert '!' autovideosink drawn. '!' queue)
# The encoder keeps no frames back (zerolatency) and the text sinks do not wait for a first buffer (async=false): else
# one branch of the tee would wait for another.
launch=(gst-launch-1.0 -e "${source[@]}" '!' video/x-raw '!' queue '!' sthclassify '!' tee name=t
  t. '!' queue '!' "${annotated[@]}" '!' x264enc tune=zerolatency speed-preset=veryfast
  '!' mp4mux '!' filesink "location=$out/annotated.mp4"
  t. '!' queue '!' sthexport '!' application/x-ndjson '!' filesink "location=$out/results.ndjson" async=false
  t. '!' queue '!' sthexport emit=events '!' application/x-subtitle-vtt '!' filesink "location=$out/actions.vtt" async=false)

echo "Running:"
printf '  GST_PLUGIN_PATH=build/gst-plugin GST_STH_MODEL=%q \\\n ' "${GST_STH_MODEL#"$top/"}"
for word in "${launch[@]}"; do
  case $word in
  t.) printf ' \\\n    t.' ;;
  '!') printf ' !' ;;
  *\'*) printf ' %q' "$word" ;;
  *[!A-Za-z0-9_.,:/=+-]*) printf " '%s'" "$word" ;;
  *) printf ' %s' "$word" ;;
  esac
done
printf '\n\n'

log=$out/gst-launch.log
trap : INT # Ctrl-C ends the pipeline, not this script
: >"$log"
"${launch[@]}" </dev/null >"$log" 2>&1 &
pipeline=$!
# gst-launch-1.0 waits for ever for a video that a file does not have.
while kill -0 $pipeline 2>/dev/null; do
  if grep -q 'Delayed linking failed' "$log"; then
    kill -KILL $pipeline
    die "there is no video in '$input' that GStreamer can decode; all of its output: $log"
  fi
  sleep 0.1
done
if ! wait $pipeline; then
  grep -E '^(ERROR: from|WARNING|Additional debug info: .)' "$log" >&2 || tail -n 5 "$log" >&2
  die "the pipeline failed on '$input'; all of its output: $log"
fi
trap - INT
[ -s $out/results.ndjson ] || die "no frame of '$input' made a result: is it a video of at least some frames?"

echo "Recognised in $input:"
awk '
  function seconds(t, a) { split(t, a, ":"); return a[1] * 3600 + a[2] * 60 + a[3] }
  function plain(s) { gsub(/&lt;/, "<", s); gsub(/&gt;/, ">", s); gsub(/&amp;/, "\\&", s); return s }
  BEGIN { line = "  %-9s %-9s %-28s %s\n"; printf line, "from", "to", "action", "confidence" }
  / --> / { from = seconds($1); to = seconds($3); getline text
            match(text, / [0-9]+%$/); percent = substr(text, RSTART + 1); text = substr(text, 1, RSTART - 1)
            printf line, sprintf("%7.2f s", from), sprintf("%7.2f s", to), plain(text), percent; n++ }
  END { if (!n) print "  (no action was sure enough; results.ndjson has every window)" }' $out/actions.vtt

printf '\nWritten:\n'
for file in annotated.mp4 results.ndjson actions.vtt; do
  printf '  %-24s %8s bytes\n' "$out/$file" "$(stat -c %s "$out/$file")"
done

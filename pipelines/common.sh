# What the scripts beside this file share: options, where videos come from, drawing, encoding, running gst-launch-1.0.
#
# A script sources it, says in `group` whether it takes the options of results, defines own_option if it has options of its own,
# calls sth_options "$@", fills the array `launch` from the pieces below, and calls sth_run.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are the scripts' to use
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail

sth_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sth_program=$(basename "$0" .sh)

model='' dry_run=no show=no video_sink=autovideosink format=ndjson emit='' output='' group='' mode='' append='' beside=no run=sth_run_once
settings=() inputs=() launch=()
# Where a file is written, the pipeline ends in order also after SIGINT (-e). Elsewhere not: gst-launch-1.0 -e would wait for
# ever for the end after an error, such as a reader of standard output who has seen enough.
gst=(gst-launch-1.0 -q)

say() { printf '%s: %s\n' "$sth_program" "$1" >&2; }
die() { say "$1"; exit 1; }
die_usage() { say "$1 ($0 --help tells more)"; exit 2; }

# Prints the first comment of the script, then the options that it shares with others.
usage() {
  sed -n '2,/^# SPDX/{/^# SPDX/!s/^# \{0,1\}//p}' "$0"
  [ "$group" != results ] || cat <<'END'
Results:
  --format FORMAT    ndjson (the default), csv, vtt, srt or txt, on standard output
  --output FILE      into a file; the ending of its name says the format
  --events           only where actions start and end, not every window
  --show             also show the video with the results drawn in
  --sink ELEMENT     shows it; autovideosink unless given; with properties: 'glimagesink sync=false'
END
  cat <<'END'
Common options:
  --model FILE.onnx  another model than $GST_STH_MODEL or the installed default
  --set NAME=VALUE   a property of sthclassify (gst-inspect-1.0 sthclassify lists them); may be repeated
  --dry-run          print the gst-launch-1.0 line that would run, ready to be pasted; run nothing
  -h, --help         this text
END
}

# The value of an option: "$(value "$@")".
value() {
  [ $# -ge 2 ] || die_usage "option $1 needs a value"
  printf '%s' "$2"
}

# Each takes one option and its value from "$@" and sets `taken`, the number of words; fails if the option is not its own.
own_option() { return 1; }
results_option() {
  taken=2
  case $1 in
  --format) format=$(value "$@") ;;
  --output) output=$(value "$@") format=${output##*.} ;;
  --sink) video_sink=$(value "$@") show=yes ;;
  --events) emit=emit=events taken=1 ;;
  --show) show=yes taken=1 ;;
  *) return 1 ;;
  esac
}
common_option() {
  taken=1
  case $1 in
  --model) model=$(value "$@") taken=2 ;;
  --set)
    settings+=("$(value "$@")") taken=2
    [[ ${settings[-1]} == *?=* ]] || die_usage "--set '${settings[-1]}': give it as NAME=VALUE"
    ;;
  --dry-run) dry_run=yes ;;
  -h | --help) usage; exit 0 ;;
  -?*) die_usage "there is no option $1" ;;
  *) inputs+=("$1") ;;
  esac
}

# Takes the options, and what is no option into `inputs`.
sth_options() {
  while [ $# -gt 0 ]; do
    own_option "$@" || { [ "$group" = results ] && results_option "$@"; } || common_option "$@"
    [ $# -ge "$taken" ] || exit 2 # value() has complained in its subshell
    shift "$taken"
  done
}

# The number of inputs that a script takes: wants MIN MAX WHAT.
wants() {
  { [ ${#inputs[@]} -ge "$1" ] && [ ${#inputs[@]} -le "$2" ]; } || die_usage "give it $3"
}

check_model() { [ -z "$1" ] || [ -f "$1" ] || die "there is no model '$1'"; }
sth_check_models() { check_model "$model" && check_model "${GST_STH_MODEL:-}"; }
not_the_same() { [ ! "$1" -ef "$2" ] || die "'$2' would be overwritten while it is read"; }

# Finds plugin and model: those of this tree once it is built, else the installed ones. Puts into sth_variables what a line
# needs to be pasted elsewhere.
sth_find_plugin() {
  sth_variables=()
  sth_check_models
  if [ -z "${GST_PLUGIN_PATH:-}" ] && [ -f "$sth_top/meson.build" ]; then
    if [ ! -e "$sth_top/build/gst-plugin/libgststh.so" ] && [ $dry_run = no ]; then "$sth_top/pipelines/setup.sh" >&2; fi
    export GST_PLUGIN_PATH=$sth_top/build/gst-plugin
    sth_variables+=("GST_PLUGIN_PATH=$GST_PLUGIN_PATH")
    if [ -z "$model${GST_STH_MODEL:-}" ]; then
      export GST_STH_MODEL=$sth_top/models/default/sth-mobilenet-v2-fsl105.onnx
      sth_variables+=("GST_STH_MODEL=$GST_STH_MODEL")
    fi
  fi
}

# --- Pieces of a pipeline. Each sets an array of that name. -----------------------------------------------------------------

# classify: the element with --model and --set; mode=live where the script says so by `mode`.
set_classify() { classify=(sthclassify ${model:+"model-file=$model"} ${mode:+"mode=$mode"} "${settings[@]}"); }

# source INPUT [NAME]: raw video of a file, URI or camera. NAME names the demuxer of a file, for its other streams.
set_source() {
  case $1 in
  rtsp://* | rtsps://*) set_rtsp_source "$1" ;;
  *://*) source=(uridecodebin "uri=$1" '!' video/x-raw) ;;
  /dev/*)
    [ -c "$1" ] || die "there is no camera '$1'; those that are there: $(compgen -G '/dev/video*' | tr '\n' ' ' || echo none)"
    source=(v4l2src "device=$1" '!' decodebin '!' video/x-raw)
    ;;
  *)
    [ ! -d "$1" ] || die "'$1' is a folder; give files, or the folder to 'sth classify'"
    [ -f "$1" ] || die "there is no file '$1'; give a video file, a URI (rtsp://…) or a camera (/dev/video0)"
    [ -r "$1" ] || die "may not read '$1'"
    source=(filesrc "location=$1" '!' decodebin ${2:+"name=$2" "$2."} '!' video/x-raw)
    ;;
  esac
}

# Over TCP: no holes in the picture, and a server that goes away is noticed at once. Video only: a camera's sound stays where it is.
set_rtsp_source() {
  source=(rtspsrc "location=$1" protocols=tcp latency=200 '!' 'application/x-rtp,media=video' '!' decodebin '!' video/x-raw)
}

# Small videos are enlarged, so that the text is easy to read; encoders want square pixels and even sizes.
draw=(videoscale '!' 'video/x-raw,width=[448,4096,2],height=[448,4096,2],pixel-aspect-ratio=1/1' '!' sthoverlay)
set_window() {
  local words
  read -ra words <<<"$video_sink"
  window=(videoconvert '!' "${words[@]}")
  [ "$video_sink" != autovideosink ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ $dry_run = yes ] ||
    die "a window needs a display and there is none (DISPLAY is not set); --sink takes a video sink that needs none"
}

# encode FILE: video encoder; muxer, to be followed by a link to the sink; audio encoder. The encoder holds no frames back
# (zerolatency): else one branch of a tee would wait for another.
set_encode() {
  local h264=(videoconvert '!' 'video/x-raw,format=I420' '!' x264enc tune=zerolatency speed-preset=veryfast)
  case $1 in
  *.mp4) encode=("${h264[@]}") mux=mp4mux audio=(avenc_aac) ;;
  *.mkv) encode=("${h264[@]}") mux=matroskamux audio=(opusenc) ;;
  *.webm) encode=(videoconvert '!' vp8enc deadline=1 cpu-used=8 target-bitrate=2000000) mux=webmmux audio=(opusenc) ;;
  *) die_usage "'$1': the name says the format: .mp4, .mkv or .webm" ;;
  esac
  to_file "$1"
}

to_file() {
  [ -w "$(dirname "$1")" ] || [ $dry_run = yes ] || die "cannot write into the folder of '$1'"
  gst=(gst-launch-1.0 -e -q)
}

# What results call an input; nobody's password gets into them.
source_name() {
  if [[ $1 =~ ^([a-z0-9+]+://)[^/]*@(.*)$ ]]; then printf '%s' "${BASH_REMATCH[1]}${BASH_REMATCH[2]}"; else printf '%s' "$1"; fi
}

# Formats of sthexport by the ending of a file's name, for an input.
set_export() {
  case $1 in
  ndjson | json) caps=application/x-ndjson ;;
  csv) caps=text/csv ;;
  vtt) caps=application/x-subtitle-vtt ;;
  srt) caps=application/x-subtitle ;;
  txt) caps=text/x-raw,format=utf8 ;;
  *) die_usage "there is no format '$1'; those that are there: ndjson csv vtt srt txt" ;;
  esac
  export_text=(sthexport "source=$(source_name "$2")" "${@:3}" '!' "$caps")
}

# text_sink: standard output, or the file `output`, at the end of what is in it where `append` is yes. Beside other sinks
# (beside=yes) it does not wait for a first buffer, which may come so late that another branch of the tee is full before it.
# Not so when it is alone: then nothing would wait, and GStreamer can lose the end of a stream that comes before it plays.
set_text_sink() {
  text_sink=(fdsink)
  [ -z "$output" ] || { text_sink=(filesink "location=$output" buffer-mode=unbuffered ${append:+append=true}); to_file "$output"; }
  [ "$beside" = no ] || text_sink+=(async=false)
}

# text_branches FILE…: of a tee named t, each with the format that the name says. Subtitles are of events always, the others where
# `emit` says so.
set_text_branches() {
  local beside=yes output
  text_branches=()
  for output; do
    case $output in
    *.vtt | *.srt) set_export "${output##*.}" "${inputs[0]}" emit=events ;;
    *) set_export "${output##*.}" "${inputs[0]}" ${emit:+"$emit"} ;;
    esac
    set_text_sink
    text_branches+=(t. '!' queue '!' "${export_text[@]}" '!' "${text_sink[@]}")
  done
}

# tile WxH: a picture of just that size, with bars where the video has another shape.
set_tile() {
  [[ $1 =~ ^([1-9][0-9]{1,3})x([1-9][0-9]{1,3})$ ]] || die_usage "'$1' is no size; give it as 640x480"
  tile_width=${BASH_REMATCH[1]} tile_height=${BASH_REMATCH[2]}
  tile=(videoconvert '!' videoscale '!' "video/x-raw,width=$tile_width,height=$tile_height,pixel-aspect-ratio=1/1")
}

# results: from classified video to the end of the pipeline, for the options of results.
set_results() {
  set_export "$format" "${inputs[0]}" ${emit:+"$emit"}
  beside=$show
  set_text_sink
  results=("${export_text[@]}" '!' "${text_sink[@]}")
  [ $show = yes ] || return 0
  set_window
  results=(tee name=t t. '!' queue '!' "${draw[@]}" '!' "${window[@]}" t. '!' queue '!' "${results[@]}")
}

# --- Running ----------------------------------------------------------------------------------------------------------------

# Prints `launch` and the variables that it needs so that a shell reads the same words again.
sth_print() {
  local word line=''
  for word in "${sth_variables[@]}"; do
    printf '%s=%q \\\n' "${word%%=*}" "${word#*=}"
  done
  for word in "${launch[@]}"; do
    case $word in
    *.) if [[ $line == *'!' ]]; then line+=" $word"; else line+=$' \\\n  '$word; fi ;;
    '!') if [[ $line == *. ]]; then line+=" $word"; else line+=$' \\\n  '$word; fi ;;
    *[!A-Za-z0-9_.,:/=+-]*) line+=" ${word@Q}" ;;
    *) line+=" $word" ;;
    esac
  done
  printf '%s\n' "${line# }"
}

# What gst-launch-1.0 said of an error: the message, and the first line of the details.
sth_reason() { grep -E '^(ERROR: from|WARNING: erroneous|Additional debug info: .)' "$1" || tail -n 5 "$1"; }

# Runs `launch`; its exit status. SIGINT and SIGTERM end the pipeline in order: files are finished. `stopped` is yes then.
sth_launch() {
  local pipeline patience=30 status=0
  sth_log=$sth_temp/gst-launch.log stopped=no
  : >"$sth_log"
  "${launch[@]}" </dev/null 2>"$sth_log" &
  pipeline=$!
  # Ctrl-C goes to gst-launch-1.0 too, and a second SIGINT would cut short what the first one began.
  trap 'stopped=yes' INT
  trap 'stopped=yes; kill -INT $pipeline 2>/dev/null || true' TERM
  while kill -0 $pipeline 2>/dev/null; do
    # gst-launch-1.0 waits for ever for a video that a file does not have.
    if grep -q 'Delayed linking failed' "$sth_log"; then
      kill -KILL $pipeline
      wait $pipeline 2>/dev/null || true
      echo 'there is no video that GStreamer can decode' >"$sth_log"
      status=1
      break
    fi
    # After an error it may wait for an end that cannot come.
    if grep -q '^ERROR: from' "$sth_log"; then
      patience=$((patience - 1))
      [ $patience -gt 0 ] || kill -INT $pipeline 2>/dev/null || true
    fi
    sleep 0.1
  done
  [ $status = 1 ] || wait $pipeline || status=$?
  trap - INT TERM
  return $status
}

# Waits so many seconds; fails, with `stopped` set, if SIGINT or SIGTERM comes first.
sth_pause() {
  local end=$((SECONDS + $1))
  trap 'stopped=yes' INT TERM
  while [ "$stopped" = no ] && [ $SECONDS -lt $end ]; do sleep 0.2; done
  trap - INT TERM
  [ "$stopped" = no ]
}

# Prints the line for --dry-run, else calls what `run` names, a function of the script or sth_run_once.
sth_run() {
  sth_find_plugin
  if [ $dry_run = yes ]; then
    sth_print
    exit 0
  fi
  export LIBVA_MESSAGING_LEVEL=0 # no driver for hardware decoding is nothing to report here
  sth_temp=$(mktemp -d)
  trap 'rm -rf "$sth_temp"' EXIT
  $run
}

sth_run_once() {
  sth_launch || { sth_reason "$sth_log" >&2; die "the pipeline failed on ${inputs[*]}"; }
}

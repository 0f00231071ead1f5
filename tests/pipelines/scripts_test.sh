#!/usr/bin/env bash
# The scripts of pipelines/ on the clip that comes with them. TAP on standard output.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # the functions are called by ok()
# shellcheck source=tests/tap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
pipelines=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../pipelines" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp" || exit 1

clip="a b'c.mp4" # names that a shell or gst-launch-1.0 could misread
cp "$pipelines/clips/signs.mp4" "$clip"
other=$pipelines/../tests/goldens/sth_dense_form_a.onnx

has() { grep -qF -- "$1" "$2"; }
ends_well() { timeout 120 "$@" </dev/null >said 2>&1 || { sed 's/^/# /' said; return 1; }; }
same_results() { # times, labels, confidences; not what the clock said
  cmp <(recognised "$1") <(recognised "$2")
}
recognised() { grep -oE '"(timestamp|start|end|confidence|label)":[^,}]*' "$1"; }
# Kinds and codecs of the streams of a file, as ffmpeg sees them.
streams() { [ "$(ffprobe -v error -show_entries stream=codec_type,codec_name -of csv=p=0 "$2" | tr '\n' ' ')" = "$1" ]; }
# Frames of a video file that decode.
frames_at_least() {
  [ "$(timeout 60 gst-launch-1.0 -v filesrc "location=$2" ! decodebin ! video/x-raw ! fakesink silent=false 2>&1 </dev/null |
    grep -c 'last-message = chain')" -ge "$1" ]
}

for script in camera file rtsp many annotate export compare; do
  ok "$script --help" grep -q "^usage: pipelines/$script.sh" <("$pipelines/$script.sh" --help)
  ok "$script refuses an unknown option" fails_with 2 --colour "$pipelines/$script.sh" --colour
done

# --- What --dry-run prints is what runs
"$pipelines/file.sh" --set top-k=3 "$clip" >file.ndjson
ok 'file prints the result of each window' lines_at_least 10 file.ndjson
ok 'and recognises' has '"label":"MILK"' file.ndjson
ok 'and says in which file' has "\"source\":\"$clip\"" file.ndjson
"$pipelines/file.sh" --set top-k=3 --dry-run "$clip" >line.sh
ok 'file --dry-run prints a line of gst-launch-1.0' has 'gst-launch-1.0 ' line.sh
bash line.sh >pasted.ndjson </dev/null
ok 'that gives the same when pasted' same_results file.ndjson pasted.ndjson
ok 'file --output takes the format from the name' ends_well "$pipelines/file.sh" --events --output out.vtt "$clip"
ok 'and writes it' has "DON'T KNOW" out.vtt
ok 'file --sink shows it' ends_well "$pipelines/file.sh" --sink 'fakesink sync=false' "$clip"
ok 'file ends when its reader does' [ "$("$pipelines/file.sh" "$clip" 2>/dev/null | head -n 1 | wc -l)" = 1 ]


# --- Of every script it does nothing else
dry() { # script, arguments…
  local said
  said=$("$pipelines/$1.sh" --dry-run "${@:2}" 2>&1) && grep -q '^gst-launch-1.0 ' <<<"$said" && [ ! -e dry.mkv ]
}
ok 'camera --dry-run' dry camera "$clip"
ok 'rtsp --dry-run' dry rtsp rtsp://nowhere.invalid/camera
ok 'no password gets into results' grep -qF ' source=rtsp://nowhere.invalid:554/camera ' \
  <("$pipelines/rtsp.sh" --dry-run rtsp://me:secret@nowhere.invalid:554/camera | sed 's/$/ /')
ok 'many --dry-run' dry many --show "$clip" "$clip"
ok 'annotate --dry-run' dry annotate --audio --subtitles "$clip" dry.mkv
ok 'export --dry-run' dry export "$clip" dry.mkv.csv
ok 'compare --dry-run' dry compare --with "$other" --inset "$clip" dry.mkv

# --- Camera: the file, at its own speed, live
timeout -s TERM 8 "$pipelines/camera.sh" --output camera.ndjson "$clip" 2>said
ok 'camera gives results while it runs, and SIGTERM ends it' lines_at_least 3 camera.ndjson
ok 'camera names a device that is not there' fails_with 1 /dev/video99 "$pipelines/camera.sh" /dev/video99
ok 'camera refuses a size that is none' fails_with 2 640x480 "$pipelines/camera.sh" --size big

# --- Many
"$pipelines/many.sh" --events "$clip" "$pipelines/clips/signs.mp4" >many.ndjson
ok 'many prints the results of the one' has "\"source\":\"$clip\"" many.ndjson
ok 'and of the other' has "\"source\":\"$pipelines/clips/signs.mp4\"" many.ndjson
ok 'many --show puts them side by side' ends_well "$pipelines/many.sh" --sink fakesink --tile 160x120 "$clip" "$clip" "$clip"

# --- Files
ok 'annotate writes mp4' ends_well "$pipelines/annotate.sh" "$clip" out.mp4
ok 'with all frames' frames_at_least 200 out.mp4
ok 'annotate writes webm' ends_well "$pipelines/annotate.sh" --draw position=top "$clip" out.webm
ok 'with all frames' frames_at_least 200 out.webm
ok 'annotate says that a file has no sound' fails_with 1 'no sound in' "$pipelines/annotate.sh" --audio "$clip" silent.mp4
gst-launch-1.0 -q filesrc "location=$clip" ! qtdemux ! h264parse ! queue ! mp4mux name=m ! filesink location=sound.mp4 \
  audiotestsrc num-buffers=690 ! audio/x-raw,rate=44100,channels=2 ! avenc_aac ! queue ! m. </dev/null
ok 'annotate keeps the sound and adds subtitles' ends_well "$pipelines/annotate.sh" --audio --subtitles sound.mp4 out.mkv
ok 'as streams of their own' streams 'subrip,subtitle h264,video opus,audio ' out.mkv
ok 'with all frames' frames_at_least 200 out.mkv
ok 'annotate puts subtitles into .mkv only' fails_with 2 .mkv "$pipelines/annotate.sh" --subtitles "$clip" out.mp4
ok 'annotate does not overwrite what it reads' fails_with 1 overwritten "$pipelines/annotate.sh" "$clip" "./$clip"
ok 'annotate refuses an ending that it does not know' fails_with 2 .webm "$pipelines/annotate.sh" "$clip" out.avi
ok 'export writes all formats in one pass' ends_well "$pipelines/export.sh" "$clip" out.{ndjson,csv,srt,txt} export.vtt
ok 'the same results as file' same_results <("$pipelines/file.sh" "$clip") out.ndjson
ok 'and the same subtitles' cmp out.vtt export.vtt
ok 'a table' grep -q '^result,.*,MILK,' out.csv
ok 'SubRip' grep -qE '^00:00:0[0-9],[0-9]{3} --> 00:00:' out.srt
ok 'and text' has 'MILK' out.txt
ok 'export refuses to write a file twice' fails_with 2 twice "$pipelines/export.sh" "$clip" out.csv out.csv
ok 'export refuses an ending that it does not know' fails_with 2 ndjson "$pipelines/export.sh" "$clip" out.doc
ok 'compare writes two models side by side' ends_well "$pipelines/compare.sh" --with "$other" --tile 320x240 "$clip" both.mp4
ok 'with all frames' frames_at_least 200 both.mp4
ok 'compare puts one into the other' ends_well "$pipelines/compare.sh" --with "$other" --tile 320x240 --inset "$clip" both.mkv
ok 'compare names a model that is not there' fails_with 1 no-such.onnx "$pipelines/compare.sh" --with no-such.onnx "$clip" x.mp4

# --- Errors
ok 'a missing file is named' fails_with 1 no-such.mp4 "$pipelines/file.sh" no-such.mp4
ok 'a folder is no video' fails_with 1 'is a folder' "$pipelines/file.sh" .
ok 'a missing model is named' fails_with 1 no-such.onnx "$pipelines/file.sh" --model no-such.onnx "$clip"
ok 'a file without video is named' fails_with 1 file.ndjson "$pipelines/file.sh" file.ndjson
ok 'a property that is none is named' fails_with 1 colour "$pipelines/file.sh" --set colour=red "$clip"
ok 'a folder that is not there is named' fails_with 1 no-such-folder "$pipelines/export.sh" "$clip" no-such-folder/x.csv
done_testing

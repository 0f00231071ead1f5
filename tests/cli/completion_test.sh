#!/usr/bin/env bash
# The completion for bash, asked as readline asks. TAP on standard output.
# usage: completion_test.sh SCRIPT STH
# SPDX-License-Identifier: LGPL-2.1-or-later
set -uo pipefail
# shellcheck source=/dev/null
source "$1"
tool=$2 n=0 failed=0

complete_words() { # words before the cursor, the last one incomplete
  COMP_WORDS=("$tool" "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _sth 2>/dev/null
  printf '%s ' "${COMPREPLY[@]}"
}
ok() { # expected words, words before the cursor…
  local got
  got=$(complete_words "${@:2}")
  n=$((n + 1))
  if [ "$got" = "$1 " ] || { [ -z "$1" ] && [ -z "${got// /}" ]; }; then
    echo "ok $n - ${*:2}"
  else
    echo "not ok $n - ${*:2}: '$got' in place of '$1'"
    failed=1
  fi
}
ok classify cl
ok inspect help ins
ok --format classify --for
ok 'ndjson csv vtt srt text' classify --format ''
ok 'vtt' classify -f v
ok 'csv' classify --format = c
ok 'results events' classify a.mp4 --emit ''
ok '' classify --jobs ''
ok '' classify --model ''
ok '' classify a
ok --version --v
echo "1..$n"
exit $failed

#!/usr/bin/env bash
# The completion for bash, asked as readline asks. TAP on standard output.
# usage: completion_test.sh SCRIPT STH
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # the functions are called by ok()
# shellcheck source=tests/tap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
# shellcheck source=/dev/null
source "$1"
tool=$2

complete_words() { # words before the cursor, the last one incomplete
  COMP_WORDS=("$tool" "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _sth 2>/dev/null
  printf '%s ' "${COMPREPLY[@]}"
}
offers() { # expected words, words before the cursor…
  local got
  got=$(complete_words "${@:2}")
  [ "$got" = "$1 " ] || { [ -z "$1" ] && [ -z "${got// /}" ]; } || { echo "# '$got' in place of '$1'"; return 1; }
}
completes() { ok "${*:2}" offers "$@"; }
completes classify cl
completes inspect help ins
completes --format classify --for
completes 'ndjson csv vtt srt text' classify --format ''
completes 'vtt' classify -f v
completes 'csv' classify --format = c
completes 'results events' classify a.mp4 --emit ''
completes '' classify --jobs ''
completes '' classify --model ''
completes '' classify a
completes --version --v
done_testing

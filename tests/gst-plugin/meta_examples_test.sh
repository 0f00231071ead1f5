#!/usr/bin/env bash
# The examples of docs/examples, in C and in Python, read the same results off the buffers, and those are the clip's four signs.
# usage: meta_examples_test.sh PRINT_RESULTS PRINT_RESULTS.PY CLIP
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
program=$1 script=$2 clip=$3

echo 1..4
n=0
report() { # name, expected, found
  n=$((n + 1))
  if [ "$2" = "$3" ]; then
    echo "ok $n $1"
  else
    printf 'expected:\n%s\nfound:\n%s\n' "$2" "$3" | sed 's/^/# /'
    echo "not ok $n $1"
  fi
}

in_c=$("$program" "$clip" || echo "exit status $?")
report 'the four signs, in their order' $'FIVE\nMILK\nBREAD\nDON\'T KNOW' "$(sed -E 's/^[0-9.]+ [0-9.]+ (.*) [01]\.[0-9]+$/\1/' <<<"$in_c" | uniq)"
status=0
error=$("$program" /nonexistent.mp4 2>&1) || status=$?
report 'a file that is not there: a message, exit status 1' 1 "$status"
report 'the message names the file' 1 "$(grep -c '/nonexistent.mp4' <<<"$error")"
if [ "$STH_TEST_SANITIZE" != none ]; then
  echo 'ok 4 # SKIP Python itself is not built for the sanitizer'
else
  report 'Python reads the same' "$in_c" "$("$script" "$clip" || echo "exit status $?")"
fi

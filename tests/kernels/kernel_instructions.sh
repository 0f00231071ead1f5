#!/bin/bash
# Counts the instructions of a typical call of each kernel, which a busy machine does not change, and fails where they have grown by more than 2 %.
# usage: kernel_instructions.sh KERNEL-BENCH EXPECTED.tsv
# STH_UPDATE_EXPECTED=1 writes EXPECTED.tsv anew. The figures are those of one compiler (Debian 12's gcc): meson.build says when this test is run.
# valgrind knows no AVX-512: those rows are not counted.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
bench=$1 expected=$2
dumps=$(mktemp -d)
trap 'rm -rf "$dumps"' EXIT

valgrind --tool=callgrind --callgrind-out-file="$dumps/out" "$bench" >"$dumps/log" 2>&1 || { cat "$dumps/log" >&2; exit 1; }
# A dump says "desc: Trigger: Client Request: sth_gemm_avx2" and, at its end, "totals: 12345".
awk '/^desc: Trigger: Client Request: /{name = $NF} /^totals: /{if (name != "") print name "\t" $2; name = ""}' "$dumps"/out.* |
  LC_ALL=C sort >"$dumps/counts.tsv"
[ -s "$dumps/counts.tsv" ] || { echo "callgrind wrote no dumps: is $bench built with valgrind's headers?" >&2; cat "$dumps/log" >&2; exit 1; }

if [ "${STH_UPDATE_EXPECTED:-}" = 1 ]; then
  cp "$dumps/counts.tsv" "$expected"
  echo "$(wc -l <"$expected") figures written to $expected"
  exit
fi
awk -F '\t' -v update="STH_UPDATE_EXPECTED=1 meson test -C build kernel-instructions" '
  NR == FNR {expected[$1] = $2; next}
  !($1 in expected) {printf "%-28s %9d  no figure yet\n", $1, $2; bad++; next}
  {
    ratio = $2 / expected[$1]; seen[$1] = 1
    verdict = ratio > 1.02 ? "MORE than expected" : ratio < 0.98 ? "fewer: write it down" : ""
    printf "%-28s %9d of %9d  %+6.1f %%  %s\n", $1, $2, expected[$1], 100 * (ratio - 1), verdict
    bad += ratio > 1.02
  }
  END {
    for (name in expected) if (!(name in seen)) {print name " is expected, but was not counted"; bad++}
    if (bad) print "\n" bad " kernels differ. If they are meant to: " update ", and say why in the commit"
    exit bad > 0
  }' "$expected" "$dumps/counts.tsv"

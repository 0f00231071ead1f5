#!/usr/bin/env bash
# The floors of the house: which part of the tree may include what. This list is the specification.
#
# usage: tests/floors.sh          prints what breaks a rule; exit 1 if anything does
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Lowest first. A floor may include itself and what stands on a line above it in this list, never its neighbour on the same line.
floors='
base
kernels graph
ops
onnx
optimiser planner
model convert
session
stream export
cli
'
# Headers of others that only some files may see: extended regular expression of the header, then of the files.
reserved=(
  '^cblas\.h$'                        '^src/kernels/blas\.c$'
  '^(protobuf-c|google/protobuf)/|\.pb-c\.h$' '^(src|tests)/onnx/|^tests/ops/'
  '^gst/'                             '^(src/cli|gst-plugin|tests/(bench|cli|gst-plugin|pipelines))/'
  '^(pango|cairo)'                    '^gst-plugin/'
  '^json-glib/'                       '^(src/(export|cli)|gst-plugin|tests)/'
)
# May stand more than once in the tree.
common_names='^(meson\.build|README\.md|__init__\.py|LICENSE|SOURCES\.md)$'

failed=0
complain() { printf '%s\n' "$1"; failed=1; }

files() { find "$@" \( -name .git -o -name 'build*' -o -name out -o -name __pycache__ \) -prune -o -type f -print | sed 's|^\./||' | sort; }
# "line:header" of each #include of a file; headers in quotes keep the opening quote.
includes() { sed -nE '/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]/{s/^[^<"]*<?("?)([^>"]*).*/\1\2/;p}' "$1"; }
rank() { awk -v f="$1" '{ for (i = 1; i <= NF; i++) if ($i == f) print NR }' <<<"$floors"; }

check_floor() { # file, its floor, included header (without quote)
  local own other
  own=$(rank "$2") other=$(rank "${3%%/*}")
  if [ -z "$other" ]; then
    complain "$1 includes \"$3\", which is on no floor: write \"floor/file.h\""
  elif [ "${3%%/*}" != "$2" ] && [ "$other" -ge "$own" ]; then
    complain "$1 includes \"$3\": the floor '$2' may not know '${3%%/*}'"
  fi
}

check_file() {
  local file=$1 floor header i
  while read -r header; do
    for ((i = 0; i < ${#reserved[@]}; i += 2)); do
      if [[ ${header#\"} =~ ${reserved[i]} ]] && ! [[ $file =~ ${reserved[i + 1]} ]]; then
        complain "$file includes ${header#\"}: only ${reserved[i + 1]} may"
      fi
    done
    case $file:$header in
    src/include/*:\"*) complain "$file includes \"${header#\"}\": public headers include only <sth/…> and GLib" ;;
    src/include/*:*)
      [[ $header =~ ^(sth/|glib\.h$) ]] || complain "$file includes <$header>: public headers include only <sth/…> and GLib"
      ;;
    src/onnx/*:\"*.pb-c.h) ;; # generated at build time
    src/*/*:\"*)
      floor=${file#src/}
      check_floor "$file" "${floor%%/*}" "${header#\"}"
      ;;
    gst-plugin/*:\"*)
      [ -f "gst-plugin/${header#\"}" ] || complain "$file includes \"${header#\"}\": the plugin sees libsth by <sth/…> only"
      ;;
    esac
  done < <(includes "$file")
}

while read -r file; do
  check_file "$file"
done < <(files src gst-plugin tests | grep -E '\.(c|h|inc)$')

for floor in src/*/; do
  floor=$(basename "$floor")
  [ "$floor" = include ] || [ -n "$(rank "$floor")" ] || complain "src/$floor is no floor of the list in tests/floors.sh"
done

while read -r name; do
  complain "more than one file is named $name: $(files . | grep -E "(^|/)${name//./\\.}\$" | tr '\n' ' ')"
done < <(files . | sed 's|.*/||' | grep -vE "$common_names" | sort | uniq -d)

exit $failed

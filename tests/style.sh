#!/usr/bin/env bash
# Formatting and sizes: clang-format for src, tests and the examples, GStreamer's indent options for gst-plugin, shellcheck for scripts,
# functions of at most 80 lines, files of at most 600, a licence line in each source file.
# A longer function says why in the comment above it, a longer file in its first comment, with the words "Long because".
#
# usage: tests/style.sh [--fix]    prints what breaks a rule, exit 1 if anything does; --fix formats in place first
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

max_function=80 max_file=600
gst_indent=(indent --braces-on-if-line --case-brace-indentation0 --case-indentation2 --braces-after-struct-decl-line --line-length80
  --no-tabs --cuddle-else --dont-line-up-parentheses --continuation-indentation4 --honour-newlines --tab-size8 --indent-level2
  --leave-preprocessor-space)

fix=no
case ${1:-} in
--fix) fix=yes ;;
'') ;;
*) sed -n '2,/^# SPDX/{/^# SPDX/!s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac
for tool in clang-format indent shellcheck; do
  command -v $tool >/dev/null || { echo "style: '$tool' is missing; pipelines/setup.sh --tests --packages-only installs it" >&2; exit 1; }
done

failed=0
complain() { printf '%s\n' "$1"; failed=1; }
files() { find . \( -name .git -o -name 'build*' -o -name out -o -name __pycache__ \) -prune -o -type f -print | sed 's|^\./||' | sort; }

# indent needs two passes to settle, as GStreamer's own gst-indent knows.
gst_format() { "${gst_indent[@]}" <"$1" 2>/dev/null | "${gst_indent[@]}" 2>/dev/null; }

# Functions of the tree have their braces in the first column, everything else has not.
long_functions() {
  awk -v max=$max_function '
    /^\/\*/ { comment = "" }
    /^(\/\*| \*)/ { comment = comment $0; next }
    /^{/ { start = NR }
    /^}/ && start { if (NR - start + 1 > max && comment !~ /Long because/) printf "%s:%d: a function of %d lines\n", FILENAME, start, NR - start + 1
                    start = 0; comment = "" }' "$1"
}

mapfile -t c_files < <(files | grep -E '^(src|tests|pipelines|docs)/.*\.[ch]$')
mapfile -t gst_files < <(files | grep -E '^gst-plugin/.*\.[ch]$')
mapfile -t scripts < <(files | grep -E '\.sh$|^\.ci/run$')
mapfile -t sources < <(files | grep -E '\.([ch]|inc|py|sh|proto)$|^\.ci/run$')

if [ $fix = yes ]; then
  clang-format -i "${c_files[@]}"
  for file in "${gst_files[@]}"; do
    gst_format "$file" >"$file.new" && cat "$file.new" >"$file" && rm "$file.new"
  done
fi

# Each version of clang-format and of indent has its own mind; Debian 12's are those that count.
if clang-format --version | grep -q 'version 14\.'; then
  clang-format --dry-run -Werror "${c_files[@]}" 2>&1 | grep -E 'error:' && failed=1
else
  echo "style: layout of all C but the plugin's not checked: that takes clang-format 14, this is $(clang-format --version)"
fi
if [[ $(indent --version || true) == *' 2.2.12'* ]]; then
  for file in "${gst_files[@]}"; do
    gst_format "$file" | cmp -s - "$file" || complain "$file: not as GStreamer's indent writes it (tests/style.sh --fix)"
  done
else
  echo "style: layout of gst-plugin/ not checked: that takes Debian 12's indent 2.2.12, this is $(indent --version || true)"
fi
shellcheck "${scripts[@]}" || failed=1

for file in "${sources[@]}"; do
  lines=$(wc -l <"$file")
  if [ "$lines" -gt $max_file ] && ! awk '/\*\/|^"""$|^$/ { exit } { print }' "$file" | grep -q 'Long because'; then
    complain "$file: $lines lines; at most $max_file, or a first comment that says 'Long because …'"
  fi
  # An empty __init__.py has nothing to license.
  [ "$lines" = 0 ] || head -n 40 "$file" | grep 'SPDX-License-Identifier: ' >/dev/null || complain "$file: no SPDX-License-Identifier line"
  case $file in *.c | *.h) long=$(long_functions "$file"); [ -z "$long" ] || complain "$long" ;; esac
done
blanks=$(grep -nE '[[:space:]]+$' "${sources[@]}" | cut -c1-100 || true)
[ -z "$blanks" ] || complain "blanks at the end of a line:"$'\n'"$blanks"

exit $failed

#!/usr/bin/env bash
# Runs a command at the top of the tree inside a Debian 13, whose GStreamer is newer: its analytics library, its checks.
# The Debian is a folder, build/debian13/root, made by debootstrap the first time and kept; nothing of it is mounted once
# the command has ended. Results of a build inside belong into build/debian13, too.
#
# usage: tests/debian13.sh COMMAND [ARGUMENT…]    exit 77: this machine cannot (no root, no debootstrap, no network)
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
top=$PWD home=$PWD/build/debian13
root=$home/root

cannot() { printf 'debian13: %s\n' "$1" >&2; exit 77; }
[ $# -gt 0 ] || { sed -n '2,/^# SPDX/{/^# SPDX/!s/^# \{0,1\}//p}' "$0"; exit 2; }
[ "$(id -u)" = 0 ] || cannot "a folder with a Debian 13 takes root to make and to enter; run this with sudo"
# Inside a chroot the mounts of the root cannot be made private; those of the guest can.
apart=(unshare --mount --pid --fork --propagation private)
"${apart[@]}" true 2>/dev/null || apart[-1]=unchanged
"${apart[@]}" true 2>/dev/null || cannot "this system does not allow mount namespaces (unshare --mount --pid), not even root's"

# The mirror that this machine uses, if it is a Debian.
mirror() {
  local files=()
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$file" ] || files+=("$file")
  done
  awk '/^URIs:/ && /debian\/?$/ { print $2; found = 1; exit }
       /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /:\/\/.*debian\/?$/) { print $i; found = 1; exit } }
       END { if (!found) print "http://deb.debian.org/debian" }' "${files[@]}" /dev/null
}

if [ ! -d "$root" ]; then
  command -v debootstrap >/dev/null || cannot "debootstrap is missing; apt-get install debootstrap"
  echo "Making a Debian 13 in build/debian13/root (the first time: a minute or two)"
  rm -rf --one-file-system "$root.new"
  mkdir -p "$root.new"
  # Nothing in there has to outlive a power cut, and nobody reads its manuals.
  mkdir -p "$root.new/etc/dpkg/dpkg.cfg.d"
  printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' 'path-exclude=/usr/share/locale/*' \
    >"$root.new/etc/dpkg/dpkg.cfg.d/quick"
  debootstrap --variant=minbase --include=ca-certificates trixie "$root.new" "$(mirror)" >"$home/debootstrap.log" 2>&1 || {
    tail -n 3 "$home/debootstrap.log" >&2
    cannot "debootstrap failed (no network?); all of its output: build/debian13/debootstrap.log"
  }
  mkdir -p "$root.new/src"
  mv "$root.new" "$root"
fi
# How this machine reaches the network is how its guest does.
cp /etc/resolv.conf "$root/etc/resolv.conf"
if ls /etc/apt/apt.conf.d/*prox* /etc/apt/apt.conf.d/99* >/dev/null 2>&1; then
  for file in /etc/apt/apt.conf.d/*; do
    ! grep -q 'Acquire::' "$file" || cp "$file" "$root/etc/apt/apt.conf.d/"
  done
fi

# shellcheck disable=SC2016 # the inner shell expands these
exec "${apart[@]}" sh -euc '
  root=$1 top=$2 status=0
  shift 2
  mount --bind "$root" "$root"
  mount --make-rprivate "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  mount --bind "$top" "$root/src"
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" CI="${CI:-}" \
    STH_BUILD_DIR=build/debian13 sh -euc "cd /src; exec \"\$@\"" sh "$@" || status=$?
  umount --recursive --lazy "$root"
  exit $status
' sh "$root" "$top" "$@"

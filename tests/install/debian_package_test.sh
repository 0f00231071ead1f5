#!/usr/bin/env bash
# Builds the Debian packages, checks them with lintian, installs them into a bare Debian in a folder and uses them there.
# Needs root and debootstrap; takes some minutes. TAP on standard output.
#
# usage: tests/install/debian_package_test.sh [SUITE]     bookworm unless given; it must be the Debian that this runs on
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # the functions are called by ok()
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=tests/tap.sh
source "$top/tests/tap.sh"
suite=${1:-bookworm}
[ "$(id -u)" = 0 ] || { echo '1..0 # SKIP a bare Debian in a folder needs root'; exit; }
for tool in debootstrap dpkg-buildpackage lintian dh; do
  command -v $tool >/dev/null || { echo "1..0 # SKIP '$tool' is not installed (apt-get install debootstrap dpkg-dev lintian debhelper)"; exit; }
done
packages=(gstreamer1.0-sth libsth1 libsth-dev sth-tools sth-models)

temp=$(mktemp -d -p /var/tmp)
bare=$temp/bare
clean() { umount "$bare/proc" "$bare/dev" 2>/dev/null; rm -rf --one-file-system "$temp"; }
trap clean EXIT
cd "$temp" || exit 1
logged() { "$@" >>log 2>&1 || { tail -n 20 log | sed 's/^/# /'; return 1; }; }
inside() { chroot "$bare" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
build_packages() { (cd source && dpkg-buildpackage -us -uc -b); }
no_errors() { # of lintian; warnings are shown
  lintian --allow-root --fail-on error ./*.changes >lintian.txt 2>&1
  local status=$?
  sed 's/^/# /' lintian.txt
  return "$status"
}
one_each() {
  local package
  for package in "${packages[@]}"; do
    [ "$(find . -maxdepth 1 -name "${package}_*.deb" | wc -l)" = 1 ] || return 1
  done
}
make_bare() {
  local mirror
  mirror=$(awk '/^URIs:/ { print $2; exit } /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
  debootstrap --variant=minbase "$suite" "$bare" "${mirror:-http://deb.debian.org/debian}" &&
    cp -a /etc/apt/apt.conf.d/. "$bare/etc/apt/apt.conf.d/" && cp /etc/resolv.conf /etc/hosts "$bare/etc/" &&
    mount -t proc proc "$bare/proc" && mount --bind /dev "$bare/dev"
}

# The files that git knows: no build folder of ours gets into the packages.
mkdir source
git -C "$top" ls-files -z | tar -C "$top" --null -T - -cf - | tar -C source -xf -
ok 'dpkg-buildpackage' logged build_packages
ok 'gives the five packages' one_each
ok 'lintian finds no error' no_errors

ok "a bare $suite" logged make_bare
mkdir "$bare/packages"
cp ./*.deb "$bare/packages"
ok 'its packages install, with what they recommend for decoding' logged inside sh -c \
  'apt-get update -q && apt-get install -q -y --no-install-recommends /packages/*.deb gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-libav gcc libc6-dev pkg-config'
mkdir "$bare/test"
cp "$here"/*.{c,sh} "$top/tests/tap.sh" "$top/pipelines/clips/signs.mp4" "$bare/test"
cat >"$bare/test/run" <<'END'
source /test/tap.sh
source /test/use_installed.sh
temp=/test
cd /test
use_installed /test /test/signs.mp4 /usr/share/gst-sth/models/sth-mobilenet-v2-fsl105.onnx /usr/share/gst-sth/pipelines
done_testing
END
ok 'documents and examples come along' [ -n "$(find "$bare/usr/share/doc/gstreamer1.0-sth" -name 'tutorial.md*')" -a \
  -n "$(find "$bare/usr/share/doc/libsth-dev/examples" -name 'sth-watch.c*')" ]
ok 'what is installed works' inside bash /test/run >used 2>&1
sed 's/^/# /' used
remains() { find "$bare/usr" -name 'libsth*' -o -name 'libgststh*' -o -name 'gst-sth*' -o -path '*/bin/sth' | grep .; }
ok 'they can be removed' logged inside apt-get purge -q -y "${packages[@]}"
ok 'and leave nothing' [ -z "$(remains)" ]
done_testing

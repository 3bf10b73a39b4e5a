#!/bin/bash
# The packages in a fresh Debian 12 without Swift, booted with systemd-nspawn: installed, a photo styled, upgraded with photos queued
# and one in work, a changed configuration kept, removed, purged.
#
#   package-test.sh         packages from .build/deb (make deb); needs root and Debian's mirror
set -euo pipefail
. "$(dirname "$0")/root.sh"

spool=/srv/cyclegan-styled
leave() {
  status=$?
  [ $status = 0 ] || [ ! -s "$work/leader" ] || inside journalctl -u cyclegan-styled --no-pager -n 40 >&2 || true
  [ ! -s "$work/nspawn" ] || kill -KILL "$(cat "$work/nspawn")" 2> /dev/null || true
  [ ! -s "$work/leader" ] || kill -KILL "$(cat "$work/leader")" 2> /dev/null || true
  for _ in $(seq 50); do rm -rf "$work" 2> /dev/null && break; sleep 0.2; done
  exit $status
}
trap leave EXIT

inside() { nsenter -t "$(cat "$work/leader")" -a -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
shell() { inside sh -c "$1"; }
expect() { shell "$1" || failed "$1"; }
refuse() { ! shell "$1" || failed "it should not be so: $1"; }
wait_for() {
  for _ in $(seq $((${2:-60} * 5))); do shell "$1" > /dev/null 2>&1 && return 0; sleep 0.2; done
  shell "cyclegan-style status; ls -lR $spool | head -50" >&2 || true
  failed "waited in vain for: $1"
}

boot() {
  cp -a --reflink=auto "$PACKAGE_TEST_CACHE/booting" "$root"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  mkdir "$root/packages"
  cp "$package" "$training" "$work/upgrade"/*.deb "$root/packages/"
  systemd-nspawn --quiet --register=no --keep-unit --resolv-conf=off -D "$root" -b < /dev/null > "$work/console" 2>&1 &
  echo $! > "$work/nspawn"
  for _ in $(seq 150); do
    sleep 0.2
    kill -0 "$(cat "$work/nspawn")" 2> /dev/null || cannot "systemd-nspawn boots nothing here: $(tail -3 "$work/console")"
    leader=$(pgrep -P "$(cat "$work/nspawn")" -x systemd || true)
    [ -n "$leader" ] || continue
    echo "$leader" > "$work/leader"
    case $(inside systemctl is-system-running 2> /dev/null || true) in running | degraded) return 0 ;; esac
  done
  cannot "the system did not come up: $(tail -3 "$work/console")"
}

# The next version: the same programs, with another default configuration.
make_upgrade() {
  mkdir -p "$work/upgrade"
  dpkg-deb -R "$package" "$work/next"
  sed -i 's/^Version: .*/&+next/' "$work/next/DEBIAN/control"
  echo '# This version has another comment at its end.' >> "$work/next/etc/cyclegan-styled/config.yaml"
  dpkg-deb --root-owner-group -b "$work/next" "$work/upgrade/" > /dev/null
}

fetch_system
make_upgrade
step "booting"
boot
refuse "command -v swift || find / -xdev -name 'libswiftCore*' | grep ."

step "installing $(basename "$package")"
expect "apt-get update -q > /dev/null"
expect "apt-get install -y -q --no-install-recommends /packages/$(basename "$package") /packages/$(basename "$training") > /tmp/install.log 2>&1 || { cat /tmp/install.log; false; }"
expect "systemctl is-enabled -q cyclegan-styled && systemctl is-active -q cyclegan-styled"
expect "getent passwd cyclegan-styled > /dev/null && getent group cyclegan-styled > /dev/null"
for directory in "" /inbox /outbox /failed /originals; do
  [ "$(shell "stat -c '%a %G' $spool$directory")" = "2770 cyclegan-styled" ] || failed "$spool$directory: $(shell "stat -c '%a %G' $spool$directory")"
  expect "getfacl -p $spool$directory | grep -qx 'default:group:cyclegan-styled:rwx'"
done
expect "cyclegan-style --version; cyclegan-styled --version"
expect "test -s /usr/share/man/man1/cyclegan-style.1.gz -a -s /usr/share/man/man8/cyclegan-styled.8.gz -a -s /usr/share/man/man5/cyclegan-styled.yaml.5.gz"
expect "cyclegan-style weights status | grep -q vgg16"
expect "useradd -m -G cyclegan-styled alice"
size=$(shell "stat -c %s /usr/bin/cyclegan-style")
echo "   both programs: $((size / 1000000)) MB"
[ "$size" -lt 45000000 ] || failed "the programs have $size bytes"

step "a photo of each format"
cp "$project"/docs/sample/landscape.jpg "$root/home/alice/beach.jpg"
expect "su alice -c 'umask 022; mkdir $spool/inbox/trip; cp ~/beach.jpg $spool/inbox/trip/'"
wait_for "test -e $spool/outbox/trip/beach.vangogh.jpg -a -e $spool/originals/trip/beach.jpg"
for name in encoded.heic encoded.avif lossless-alpha.webp jpeg.tif grey.png; do
  cp "$project/Tests/PhotosTests/files/$name" "$root/home/alice/$name"
  expect "cp /home/alice/$name $spool/inbox/"
  wait_for "test -e $spool/originals/$name && ls $spool/outbox/${name%.*}.vangogh.*"
done

step "a configuration of one's own"
expect "printf 'duplicates: again\nstrokes: 0.5\nstop-within: 0s\n' >> /etc/cyclegan-styled/config.yaml && systemctl reload cyclegan-styled"
expect "sha256sum /etc/cyclegan-styled/config.yaml > /root/config.sum"

step "upgrading with photos queued and one in work"
expect "mkdir $spool/inbox/queue && chown alice:cyclegan-styled $spool/inbox/queue"
expect "su alice -c 'for n in 01 02 03 04 05 06 07 08 09 10 11 12; do cp ~/beach.jpg $spool/inbox/queue/\$n.jpg; done'"
wait_for "cyclegan-style status --json | grep -q '\"stage\" : \"translating\"'"
before=$(shell "systemctl show -P MainPID cyclegan-styled")
expect "apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold /packages/*+next*.deb > /tmp/upgrade.log 2>&1 || { cat /tmp/upgrade.log; false; }"
expect "dpkg-query -W -f '\${Version}' cyclegan-styled | grep -q +next"
wait_for "systemctl is-active -q cyclegan-styled"
[ "$(shell "systemctl show -P MainPID cyclegan-styled")" != "$before" ] || failed "the service was not started anew"
done_before=$(shell "journalctl -u cyclegan-styled _PID=$before --no-pager | grep -c 'styled queue/'" || true)
echo "   of 12 photos the old service had done $done_before"
[ "$done_before" -lt 12 ] || failed "the queue was empty when it was upgraded: that shows nothing"
expect "journalctl -u cyclegan-styled _PID=$before --no-pager | grep -q stopped"
wait_for "test \$(find $spool/originals/queue -type f 2> /dev/null | wc -l) = 12" 240
[ "$(shell "find $spool/outbox/queue -type f | sort" | sed 's,.*/,,' | tr '\n' ' ')" = \
  "$(seq -f '%02g.vangogh.jpg' 12 | tr '\n' ' ')" ] || failed "not one picture for each photo: $(shell "ls -A $spool/outbox/queue")"
[ "$(shell "journalctl -u cyclegan-styled --no-pager | grep -c 'styled queue/'")" = 12 ] || failed "a photo was done twice"
[ -z "$(shell "find $spool/inbox $spool/failed -type f")" ] || failed "left over: $(shell "find $spool/inbox $spool/failed -type f")"
expect "sha256sum -c --quiet /root/config.sum"

step "removing"
expect "find $spool -type f -exec sha256sum {} + | sort > /root/photos.sum && test \$(wc -l < /root/photos.sum) -ge 36"
expect "apt-get remove -y -q cyclegan-styled cyclegan-styled-training > /dev/null 2>&1"
refuse "systemctl is-active -q cyclegan-styled"
refuse "test -e /usr/bin/cyclegan-style -o -e /usr/sbin/cyclegan-styled -o -e /usr/share/cyclegan-styled"
expect "test -e /var/lib/cyclegan-styled/ledger.sqlite && sha256sum -c --quiet /root/config.sum && sha256sum -c --quiet /root/photos.sum"

step "purging"
expect "mkdir -p /var/lib/cyclegan-styled/models && echo model > /var/lib/cyclegan-styled/models/mine.safetensors"
expect "apt-get purge -y -q cyclegan-styled > /tmp/purge.log 2>&1 || { cat /tmp/purge.log; false; }"
expect "grep -q 'photos and pictures stay in $spool' /tmp/purge.log && grep -q 'models of your own stay in /var/lib/cyclegan-styled/models' /tmp/purge.log"
expect "sha256sum -c --quiet /root/photos.sum"
[ "$(shell "find /etc /usr /var /run -xdev -name '*cyclegan*' ! -path '/var/log/*' ! -path '/var/cache/*' ! -path '/var/tmp/*' | sort")" = /var/lib/cyclegan-styled ] ||
  failed "left over: $(shell "find /etc /usr /var /run -xdev -name '*cyclegan*'")"
[ "$(shell "find /var/lib/cyclegan-styled -type f")" = /var/lib/cyclegan-styled/models/mine.safetensors ] || failed "the state is left"
echo "all is well"

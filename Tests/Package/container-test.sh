#!/bin/bash
# The container image of etc/container/Containerfile: built and run by podman where there is one, else its steps are taken one by one
# in a copy of a small Debian 12.
set -euo pipefail
. "$(dirname "$0")/root.sh"
recipe=$project/etc/container/Containerfile
spool=/srv/cyclegan-styled

leave() {
  status=$?
  [ $status = 0 ] || cat "$work/output" >&2 2> /dev/null || true
  [ ! -s "$work/service" ] || kill -KILL "$(cat "$work/service")" 2> /dev/null || true
  [ -z "${container:-}" ] || podman rm -f "$container" > /dev/null 2>&1 || true
  for mount in dev proc; do umount -l "$root/$mount" 2> /dev/null || true; done
  rm -rf "$work"
  exit $status
}
trap leave EXIT

wait_for() { for _ in $(seq 300); do "$@" && return 0; sleep 0.2; done; failed "waited in vain for: $*"; }

if command -v podman > /dev/null; then
  step "podman"
  podman build -q -t cyclegan-styled-test -f "$recipe" "$packages"
  container=$(podman run -d cyclegan-styled-test)
  wait_for sh -c "podman logs $container 2>&1 | grep -q 'ready:'"
  podman cp "$project/docs/sample/landscape.jpg" "$container:$spool/inbox/beach.jpg"
  wait_for podman exec "$container" test -e $spool/outbox/beach.vangogh.jpg
  podman stop "$container" > /dev/null
  podman logs "$container" 2>&1 | grep -q stopped || failed "it was not stopped in order"
  echo "all is well"
  exit 0
fi

fetch_slim() {
  [ ! -e "$PACKAGE_TEST_CACHE.slim/complete" ] || return 0
  rm -rf "$PACKAGE_TEST_CACHE.slim"
  mkdir -p "$PACKAGE_TEST_CACHE.slim"
  debootstrap --variant=minbase --exclude=systemd,systemd-sysv,libsystemd-shared,udev bookworm "$PACKAGE_TEST_CACHE.slim/root" "$MIRROR" \
    > "$PACKAGE_TEST_CACHE.slim/log" 2>&1 || cannot "debootstrap fetches nothing from $MIRROR: see $PACKAGE_TEST_CACHE.slim/log"
  touch "$PACKAGE_TEST_CACHE.slim/complete"
}

fetch_slim
cp -a --reflink=auto "$PACKAGE_TEST_CACHE.slim/root" "$root"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"
within() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

user= entry=
while read -r word rest; do
  case $word in
  FROM) [[ $rest = *debian:12-slim ]] || failed "the image begins with $rest" ;;
  COPY)
    step "COPY $rest"
    target=$root${rest##* }
    mkdir -p "$target"
    (cd "$packages" && cp ${rest% *} "$target") ;;
  RUN)
    step "RUN $rest"
    within sh -c "$rest" > "$work/output" 2>&1 || failed "$rest" ;;
  USER) user=$rest ;;
  ENTRYPOINT) entry=$(sed 's/[]["]//g; s/,/ /g' <<< "$rest") ;;
  VOLUME | STOPSIGNAL | \#* | '') ;;
  *) failed "$word is not understood here" ;;
  esac
done < "$recipe"
[ -n "$user" ] && [ -n "$entry" ] || failed "there is no USER or ENTRYPOINT"
[ ! -e "$root/usr/lib/systemd/systemd" ] && [ ! -e "$root/lib/systemd/systemd" ] || failed "systemd came into the image"

step "$entry as $user"
chroot --userspec="$user:$user" "$root" env -i PATH=/usr/bin:/bin HOME=/ $entry > "$work/output" 2>&1 &
echo $! > "$work/service"
wait_for grep -q "ready:" "$work/output"
cp "$project/docs/sample/landscape.jpg" "$root$spool/inbox/beach.jpg"
chroot "$root" chown cyclegan-styled "$spool/inbox/beach.jpg"
wait_for test -e "$root$spool/outbox/beach.vangogh.jpg" -a -e "$root$spool/originals/beach.jpg"
kill -TERM "$(cat "$work/service")"
wait "$(cat "$work/service")" || failed "it did not end with 0"
rm "$work/service"
grep -q "styled beach.jpg" "$work/output" || failed "standard error says nothing of the photo"
grep -q stopped "$work/output" || failed "it was not stopped in order"
echo "all is well"

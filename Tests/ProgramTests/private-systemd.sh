#!/bin/bash
# A systemd of its own for a test: process 1 of new namespaces over a throw-away layer on this machine's root file system. What is
# installed, started and killed in it never reaches the machine.
#
#   private-systemd.sh boot DIR SECONDS PROJECT
#                                         start it, at most for so long; DIR holds its log and process id, and the
#                                         directory PROJECT is to be found as /project in it
#   private-systemd.sh in DIR COMMAND...  run a command in it
#   private-systemd.sh halt DIR           end it
#
# Needs root, overlayfs and a cgroup2 hierarchy; says what is missing and exits 77 where it cannot work.
set -euo pipefail
self=$(readlink -f "$0")
action=${1:?}; dir=${2:?}; shift 2

cannot() { echo "private-systemd: $1" >&2; exit 77; }

inside() {
  root=$dir/root project=$1
  mkdir -p "$root"
  mount -t tmpfs -o mode=755 layer "$dir/layer"
  mkdir "$dir/layer/upper" "$dir/layer/work"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/layer/upper,workdir=$dir/layer/work" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  umount -R "$root/sys/fs/cgroup"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  for place in run tmp; do mount -t tmpfs tmpfs "$root/$place"; done
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
  done
  mkdir "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  mkdir -p "$root/project"
  mount --bind "$project" "$root/project"
  # A machine id and a journal of its own; no service of the machine is started.
  tr -d - < /proc/sys/kernel/random/uuid > "$root/etc/machine-id"
  rm -rf "$root/var/log/journal"
  cat > "$root/etc/systemd/system/test.target" <<-UNIT
	[Unit]
	Description=a test's own systemd
	DefaultDependencies=no
	Wants=systemd-journald.service
	After=systemd-journald.service
	UNIT
  mkdir "$root/.machine"
  cd "$root"
  pivot_root . .machine
  umount -l /.machine
  exec env -i container=private PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=test.target --log-target=console --show-status=no < /dev/null > /run/console.log 2>&1
}

case $action in
boot)
  seconds=${1:?} project=${2:?}
  [ "$(id -u)" = 0 ] || cannot "needs root"
  [ -x /lib/systemd/systemd ] || cannot "there is no systemd on this machine"
  hierarchy=/sys/fs/cgroup
  [ -e $hierarchy/cgroup.procs ] || hierarchy=/sys/fs/cgroup/unified
  [ -e $hierarchy/cgroup.procs ] || cannot "there is no cgroup2 hierarchy"
  mkdir -p "$dir/layer"
  # systemd wants a control group of its own, in a namespace where that is the root.
  group=$hierarchy/private-systemd-$$
  mkdir "$group" 2> "$dir/log" || cannot "control groups cannot be made here"
  echo "$group" > "$dir/group"
  (
    # Nothing of whoever called may stay open in it: they would wait for its end.
    for descriptor in /proc/$BASHPID/fd/*; do
      number=${descriptor##*/}
      [ "$number" -le 2 ] || [ "$number" = 255 ] || eval "exec $number>&-"
    done
    echo $BASHPID > "$group/cgroup.procs"
    exec timeout -s KILL "$seconds" unshare --mount --pid --uts --ipc --cgroup --net --fork --kill-child=KILL --mount-proc \
      --propagation private "$self" _inside "$dir" "$project"
  ) > "$dir/log" 2>&1 < /dev/null &
  launcher=$!
  for _ in $(seq 150); do
    sleep 0.2
    kill -0 $launcher 2> /dev/null || cannot "it did not start: $(cat "$dir/log")"
    # unshare's child is process 1 of the new namespace.
    unsharing=$(pgrep -P $launcher || true)
    child=$(pgrep -P "${unsharing:-$launcher}" || true)
    [ -n "$child" ] && [ "$(cat "/proc/$child/comm" 2> /dev/null)" = systemd ] || continue
    state=$(nsenter -t "$child" -a systemctl is-system-running 2> /dev/null || true)
    case $state in running | degraded)
      echo "$child" > "$dir/pid"
      exit 0 ;;
    esac
  done
  kill -KILL $launcher
  cannot "it did not come up in time: $(cat "$dir/log")" ;;
in) exec nsenter -t "$(cat "$dir/pid")" -a -- "$@" ;;
halt)
  kill -KILL "$(cat "$dir/pid")"
  group=$(cat "$dir/group")
  for _ in $(seq 50); do
    find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || true
    [ -e "$group" ] || exit 0
    sleep 0.1
  done ;;
_inside) inside "$1" ;;
*) exit 64 ;;
esac

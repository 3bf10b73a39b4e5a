# A fresh Debian 12 for a test, in a directory of its own. Sourced by the tests of the package.
#
# The system is fetched once by debootstrap and kept in $PACKAGE_TEST_CACHE; each test works on a copy. Says what is missing and
# exits 77 where it cannot work.

PACKAGE_TEST_CACHE=${PACKAGE_TEST_CACHE:-/var/tmp/cyclegan-styled-debian12}
MIRROR=${MIRROR:-http://deb.debian.org/debian}
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
packages=${PACKAGES_DIRECTORY:-$project/.build/deb}

cannot() { echo "package test: $1" >&2; exit 77; }
failed() { echo "FAILED: $*" >&2; exit 1; }
step() { echo "== $*"; }

[ "$(id -u)" = 0 ] || cannot "needs root"
for tool in debootstrap systemd-nspawn dpkg-deb; do
  command -v $tool > /dev/null || cannot "$tool is missing (apt-get install debootstrap systemd-container)"
done
package=$(find "$packages" -maxdepth 1 -name "cyclegan-styled_*_$(dpkg --print-architecture).deb" 2> /dev/null | sort | tail -1) || true
training=$(find "$packages" -maxdepth 1 -name 'cyclegan-styled-training_*_all.deb' 2> /dev/null | sort | tail -1) || true
[ -n "$package" ] && [ -n "$training" ] || cannot "there is no package in $packages: make deb"

# Fetches the system, where that was not done before.
fetch_system() {
  [ ! -e "$PACKAGE_TEST_CACHE/complete" ] || return 0
  rm -rf "$PACKAGE_TEST_CACHE"
  mkdir -p "$PACKAGE_TEST_CACHE"
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,acl bookworm "$PACKAGE_TEST_CACHE/booting" "$MIRROR" \
    > "$PACKAGE_TEST_CACHE/log" 2>&1 || cannot "debootstrap fetches nothing from $MIRROR: see $PACKAGE_TEST_CACHE/log"
  touch "$PACKAGE_TEST_CACHE/complete"
}

work=$(mktemp -d /var/tmp/package-test.XXXXXX)
root=$work/root

#!/bin/bash
# Writes the reference parts of the manual pages as the programs have them: make man.
#
#   update.sh DIRECTORY-OF-THE-PROGRAMS [--check]    --check changes nothing, and fails where a page is stale
set -euo pipefail
programs=${1:?}
cd "$(dirname "$0")"
status=0

update() {
  page=$1; shift
  fresh=$(mktemp)
  { sed '/^\.\\" BEGIN generated/q' "$page"; "$@"; sed -n '/^\.\\" END generated/,$p' "$page"; } > "$fresh"
  if cmp -s "$fresh" "$page"; then
    rm "$fresh"
  elif [ "${check:-}" ]; then
    echo "docs/man/$page is stale: make man" >&2
    diff "$page" "$fresh" | head -20 >&2 || true
    rm "$fresh"
    status=1
  else
    cat "$fresh" > "$page"
    rm "$fresh"
    echo "docs/man/$page is written anew"
  fi
}

[ "${2:-}" != --check ] || check=1
update cyclegan-style.1 "$programs/cyclegan-style" --dump-reference
update cyclegan-styled.8 "$programs/cyclegan-styled" --dump-reference options
update cyclegan-styled.yaml.5 "$programs/cyclegan-styled" --dump-reference keys
exit $status

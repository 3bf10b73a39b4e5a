#!/bin/bash
# The service in the foreground on a spool of its own below ./demo: a photo goes in, a picture comes out.
#   demo.sh PROGRAMS [PHOTO]     PROGRAMS: the directory with the built programs
set -euo pipefail

programs=$1
photo=${2:-docs/sample/landscape.jpg}
[ -f "$photo" ] || { echo "demo: there is no photo '$photo'" >&2; exit 1; }

rm -rf demo
mkdir -p demo/spool/inbox demo/spool/outbox demo/state
cat > demo/config.yaml <<END
spool: $PWD/demo/spool
state: $PWD/demo/state
END

# Standard error is not the journal's here, whoever started us: the log lines go to a file.
"$programs/cyclegan-styled" --config demo/config.yaml > demo/log 2>&1 &
daemon=$!
stop() { kill "$daemon" 2>/dev/null && wait "$daemon" || true; }
trap stop EXIT

# Written under a name that the inbox ignores, then renamed, as a careful program would.
cp -- "$photo" demo/spool/inbox/.photo.tmp
name=$(basename -- "$photo")
mv -- demo/spool/inbox/.photo.tmp "demo/spool/inbox/$name"

picture=
for _ in $(seq 600); do
    picture=$(find demo/spool/outbox -type f -not -name '.*' -print -quit)
    [ -z "$picture" ] || break
    if [ -n "$(find demo/spool/failed -type f -print -quit 2>/dev/null)" ]; then
        cat demo/spool/failed/*.reason.txt >&2
        break
    fi
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.2
done
stop
trap - EXIT

echo "The service's log:"
sed 's/^/    /' demo/log
[ -n "$picture" ] || { echo "demo: no picture came out" >&2; exit 1; }

# A picture is there only if it can be decoded again; and it must not be the photo.
"$programs/cyclegan-style" translate --strength 0 --format png -o demo/photo.png "$photo" > /dev/null
"$programs/cyclegan-style" translate --strength 0 --format png -o demo/picture.png "$picture" > /dev/null
if cmp -s demo/photo.png demo/picture.png; then
    echo "demo: the picture is the photo" >&2
    exit 1
fi
rm demo/photo.png demo/picture.png
echo "The photo:   $photo"
echo "The picture: $picture"

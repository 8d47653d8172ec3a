#!/usr/bin/env bash
# Does what the README tells a newcomer to do: `make run`, the first event, the tools on the flow that it shows.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
# A process group of its own, so that the daemon ends together with the make that started it.
set -m
export COLLECTORD_DATA_DIR="$folder/data"
make run PORT=0 >"$folder/output" 2>"$folder/errors" &
daemon=$!
set +m
trap 'kill -TERM -- "-$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true; rm -rf "$folder"' EXIT
until grep -q 'curl -d' "$folder/output"; do
    if ! kill -0 "$daemon" 2>/dev/null; then
        tail -n 40 "$folder/output" "$folder/errors" >&2
        exit 1
    fi
    sleep 0.2
done
# The line that the daemon itself says to try, as it stands.
answer=$(eval "$(grep 'curl -d' "$folder/output") --silent")
echo "$answer"
case "$answer" in '{"success":true,'*) ;; *) exit 1 ;; esac
grep -q '"name":"page view"' "$folder/output"
awk '/^```json flow.json$/ {inside=1; next} /^```$/ {inside=0} inside' README.md >"$folder/flow.json"
echo '{"name":"order complete","data":{"total":42}}' >"$folder/event.json"
collectord=.build/release/collectord
"$collectord" validate "$folder/flow.json"
"$collectord" simulate "$folder/flow.json" --event "$folder/event.json" >/dev/null
"$collectord" test "$folder/flow.json" >/dev/null
"$collectord" destinations >/dev/null
echo "README: OK"

#!/usr/bin/env bash
# Does what the README tells a newcomer to do: starts the daemon, posts the first event, and looks for it.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build --product collectord
folder=$(mktemp -d)
.build/debug/collectord run --port 0 >"$folder/output" 2>"$folder/errors" &
daemon=$!
trap 'kill "$daemon" 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 300); do
    if grep -q 'curl -d' "$folder/output"; then break; fi
    sleep 0.1
done
# The line that the daemon itself says to try, as it stands.
command=$(grep 'curl -d' "$folder/output")
answer=$(eval "$command")
echo "$answer"
case "$answer" in '{"success":true,'*) ;; *) exit 1 ;; esac
grep -q '"name":"page view"' "$folder/output"
# The tools, on the flow that the README shows.
awk '/^```json flow.json$/ {inside=1; next} /^```$/ {inside=0} inside' README.md >"$folder/flow.json"
.build/debug/collectord validate "$folder/flow.json"
echo '{"name":"order complete","data":{"total":42}}' | .build/debug/collectord simulate "$folder/flow.json" --event - >/dev/null
.build/debug/collectord test "$folder/flow.json"
echo "README: OK"

#!/usr/bin/env bash
# House rules that no compiler checks. Prints what breaks them and fails.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0

refuse() { # refuse <what> <matches>
    if [ -n "$2" ]; then
        printf '%s\n%s\n\n' "$1" "$2"
        failed=1
    fi
}

sources() { git ls-files 'Sources/*.swift'; }

refuse "A C module is imported outside its folder:" \
    "$(sources | xargs grep -nE '^(public |package |internal |private |fileprivate )?import C(FileAttributes|Hiredis|Jansson|LMDB|OpenSSL|Storage|Zlib)\b' \
        | grep -vE '^Sources/(RedisStreamsDestination/Hiredis|RedisStreamsDestination/TLS|EventJSON/Jansson|Compression|Destinations/File|DurableLog/Metadata|DurableLog/Files)/')"
refuse "try!, as! or a trap on input:" \
    "$(sources | xargs grep -nE '\btry!|\bas!|fatalError\(|preconditionFailure\(' | grep -vE '^\S+:\s*//')"
refuse "Left to do:" "$(sources | xargs grep -nE '\b(TODO|FIXME|XXX|HACK)\b')"
refuse "An unchecked promise without its reason in a comment above:" \
    "$(sources | xargs awk '
        /@unchecked Sendable|nonisolated\(unsafe\)/ && previous !~ /\/\// { print FILENAME ":" FNR ": " $0 }
        { previous = $0 }')"
refuse "Foundation in a library:" \
    "$(git ls-files 'Sources/EventJSON/*.swift' 'Sources/LinearExpressions/*.swift' 'Sources/JSONSchema/*.swift' \
        'Sources/Collector/*.swift' 'Sources/Compression/*.swift' 'Sources/HTTPServer/*.swift' 'Sources/RedisStreamsDestination/*.swift' \
        'Sources/CollectorHTTP/*.swift' 'Sources/CollectorConfiguration/*.swift' 'Sources/DurableLog/*.swift' \
        | xargs grep -nE '^(public )?import Foundation')"
refuse "A fixture that no test names:" \
    "$(git ls-files Fixtures | grep -v '^Fixtures/hostile/crashes/' | while read -r file; do
        name=$(basename "$file")
        git grep -q -- "$name" -- Tests || echo "$file"
    done)"
refuse "docs/own-destination.md does not show these files as they are:" \
    "$(for file in Examples/OwnDestination/*.swift; do
        shown=$(awk -v fence="\`\`\`swift $(basename "$file")" \
            '$0 == fence {inside=1; next} /^```$/ {inside=0} inside' docs/own-destination.md)
        [ "$shown" = "$(cat "$file")" ] || echo "$file"
    done)"
if [ "$failed" -eq 0 ]; then echo "soundness: OK"; fi
exit "$failed"

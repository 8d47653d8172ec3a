#!/usr/bin/env bash
# Builds Examples/LinkedService and checks that a service which links only Collector and RedisStreamsDestination
# compiles no HTTP server, no NIO and no gRPC. Then tests Examples/OwnDestination, which docs/own-destination.md shows.
set -euo pipefail
cd "$(dirname "$0")/../Examples/LinkedService"
# By name: a bare build would build every target of the packages it depends on.
swift build --product LinkedService
unwanted=$(find -L .build/debug -path '*.build/*' -name '*.o' | sed -E 's|.*/([^/]+)\.build/.*|\1|' | sort -u \
    | grep -E '^(C?NIO|HTTPServer|CollectorHTTP|Destinations|AsyncHTTPClient|GRPC)' || true)
if [ -n "$unwanted" ]; then
    echo "The example compiled what it does not need:" $unwanted >&2
    exit 1
fi
.build/debug/LinkedService
cd ../OwnDestination
source=Sources/OwnDestination/SpoolDestination.swift
tests=Tests/OwnDestinationTests/SpoolDestinationTests.swift
for file in "$source" "$tests"; do
    shown=$(awk -v fence="\`\`\`swift $file" '$0 == fence {inside=1; next} /^```$/ {inside=0} inside' \
        ../../docs/own-destination.md)
    if [ "$shown" != "$(cat "$file")" ]; then
        echo "docs/own-destination.md does not show $file as it is" >&2
        exit 1
    fi
done
swift test
echo "example: OK"

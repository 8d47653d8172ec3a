#!/usr/bin/env bash
# Builds Examples/LinkedService and checks that a service which links only Collector and RedisStreamsDestination
# compiles no HTTP server, no NIO and no gRPC.
set -euo pipefail
cd "$(dirname "$0")/../Examples/LinkedService"
# By name: a bare build would build every target of the packages it depends on.
swift build --product LinkedService
unwanted=$(find -L .build/debug -path '*.build/*' -name '*.o' | sed -E 's|.*/([^/]+)\.build/.*|\1|' | sort -u \
    | grep -E '^(C?NIO|HTTPServer|CollectorHTTP|Destinations|SQLiteDestination|AsyncHTTPClient|GRDB|GRPC)' || true)
if [ -n "$unwanted" ]; then
    echo "The example compiled what it does not need:" $unwanted >&2
    exit 1
fi
.build/debug/LinkedService
echo "example: OK"

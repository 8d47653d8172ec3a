#!/usr/bin/env bash
# Builds Examples/LinkedService and checks that a service which links only Collector and RedisStreamsDestination
# compiles no HTTP server, no NIO and no gRPC.
set -euo pipefail
cd "$(dirname "$0")/../Examples/LinkedService"
swift build
unwanted=$(find -L .build/debug -maxdepth 1 -name '*.build' -exec basename {} .build \; \
    | grep -E '^(NIO|HTTPServer|CollectorHTTP|Destinations|AsyncHTTPClient|GRPC)' || true)
if [ -n "$unwanted" ]; then
    echo "The example compiled what it does not need:" $unwanted >&2
    exit 1
fi
.build/debug/LinkedService
echo "example: OK"

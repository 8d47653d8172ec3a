#!/usr/bin/env bash
# Fails when an event takes over 5 % more allocations than Benchmarks/allocations.json says. Who made it fewer writes the
# new figures there. Counted, not timed, so that a busy machine changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cc >/dev/null && ! command -v clang >/dev/null && ! command -v gcc >/dev/null; then
    echo "allocations: not counted, as there is no C compiler"
    exit 0
fi
swift run -c release --package-path Benchmarks Benchmarks allocations

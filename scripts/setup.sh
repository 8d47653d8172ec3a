#!/usr/bin/env bash
# Installs what Debian's packages provide and the build or the tests need, where it is missing.
set -euo pipefail

missing=()
need() { # need <package> <test that it is there>
    if ! eval "$2" >/dev/null 2>&1; then missing+=("$1"); fi
}

need pkg-config "command -v pkg-config"
need libhiredis-dev "test -e /usr/include/hiredis/hiredis.h || pkg-config --exists hiredis"
need libssl-dev "test -e /usr/include/openssl/ssl.h || pkg-config --exists openssl"
need libjansson-dev "test -e /usr/include/jansson.h || pkg-config --exists jansson"
need liblmdb-dev "test -e /usr/include/lmdb.h || pkg-config --exists lmdb"
need libbrotli-dev "test -e /usr/include/brotli/decode.h || pkg-config --exists libbrotlidec"
need libzstd-dev "test -e /usr/include/zstd.h || pkg-config --exists libzstd"
need zlib1g-dev "test -e /usr/include/zlib.h || pkg-config --exists zlib"
need libsqlite3-dev "test -e /usr/include/sqlite3.h || pkg-config --exists sqlite3"
need redis-server "command -v redis-server"
need curl "command -v curl"
need strace "command -v strace"
need openssl "command -v openssl"
need chromium "command -v chromium"

if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
echo "Installing: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    echo "This is not Debian; install these yourself: ${missing[*]}" >&2
    exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then sudo="sudo"; fi
$sudo apt-get update -qq
# redis-server is started by the tests themselves, never as a service.
DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"

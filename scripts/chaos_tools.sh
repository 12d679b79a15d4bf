#!/bin/sh
# What `make chaos` needs of the system besides nats-server. Installs what is missing where that is permitted; where it is not, the
# suite names the scenarios that it cannot play, and does not pass (WITHOUT= asks for a run without them).
set -eu

missing=""
need() { # program or file, package
    command -v "$1" >/dev/null 2>&1 || ls $1 >/dev/null 2>&1 || missing="$missing $2"
}
need ip iproute2
need tc iproute2
need nft nftables
need nsenter util-linux
need strace strace
need "/usr/lib/*/faketime/libfaketimeMT.so.1" libfaketime
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null 2>&1 && exit 0
fi
echo "not installed:$missing; the scenarios that need it cannot be played, and the run does not pass without them" >&2

#!/bin/sh
# One cryptography library in the tree: ring. cargo-deny says the same in more words, where it is installed.
set -eu
cd "$(dirname "$0")/.."
foreign=$(grep -E '^name = "(aws-lc-rs|aws-lc-sys|openssl|openssl-sys|native-tls)"' Cargo.lock || true)
if [ -n "$foreign" ]; then
    echo "Cargo.lock holds a second cryptography library:" >&2
    echo "$foreign" >&2
    exit 1
fi
[ "$(grep -c '^name = "rustls"$' Cargo.lock)" = 1 ] || { echo "Cargo.lock holds more than one rustls" >&2; exit 1; }

#!/bin/sh
# Judges the dependency tree, with what is at hand and without the network: always the ring-only rule; bans, licences and sources
# of deny.toml where cargo-deny is installed; advisories where their database lies on this machine. What was not checked is said.
set -eu
cd "$(dirname "$0")/.."
sh scripts/ring_only.sh
if ! cargo deny --version >/dev/null 2>&1; then
    echo "lint: cargo-deny is not installed: bans, licences, sources and advisories were not checked"
    exit 0
fi
# Crates for other systems are not at hand offline: the tree is judged as it is built here.
host=$(rustc -vV | sed -n 's/^host: //p')
deny() {
    cargo deny --offline --target "$host" check --hide-inclusion-graph "$@"
}
deny -D warnings bans licenses sources
if ! ls -d "${CARGO_HOME:-$HOME/.cargo}"/advisory-dbs/advisory-db-* >/dev/null 2>&1; then
    echo "lint: no advisory database is at hand (cargo deny fetch db): advisories were not checked"
    exit 0
fi
deny advisories

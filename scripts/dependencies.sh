#!/bin/sh
# Judges the dependency tree: always the ring-only rule, and all of deny.toml where cargo-deny can work offline.
set -eu
cd "$(dirname "$0")/.."
sh scripts/ring_only.sh
if ! cargo deny --version >/dev/null 2>&1; then
    echo "lint: cargo-deny is not installed: only the ring-only rule was checked"
    exit 0
fi
cargo deny --offline check --hide-inclusion-graph bans licenses sources

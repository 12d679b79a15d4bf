#!/bin/sh
# Checks the syntax of compose.yaml where docker compose is at hand.
set -eu
cd "$(dirname "$0")/.."
if ! docker compose version >/dev/null 2>&1; then
    echo "lint: docker compose is not at hand: compose.yaml was not checked"
    exit 0
fi
docker compose --file compose.yaml config --quiet

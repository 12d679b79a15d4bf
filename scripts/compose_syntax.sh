#!/bin/sh
# Checks compose.yaml against the Compose specification where Docker Compose 2 is at hand, and the script that it starts.
set -eu
cd "$(dirname "$0")/.."
sh -n compose/setup.sh
if docker compose version >/dev/null 2>&1; then
    docker compose --file compose.yaml config --quiet
elif docker-compose version --short 2>/dev/null | grep -Eq '^v?[2-9]'; then
    docker-compose --file compose.yaml config --quiet
else
    # Version 1, which some systems still carry, does not know the specification.
    echo "lint: Docker Compose 2 is not at hand: compose.yaml was not checked"
fi

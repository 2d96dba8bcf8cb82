#!/usr/bin/env bash
# Builds the other projects' programs that tests/interop runs ours against, each at a pinned version:
# the ndt7-client crate and M-Lab's JavaScript client. Needs cargo, and
# Node with npm for the last; the crates.io and npm registries are asked for what is missing.
#
#   bash tests/peers/build.sh          everything
#   bash tests/peers/build.sh node     one of: ndt7 node
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TARGET_DIR=${PEERS_TARGET_DIR:-$PWD/target}

# Programs stand in tests/peers/bin, whatever the target directory.
ndt7() {
    cargo build --locked --release
    mkdir -p bin
    cp "$CARGO_TARGET_DIR/release/ndt7-peer" bin/
}

node() {
    (cd node && npm ci --no-audit --no-fund --ignore-scripts)
}

for peer in ${*:-ndt7 node}; do
    case $peer in
    ndt7 | node) "$peer" ;;
    *)
        echo "no such peer: $peer (ndt7 or node)" >&2
        exit 2
        ;;
    esac
done

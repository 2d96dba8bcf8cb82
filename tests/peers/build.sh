#!/usr/bin/env bash
# Builds the other projects' programs that tests/interop runs ours against, each at a pinned version:
# the ndt7-client crate, M-Lab's JavaScript client and stamp-suite. Needs cargo, and Node with npm for
# the second; the crates.io and npm registries are asked for what is missing.
#
#   bash tests/peers/build.sh          everything
#   bash tests/peers/build.sh node     one of: ndt7 node stamp
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

# Its own lock file, no feature, no optimisation: the tests are of the wire. What stands is kept.
stamp() {
    cargo install --locked --debug --quiet --version =1.0.0 --root . stamp-suite
}

for peer in ${*:-ndt7 node stamp}; do
    case $peer in
    ndt7 | node | stamp) "$peer" ;;
    *)
        echo "no such peer: $peer (ndt7, node or stamp)" >&2
        exit 2
        ;;
    esac
done

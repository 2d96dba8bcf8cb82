#!/usr/bin/env bash
# Builds every fuzz target and runs each for a number of seconds (default 20).
# Without nightly or cargo-fuzz it says so and fails: a fuzzer that did not run is not a pass.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-20}

missing() {
    printf '\n*** FUZZING DID NOT RUN: %s ***\n    %s\n\n' "$1" "$2" >&2
    exit 1
}
cargo +nightly --version >/dev/null 2>&1 || missing "no nightly toolchain" "rustup toolchain install nightly"
cargo fuzz --version >/dev/null 2>&1 || missing "no cargo-fuzz" "cargo install --locked cargo-fuzz"

cargo +nightly fuzz build
for target in $(cargo +nightly fuzz list); do
    printf '\n== %s, %s s\n' "$target" "$seconds"
    mkdir -p "seeds/$target" "corpus/$target"
    cargo +nightly fuzz run "$target" "corpus/$target" "seeds/$target" -- -max_total_time="$seconds" -timeout=10 -print_funcs=0 -verbosity=0 -print_final_stats=1
done

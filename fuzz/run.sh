#!/usr/bin/env bash
# Builds every fuzz target and runs each for a number of seconds (default 20).
# With nightly, addresses are checked, too; without it the stable toolchain is used as if it were one, and only
# panics, endless loops and memory without bound are found, which is what our own code can do wrong.
# Without cargo-fuzz it says so and fails: a fuzzer that did not run is not a pass.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-20}

if ! cargo fuzz --version >/dev/null 2>&1; then
    printf '\n*** FUZZING DID NOT RUN: no cargo-fuzz ***\n    cargo install --locked cargo-fuzz\n\n' >&2
    exit 1
fi
if cargo +nightly --version >/dev/null 2>&1; then
    fuzz() { cargo +nightly fuzz "$@"; }
    flags=()
else
    fuzz() { RUSTC_BOOTSTRAP=1 cargo fuzz "$@"; }
    flags=(--sanitizer none)
fi

fuzz build "${flags[@]}"
for target in $(fuzz list); do
    printf '\n== %s, %s s\n' "$target" "$seconds"
    mkdir -p "seeds/$target" "corpus/$target"
    fuzz run "${flags[@]}" "$target" "corpus/$target" "seeds/$target" -- -max_total_time="$seconds" -timeout=10 -print_funcs=0 -verbosity=0 -print_final_stats=1
done

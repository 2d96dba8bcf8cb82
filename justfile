# `just` lists the recipes. CI runs the same commands: see .ci/run.

_default:
    @just --list --unsorted

# Everything CI checks before the tests.
check: fmt-check lint doc deny

# Formats the sources.
fmt:
    cargo fmt --all

fmt-check:
    cargo fmt --all -- --check

# clippy with warnings as errors, default and all features.
lint:
    cargo clippy --locked --workspace --all-targets -- -D warnings
    cargo clippy --locked --workspace --all-targets --all-features -- -D warnings

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# Bans, licences and sources of dependencies; needs cargo-deny.
deny:
    cargo deny check bans licenses sources

# Dependencies that no code uses; needs cargo-machete.
machete:
    cargo machete

# Every test. What cannot run here says so; with LAB=require it fails instead.
test:
    cargo test --locked --workspace

# The ingest benchmark.
bench:
    cargo bench -p tonle-collector --bench ingest

# The benchmark of verdicts on visits to pages.
bench-analysis:
    cargo bench -p tonle-collector --bench analysis

# False incidents in a month over 20 000 quiet cells of each kind: docs/incidents.md.
incidents:
    cargo test --release --workspace --lib -- --ignored --nocapture incidents::detect::simulations

# Our figures and other tools' against the truth of the lab, on every line: half an hour, as root.
accuracy *ARGS:
    cargo test --release --test accuracy -- --table docs/accuracy.md {{ARGS}}

# Whole transfers over the lab's lines, for `tonle agent replay`: a quarter of an hour, as root.
traces:
    cargo test --release --test accuracy -- --traces agent/tests/traces

# Every situation of openness in the lab with the real agent and controls, written down: two minutes, as
# root.
scenarios:
    cargo test --test openness -- --scenarios docs/openness-scenarios.md

# What the network did against what was said of it, at several places each: a quarter of an hour, as root.
matrix *ARGS:
    cargo test --test openness -- --matrix docs/openness-matrix.md {{ARGS}}

# What measuring costs in processor time and memory; needs tests/peers/build.sh ndt7.
cost:
    cargo build --release --workspace --bin tonle-agent
    cargo bench --workspace --bench cost

# Builds every fuzz target and runs each for SECONDS; needs cargo-fuzz; uses nightly where there is one.
fuzz SECONDS="20":
    bash fuzz/run.sh {{SECONDS}}

# Checks the golden vectors with an implementation of its own; needs Python's `cryptography`.
vectors:
    python3 crates/evidence/tests/golden/check.py

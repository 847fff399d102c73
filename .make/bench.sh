#!/usr/bin/env bash
# Measures sending and counting; prints the figures.
cd "$(dirname "$0")/.."
. .make/steps.sh

compilers
say 'Building the measurements'
cargo build --release --features ssr --bin loupe-bench
exec "$target/release/loupe-bench" "$@"

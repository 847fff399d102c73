#!/usr/bin/env bash
# Measures sending and counting on this machine, and ends with one table of figures and targets.
# `--rounds 1` is quick; `--only` takes parts of it; `--help` has the rest.
cd "$(dirname "$0")/.."
. .make/steps.sh
. .make/postgres.sh
. .make/smtp-sink.sh

trap stop_postgres EXIT
trap 'exit 130' INT TERM

compilers
find_smtp_sink
say 'Building the measurements'
cargo build --release --features bench --bin loupe-bench
# The real costs: every commit reaches the disk.
POSTGRES_FSYNC=on start_postgres
say 'Measuring (about twenty minutes)'
"$target/release/loupe-bench" --folder "$target/bench" ${TEST_POSTGRES_URL:+--postgres "$TEST_POSTGRES_URL"} \
  ${smtp_sink:+--smtp-sink "$smtp_sink"} "$@"

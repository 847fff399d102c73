#!/usr/bin/env bash
# Everything: format, lints, tests on both databases, sizes, browser tests. Stops at the first
# failure and cleans up after itself.
cd "$(dirname "$0")/.."
. .make/steps.sh
. .make/postgres.sh
. .make/browser.sh

trap stop_postgres EXIT
trap 'exit 130' INT TERM

compilers
say 'Format'
cargo fmt --check
say 'Lints of the server'
cargo clippy --features bench --all-targets -- -D warnings
browser_target
say 'Lints of the browser code'
cargo clippy --lib --target wasm32-unknown-unknown --features hydrate -- -D warnings

# What failed says so in its first lines; a backtrace drowns it in a log that is cut.
export RUST_BACKTRACE=0

start_postgres
say 'Tests on SQLite and PostgreSQL'
cargo test --features ssr
say 'Chaos, a short form of it'
"$target/debug/loupe-chaos" --rounds 6 --seconds 75 --postgres "$TEST_POSTGRES_URL"
stop_postgres
BUDGET=1 .make/build.sh dev

playwright
say 'Browser tests, with JavaScript and without'
LOUPE_BIN=$(cd "$target/debug" && pwd)/loupe
export LOUPE_BIN
cd end2end
npx playwright test "$@"

#!/usr/bin/env bash
# Sends while processes are killed and the mail server misbehaves; counts copies. Needs
# PostgreSQL's programs for its second half.
cd "$(dirname "$0")/.."
. .make/steps.sh
. .make/postgres.sh

compilers
find_postgres || { packages postgresql && find_postgres; } ||
  stop 'PostgreSQL is missing (Debian and Ubuntu: apt-get install postgresql; macOS: brew install postgresql@16).'
say 'Building what is to be tormented'
cargo build --features ssr --bin loupe --bin loupe-chaos
say 'Chaos'
exec "$target/debug/loupe-chaos" "$@"

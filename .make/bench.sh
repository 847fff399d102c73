#!/usr/bin/env bash
# Measures sending and counting on this machine, and ends with one table. `--million` adds one
# campaign to a million people; `--help` has the rest.
cd "$(dirname "$0")/.."
. .make/steps.sh
. .make/postgres.sh

trap stop_postgres EXIT
trap 'exit 130' INT TERM

# Postfix's own test server, which others measure with. Sets $smtp_sink, or says why not.
find_smtp_sink() {
  smtp_sink=$(command -v smtp-sink || true)
  [ -z "$smtp_sink" ] || return 0
  local folder=$cache/postfix
  if [ ! -x "$folder/usr/sbin/smtp-sink" ] && has apt-get && has dpkg; then
    say 'Fetching smtp-sink (of the package postfix; nothing is installed)'
    mkdir -p "$folder"
    (cd "$folder" && apt-get -qq download postfix 2>/dev/null && dpkg -x postfix_*.deb . && rm postfix_*.deb) || true
  fi
  if [ -x "$folder/usr/sbin/smtp-sink" ]; then
    smtp_sink=$folder/usr/sbin/smtp-sink
    export LD_LIBRARY_PATH=$folder/usr/lib/postfix${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  else
    say 'Without smtp-sink: it could not be fetched (Debian and Ubuntu: the package postfix has it)'
  fi
}

compilers
find_smtp_sink
say 'Building the measurements'
cargo build --release --features ssr --bin loupe-bench
# The real costs: every commit reaches the disk.
POSTGRES_FSYNC=on start_postgres
say 'Measuring (about ten minutes)'
"$target/release/loupe-bench" --folder "$target/bench" ${TEST_POSTGRES_URL:+--postgres "$TEST_POSTGRES_URL"} \
  ${smtp_sink:+--smtp-sink "$smtp_sink"} "$@"

#!/usr/bin/env bash
# Measures what others would use for the same work beside Loupe on PostgreSQL, and ends with one
# table. The others are installed in a folder of the cache, from pip, npm and cargo, each at the
# version named in its folder in src/bench/peers; whichever cannot be is left out, and the table says so.
cd "$(dirname "$0")/.."
. .make/steps.sh
. .make/postgres.sh
. .make/smtp-sink.sh

trap stop_postgres EXIT
trap 'exit 130' INT TERM

source=src/bench/peers
peers=$cache/peers

# What it was installed from is kept beside it, so that the next run need not.
is_installed() { cmp -s "$1" "$2/installed-from"; }

django() {
  local folder=$peers/django wanted=$source/django/requirements.txt
  is_installed "$wanted" "$folder" && return
  say 'Installing django-post-office (pip)'
  rm -rf "$folder"
  mkdir -p "$folder"
  has python3 || packages python3 || return 1
  python3 -m venv "$folder/venv" >/dev/null 2>&1 || { packages python3-venv && python3 -m venv "$folder/venv"; } || return 1
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" || return 1
  cp "$wanted" "$folder/installed-from"
}

graphile() {
  local folder=$peers/graphile wanted=$source/graphile/package-lock.json
  mkdir -p "$folder"
  # It finds its packages beside itself.
  cp "$source/graphile/peer.mjs" "$folder/"
  is_installed "$wanted" "$folder" && return
  say 'Installing graphile-worker and nodemailer (npm)'
  has npm || packages nodejs npm || return 1
  cp "$source/graphile/package.json" "$wanted" "$source/graphile/.npmrc" "$folder/"
  (cd "$folder" && npm ci --silent) || return 1
  cp "$wanted" "$folder/installed-from"
}

apalis() {
  local folder=$peers/apalis
  [ -x "$folder/release/peer" ] || say 'Building apalis and lettre (cargo; about three minutes, once)'
  CARGO_TARGET_DIR=$folder cargo build --quiet --release --locked --manifest-path "$source/apalis/Cargo.toml"
}

compilers
find_smtp_sink
arguments=()
# Whoever is there is measured.
if django; then arguments+=(--django "$peers/django/venv/bin/python"); else say 'Without django-post-office: it could not be installed'; fi
if graphile; then arguments+=(--graphile "$peers/graphile/peer.mjs"); else say 'Without graphile-worker: it could not be installed'; fi
if apalis; then arguments+=(--apalis "$peers/apalis/release/peer"); else say 'Without apalis: it could not be installed'; fi
say 'Building the measurements'
cargo build --release --features bench --bin loupe-bench
# The real costs: every commit reaches the disk.
POSTGRES_FSYNC=on start_postgres
say 'Measuring (about five minutes)'
"$target/release/loupe-bench" peers --folder "$target/bench-peers" --postgres "$TEST_POSTGRES_URL" \
  ${smtp_sink:+--smtp-sink "$smtp_sink"} "${arguments[@]}" "$@"

#!/usr/bin/env bash
# Builds, fills the demo store when the database has no store yet, and serves.
cd "$(dirname "$0")/.."
. .make/steps.sh

# The development profile, which `make test` shares: it is built in a third of the time.
.make/build.sh dev
loupe=$target/debug/loupe
say 'Opening the store'
"$loupe" demo --if-empty >/dev/null
exec "$loupe" serve

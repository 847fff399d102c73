#!/usr/bin/env bash
# Builds, fills the demo store when the database has no store yet, and serves.
cd "$(dirname "$0")/.."
. .make/steps.sh

.make/build.sh release
loupe=$target/release/loupe
say 'Opening the store'
"$loupe" demo --if-empty >/dev/null
exec "$loupe" serve

#!/usr/bin/env bash
# Builds the program (release or dev) and the site it serves.
cd "$(dirname "$0")/.."
. .make/steps.sh

profile=${1:-release}
folder=$profile
[ "$profile" = dev ] && folder=debug

compilers
browser_target
# Side by side: each has stretches in which it keeps only one core busy. What the browser's half says
# is shown when it is done, so that two builds don't write over each other.
log=$(mktemp "${TMPDIR:-/tmp}/loupe-browser.XXXXXX")
{
  browser_tools
  browser_code
} >"$log" 2>&1 &
browser=$!
trap 'kill "$browser" 2>/dev/null || true; rm -f "$log"' EXIT
trap 'exit 130' INT TERM
say "Building the program ($profile) and, beside it, the browser code"
cargo build --profile "$profile" --features ssr --bin loupe
wait "$browser" || { cat "$log" >&2; stop 'the browser code could not be built.'; }
say 'Laying out the site'
"$target/$folder/loupe" site --pkg "$target/browser" --to "$target/site" ${BUDGET:+--budget}

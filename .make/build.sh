#!/usr/bin/env bash
# Builds the program (release or dev) and the site it serves.
cd "$(dirname "$0")/.."
. .make/steps.sh

profile=${1:-release}
folder=$profile
[ "$profile" = dev ] && folder=debug

compilers
browser_tools
browser_code
say "Building the program ($profile)"
cargo build --profile "$profile" --features ssr --bin loupe
say 'Laying out the site'
"$target/$folder/loupe" site --pkg "$target/browser" --to "$target/site" ${BUDGET:+--budget}

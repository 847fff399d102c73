# What the build steps share. Read by the other scripts, which stand in the project's folder.

set -euo pipefail

# One line for each step, so that nobody wonders.
say() {
  if [ -t 1 ]; then printf '\033[1m→ %s\033[0m\n' "$*"; else printf '→ %s\n' "$*"; fi
}

stop() { printf 'Stopped: %s\n' "$*" >&2; exit 1; }

has() { command -v "$1" >/dev/null 2>&1; }

target=${CARGO_TARGET_DIR:-target}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/loupe

# Debian and Ubuntu, as root or with sudo; elsewhere it fails and the caller says what to do.
packages() {
  has apt-get || return 1
  local sudo=''
  if [ "$(id -u)" != 0 ]; then
    sudo='sudo -n'
    $sudo true 2>/dev/null || return 1
  fi
  say "Installing $*"
  $sudo apt-get -qq update && DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

compilers() {
  has cargo || stop 'Rust is missing. Get it at https://rustup.rs, then run this again.'
  has cc || packages gcc libc6-dev || stop 'a C compiler is missing (Debian and Ubuntu: apt-get install gcc; macOS: xcode-select --install).'
}

# The WebAssembly target.
browser_target() {
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
    say 'Adding the WebAssembly target to Rust'
    has rustup || stop 'the WebAssembly target is missing and rustup is not there to add it.'
    rustup target add wasm32-unknown-unknown
  fi
}

# wasm-bindgen at exactly the version in Cargo.lock: the tool and the library must agree. Sets $bindgen.
browser_tools() {
  local version
  version=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/"/, ""); print $3; exit }' Cargo.lock)
  bindgen=wasm-bindgen
  if ! { has wasm-bindgen && [ "$(wasm-bindgen --version)" = "wasm-bindgen $version" ]; }; then
    local root=$cache/wasm-bindgen-$version
    bindgen=$root/bin/wasm-bindgen
    if [ ! -x "$bindgen" ]; then
      say "Installing wasm-bindgen $version (about a minute, once)"
      # Without optimisation it is built in a third of the time, and takes a second over our module.
      env -u CARGO_TARGET_DIR cargo install wasm-bindgen-cli --version "$version" --debug --bin wasm-bindgen --root "$root"
    fi
  fi
}

# The islands' code for browsers, in $target/browser.
browser_code() {
  say 'Building the browser code'
  cargo build --lib --target wasm32-unknown-unknown --features hydrate --profile wasm-release
  local built=$target/wasm32-unknown-unknown/wasm-release/loupe.wasm out=$target/browser
  local stamp=$out/made-from
  if ! { cmp -s "$built" "$stamp" && [ "$(cat "$out/made-by" 2>/dev/null)" = "$($bindgen --version)" ]; }; then
    rm -rf "$out"
    $bindgen --target web --no-typescript --remove-name-section --remove-producers-section \
      --out-dir "$out" --out-name loupe "$built"
    $bindgen --version >"$out/made-by"
    cp "$built" "$stamp"
  fi
}

# What the browser tests need. Read by test.sh.

# Node 20 or newer; older ones (Debian 12) are given one of their own.
node_tools() {
  has npm || packages nodejs npm || stop 'Node.js 20 or newer is missing (https://nodejs.org).'
  local major
  major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  if [ "$major" -lt 20 ]; then
    if [ ! -x "$cache/node/node_modules/.bin/node" ]; then
      say 'Fetching a newer Node.js'
      npm install --silent --no-fund --no-audit --prefix "$cache/node" node@22
    fi
    PATH=$cache/node/node_modules/.bin:$PATH
  fi
}

# Sets CHROMIUM to a program (never a shell function of that name, which would call itself). Ubuntu's
# package is only a pointer to a snap, so there Playwright brings its own.
find_chromium() {
  local name
  for name in "${CHROMIUM:-}" chromium google-chrome google-chrome-stable chromium-browser; do
    if name=$(type -P "$name") && "$name" --version >/dev/null 2>&1; then
      export CHROMIUM=$name
      return 0
    fi
  done
  return 1
}

fetch_chromium() {
  find_chromium && return
  if grep -qs '^ID=debian' /etc/os-release && packages chromium && find_chromium; then
    return
  fi
  say 'Fetching Chromium'
  (cd end2end && npx playwright install --with-deps chromium) ||
    stop 'Chromium is missing; name one in CHROMIUM.'
}

playwright() {
  node_tools
  local lock=end2end/node_modules/.package-lock.json
  if [ ! -e "$lock" ] || [ end2end/package-lock.json -nt "$lock" ]; then
    say 'Fetching Playwright'
    (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent --no-fund --no-audit)
    touch "$lock"
  fi
  fetch_chromium
}

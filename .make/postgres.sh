# A throwaway PostgreSQL on loopback. Read by the scripts that need one.

postgres_folder=''
postgres_bin=''

find_postgres() {
  local place
  for place in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
    [ -x "$place/initdb" ] && postgres_bin=$place
  done
  if [ -z "$postgres_bin" ] && has initdb; then
    postgres_bin=$(dirname "$(command -v initdb)")
  fi
  [ -n "$postgres_bin" ]
}

# PostgreSQL refuses to run as root: then it runs as its own user, or as nobody.
as_postgres() {
  if [ "$(id -u)" != 0 ]; then
    "$@"
    return
  fi
  local user=nobody
  id postgres >/dev/null 2>&1 && user=postgres
  (cd / && su -s /bin/bash "$user" -c "$(printf '%q ' "$@")")
}

# Sets TEST_POSTGRES_URL.
start_postgres() {
  if [ -n "${TEST_POSTGRES_URL:-}" ]; then
    say 'Using the PostgreSQL of TEST_POSTGRES_URL'
    return
  fi
  find_postgres || { packages postgresql && find_postgres; } ||
    stop 'PostgreSQL is missing (Debian and Ubuntu: apt-get install postgresql; macOS: brew install postgresql@16).'
  say 'Starting a throwaway PostgreSQL'
  postgres_folder=$(mktemp -d "${TMPDIR:-/tmp}/loupe-pg.XXXXXX")
  chmod 755 "$postgres_folder"
  local data=$postgres_folder/data
  mkdir "$data"
  if [ "$(id -u)" = 0 ]; then
    local user=nobody
    id postgres >/dev/null 2>&1 && user=postgres
    chown "$user" "$postgres_folder" "$data"
  fi
  as_postgres "$postgres_bin/initdb" -D "$data" -U loupe --auth=trust --encoding=UTF8 --no-locale --no-sync >/dev/null
  local try port
  for try in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 12000))
    if as_postgres "$postgres_bin/pg_ctl" -D "$data" -w -s -l "$postgres_folder/log" \
      -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' -c fsync=${POSTGRES_FSYNC:-off} -c max_connections=400" start; then
      as_postgres "$postgres_bin/createdb" -h 127.0.0.1 -p "$port" -U loupe loupe_test
      export TEST_POSTGRES_URL=postgres://loupe@127.0.0.1:$port/loupe_test
      return
    fi
  done
  stop "PostgreSQL does not start: $(tail -n 3 "$postgres_folder/log")"
}

stop_postgres() {
  [ -n "$postgres_folder" ] || return 0
  as_postgres "$postgres_bin/pg_ctl" -D "$postgres_folder/data" -m immediate -s stop || true
  rm -rf "$postgres_folder"
  postgres_folder=''
}

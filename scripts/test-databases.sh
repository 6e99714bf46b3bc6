#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command with a PostgreSQL and a MariaDB server of its own, which are gone when it ends:
#
#     scripts/test-databases.sh npm test
#
# HALLMARK_TEST_POSTGRES and HALLMARK_TEST_MYSQL tell the command where they are; every user there may create databases.
# MariaDB speaks TLS on HALLMARK_TEST_MYSQL_TLS_PORT of 127.0.0.1 and 127.0.0.2, with a certificate for the first, issued by
# what lies in the file HALLMARK_TEST_MYSQL_TLS_CA.
# Data lies in a directory of its own and is not kept safe from a power cut, which makes the tests fast, unless
# HALLMARK_TEST_DURABLE is set. Run as root, each server runs as the user of its Debian package; else as whoever calls.
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }

directory=$(mktemp -d "${TMPDIR:-/tmp}/hallmark-databases.XXXXXX")
chmod 755 "$directory"
postgres= mariadb=
# measurements want what an installation has
fast_postgres=(-c fsync=off -c full_page_writes=off) fast_mariadb=(--innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0)
[ -z "${HALLMARK_TEST_DURABLE:-}" ] || fast_postgres=() fast_mariadb=()

stop() {
  # PostgreSQL waits for its clients on SIGTERM; on SIGINT it closes their connections, and MariaDB does so on SIGTERM
  [ -z "$postgres" ] || kill -INT "$postgres" 2>/dev/null || true
  [ -z "$mariadb" ] || kill -TERM "$mariadb" 2>/dev/null || true
  wait
  rm -rf "$directory"
}
trap stop EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

fail() { echo "$1" >&2; shift; cat "$@" >&2; exit 1; }

# The directory and programs of PostgreSQL, newest first.
postgres_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$postgres_bin" ] || fail 'PostgreSQL is missing: install the Debian package postgresql' /dev/null
command -v mariadbd mariadb-install-db >/dev/null || fail 'MariaDB is missing: install the Debian package mariadb-server' /dev/null

# become USER COMMAND...: turns this shell into the command, as that user where root calls, so that its PID is the command's.
become() {
  local user=$1
  shift
  if [ "$(id -u)" -ne 0 ]; then exec "$@"; fi
  exec setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
}

own() { mkdir -p "$2"; if [ "$(id -u)" -eq 0 ]; then chown "$1" "$2"; fi; }

own postgres "$directory/postgres"
own mysql "$directory/mysql"

# MariaDB takes its port seconds from now: one below the range from which connections take theirs, or one of those is first
tls_port=$(python3 - <<'END'
import random, socket
while True:
    port = random.randrange(20000, 30000)
    try:
        for host in "127.0.0.1", "127.0.0.2":
            with socket.socket() as probe:
                probe.bind((host, port))
        break
    except OSError:
        pass
print(port)
END
)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=hallmark-test \
  -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout "$directory/mysql/tls.key" -out "$directory/mysql/tls.crt" 2>/dev/null
if [ "$(id -u)" -eq 0 ]; then chown mysql "$directory/mysql/tls.key"; fi

(become postgres "$postgres_bin/initdb" -D "$directory/postgres/data" -U hallmark -A trust -E UTF8 --locale C.UTF-8 \
  --no-sync >"$directory/postgres.log" 2>&1) &
initdb=$!
(become mysql mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db \
  --datadir="$directory/mysql/data" >"$directory/mysql.log" 2>&1) ||
  fail 'MariaDB could not make its data directory' "$directory/mysql.log"
wait "$initdb" || fail 'PostgreSQL could not make its data directory' "$directory/postgres.log"

(become postgres "$postgres_bin/postgres" -D "$directory/postgres/data" -c "listen_addresses=" -k "$directory/postgres" \
  "${fast_postgres[@]}" -c max_connections=200 >>"$directory/postgres.log" 2>&1) &
postgres=$!
(become mysql mariadbd --no-defaults --datadir="$directory/mysql/data" --tmpdir="$directory/mysql" --socket="$directory/mysql/socket" \
  --bind-address=127.0.0.1,127.0.0.2 --port="$tls_port" --ssl-cert="$directory/mysql/tls.crt" --ssl-key="$directory/mysql/tls.key" \
  "${fast_mariadb[@]}" --innodb-log-file-size=64M --skip-log-bin \
  --max-allowed-packet=64M --max-connections=200 --pid-file="$directory/mysql/pid" >>"$directory/mysql.log" 2>&1) &
mariadb=$!

# answers LOG COMMAND...: waits until the command succeeds, 30 seconds at most.
answers() {
  local log=$1
  shift
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  fail "a database server does not answer; its log:" "$log"
}
answers "$directory/postgres.log" "$postgres_bin/pg_isready" -h "$directory/postgres" -U hallmark
answers "$directory/mysql.log" mariadb-admin --no-defaults --socket="$directory/mysql/socket" -u root ping

for host in localhost 127.0.0.1 127.0.0.2; do
  echo "create user hallmark@'$host' identified by 'a:p/w@rd?'; grant all on *.* to hallmark@'$host' with grant option;"
done | mariadb --no-defaults --socket="$directory/mysql/socket" -u root

export HALLMARK_TEST_POSTGRES="postgres://hallmark@localhost/postgres?host=$directory/postgres"
export HALLMARK_TEST_MYSQL="hallmark:a:p/w@rd?@unix($directory/mysql/socket)/mysql"
export HALLMARK_TEST_MYSQL_TLS_PORT=$tls_port HALLMARK_TEST_MYSQL_TLS_CA=$directory/mysql/tls.crt
"$@"

#!/usr/bin/env bash
# A PostgreSQL server for tests and development: its own cluster in a directory of its own, on a free port of 127.0.0.1, run
# by an unprivileged user, with a password made here. Commits are durable (fsync stays on), as the coordinator insists.
#
#   start-postgresql.sh DIRECTORY          makes the cluster if there is none, starts it, prints its DATABASE_URL
#   start-postgresql.sh --stop DIRECTORY   stops it; the directory can be removed then, or started again later
#   start-postgresql.sh --find             prints where the server's programs are; fails when there are none
set -euo pipefail

usage() {
  echo 'Usage: start-postgresql.sh [--stop] DIRECTORY | --find' >&2
  exit 2
}

find_programs() {
  local directory
  while read -r directory; do
    if [ -x "$directory/initdb" ] && [ -x "$directory/postgres" ]; then
      echo "$directory"
      return
    fi
  done < <(
    ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV
    pg_config --bindir 2>/dev/null
    dirname "$(command -v postgres || echo /none/none)"
  )
  echo 'Cannot start PostgreSQL: its server programs are not installed here (Debian: apt-get install postgresql).' >&2
  return 1
}

# PostgreSQL refuses to run as root.
as_server() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
  else
    runuser -u "$server_user" -- "$@"
  fi
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

make_cluster() {
  (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$directory/password")
  [ "$(id -u)" -ne 0 ] || chown "$server_user" "$directory" "$directory/password"
  as_server "$programs/initdb" --pgdata="$directory/data" --username=wardround --pwfile="$directory/password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C >"$directory/initdb.log"
}

start() {
  local attempt port
  for attempt in 1 2 3 4 5; do
    port=$(free_port)
    # Another program may have taken the port meanwhile.
    if as_server "$programs/pg_ctl" --pgdata="$directory/data" --log="$directory/data/server.log" --silent --wait start \
      -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' -c max_connections=200" >/dev/null; then
      echo "$port" >"$directory/port"
      return
    fi
  done
  echo 'Cannot start PostgreSQL: see data/server.log in its directory.' >&2
  return 1
}

print_url() {
  local port password
  port=$(cat "$directory/port")
  password=$(cat "$directory/password")
  if [ ! -e "$directory/ready" ]; then
    PGPASSWORD=$password "$programs/psql" --quiet --no-psqlrc --host=127.0.0.1 --port="$port" --username=wardround \
      --dbname=postgres --command='CREATE DATABASE wardround' >/dev/null
    touch "$directory/ready"
  fi
  echo "postgresql://wardround:$password@127.0.0.1:$port/wardround"
}

case "$#:${1:-}" in
  1:--find) action=find ;;
  2:--stop) action=stop directory=$2 ;;
  1:[!-]*) action=start directory=$1 ;;
  *) usage ;;
esac
programs=$(find_programs)
server_user=nobody
! id postgres >/dev/null 2>&1 || server_user=postgres

case $action in
  find)
    echo "$programs"
    ;;
  stop)
    as_server "$programs/pg_ctl" --pgdata="$directory/data" --mode=fast --silent --wait stop
    ;;
  start)
    mkdir -p "$directory"
    [ -e "$directory/data/PG_VERSION" ] || make_cluster
    as_server "$programs/pg_ctl" --pgdata="$directory/data" status >/dev/null || start
    print_url
    ;;
esac

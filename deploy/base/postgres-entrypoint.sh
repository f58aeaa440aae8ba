#!/bin/bash
# What the official image of PostgreSQL does before it starts: makes the cluster if there is none, with
# POSTGRES_PASSWORD (or the file POSTGRES_PASSWORD_FILE), POSTGRES_USER and POSTGRES_INITDB_ARGS, and runs
# /docker-entrypoint-initdb.d/*.sh and *.sql on a server that listens on its socket only.
set -euo pipefail

user=${POSTGRES_USER:-postgres}
export POSTGRES_USER=$user

initialise() {
    local password=${POSTGRES_PASSWORD:-}
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then password=$(<"$POSTGRES_PASSWORD_FILE"); fi
    if [ -z "$password" ]; then
        echo "POSTGRES_PASSWORD is not set, nor POSTGRES_PASSWORD_FILE" >&2
        exit 1
    fi
    # Under another name until it is complete: a start that was interrupted begins anew.
    local unfinished=$PGDATA.new
    rm -rf "$unfinished"
    install -d -m 0700 "$unfinished"
    # A word for each argument.
    # shellcheck disable=SC2086
    initdb --pgdata "$unfinished" --username "$user" --pwfile <(printf '%s\n' "$password") \
        --encoding UTF8 --locale C.UTF-8 ${POSTGRES_INITDB_ARGS:-}
    # Access from other containers, which initdb's default leaves out.
    printf 'host all all all scram-sha-256\n' >>"$unfinished/pg_hba.conf"
    sed -i "s|^#listen_addresses = .*|listen_addresses = '*'|; s|^#unix_socket_directories = .*|unix_socket_directories = '$PGHOST'|" \
        "$unfinished/postgresql.conf"
    pg_ctl --pgdata "$unfinished" --wait --options "-c listen_addresses=''" start
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sh) echo "running $file"; bash "$file" ;;
            *.sql) echo "running $file"; psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$user" --dbname postgres --file "$file" ;;
        esac
    done
    pg_ctl --pgdata "$unfinished" --wait --mode fast stop
    mv "$unfinished" "$PGDATA"
}

if [ "${1:-}" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then initialise; fi
exec "$@"

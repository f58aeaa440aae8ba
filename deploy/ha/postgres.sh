#!/bin/bash
# A node of PostgreSQL in deploy/ha.yaml: postgres.sh postgres [OPTION …]. The three nodes have the same settings: one is the
# primary, the others follow whichever is. A node whose volume has no data, or the file `follow`, takes the data of the primary
# first; deploy/promote.sh leaves that file in the volume of a former primary, so that it cannot come back as one. Only the node
# `postgres` begins a cluster, and only if no other node answers and nothing has been backed up.
set -euo pipefail

: "${NODE:?name of this node}" "${NODES:?names of all nodes, with spaces}" "${REPLICATION_PASSWORD:?}" "${PGDATA:?}"
base=/var/lib/postgresql
export PGPASSFILE=${PGPASSFILE:-/tmp/pgpass}
(umask 077 && printf '*:*:*:replicator:%s\n' "$REPLICATION_PASSWORD" >"$PGPASSFILE")
# Any node that can be written to, which is the primary.
primary="host=${NODES// /,} user=replicator application_name=$NODE target_session_attrs=read-write connect_timeout=3"

take() {
    # One former state is kept, for whoever wants to see what it had.
    if [ -e "$PGDATA" ]; then
        rm -rf "$PGDATA.before"
        mv "$PGDATA" "$PGDATA.before"
    fi
    rm -rf "$PGDATA.taken"
    until pg_basebackup --dbname="$primary" --pgdata="$PGDATA.taken" --write-recovery-conf --wal-method=stream \
        --checkpoint=fast --no-password; do
        echo "$NODE: no primary to take the data of; asking again" >&2
        rm -rf "$PGDATA.taken"
        sleep 2
    done
    mkdir -p "$(dirname "$PGDATA")"
    mv "$PGDATA.taken" "$PGDATA"
    rm -f "$base/follow"
}

begins() {
    [ "$NODE" = postgres ] || return 1
    for other in $NODES; do
        [ "$other" != "$NODE" ] || continue
        answer=0
        pg_isready --quiet --host="$other" --timeout=3 || answer=$?
        # 0: it accepts connections; 1: it starts.
        [ "$answer" -gt 1 ] || return 1
    done
    [ -z "$(ls -A "$BACKUP_DIR/base" 2>/dev/null)" ] && return 0
    echo "$NODE: no data, and no other node answers, but there are backups. Start a node that has the data first, or restore" \
        "with deploy/restore.sh" >&2
    sleep 10
    exit 1
}

if [ -e "$base/follow" ]; then
    take
elif [ ! -s "$PGDATA/PG_VERSION" ] && ! begins; then
    take
fi
# Nobody follows yet while the databases are created: their commits would wait for ever.
if [ ! -s "$PGDATA/PG_VERSION" ]; then export PGOPTIONS='-c synchronous_commit=local'; fi
# Segments come from the archive if the primary has them no longer, so a standby that is away does not fill the primary's disk.
exec "$(command -v docker-entrypoint.sh || echo /docker-entrypoint.sh)" "$@" \
    -c hba_file=/ha/pg_hba.conf \
    -c "synchronous_standby_names=ANY 1 (\"${NODES// /\",\"}\")" \
    -c "primary_conninfo=$primary" \
    -c "restore_command=test -e \"\$BACKUP_DIR/wal/%f.gz\" && gzip -dc \"\$BACKUP_DIR/wal/%f.gz\" >\"%p\"" \
    -c wal_keep_size=1GB \
    -c wal_receiver_timeout=10s \
    -c wal_sender_timeout=10s \
    -c wal_retrieve_retry_interval=1s

#!/bin/sh
# Creates the role by which standbys follow, or sets its password; on a server that follows itself there is nothing to do.
set -eu

[ "$(psql -U postgres -tAc 'SELECT pg_is_in_recovery()')" = f ] || exit 0
# Nobody follows before the role exists, so the commit would wait for ever.
export PGOPTIONS='-c synchronous_commit=local'
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet -U postgres -v password="$REPLICATION_PASSWORD" <<'SQL'
SELECT 'CREATE ROLE replicator LOGIN REPLICATION' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') \gexec
ALTER ROLE replicator PASSWORD :'password';
SQL

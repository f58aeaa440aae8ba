#!/bin/bash
# Runs once as the superuser when the data volume is empty. Creates one database per service, owned by a role of the
# same name that cannot connect to the other databases. Extensions are created here, so services need no such right.
set -euo pipefail

create() {
    local name=$1 password=$2
    # psql quotes :"name" and :'password', so a password cannot inject SQL.
    psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname postgres \
        -v name="$name" -v password="$password" <<'SQL'
CREATE ROLE :"name" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8';
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
\connect :"name"
CREATE EXTENSION ltree;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gin;
CREATE EXTENSION btree_gist;
SQL
}

create identity "$ZHUXUE_IDENTITY_DB_PASSWORD"
create office "$ZHUXUE_OFFICE_DB_PASSWORD"
create cockpit "$ZHUXUE_COCKPIT_DB_PASSWORD"
create portal "$ZHUXUE_PORTAL_DB_PASSWORD"

psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname postgres \
    -c 'REVOKE ALL ON DATABASE postgres FROM PUBLIC' -c 'REVOKE ALL ON DATABASE template1 FROM PUBLIC'

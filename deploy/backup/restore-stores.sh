#!/bin/sh
# Restores the stores from $BACKUP_DIR, while nothing runs on them:
#   restore-stores.sh latest                      all that was archived
#   restore-stores.sh '2026-11-27 12:00:00+08'    the databases as they were at this moment
# PostgreSQL reads the archived log when it starts next. $PGDATA is moved aside, not deleted. Files that are missing are
# added; facts are put back if there are none. $DATA_OWNER, $FILES_OWNER and $FACTS_OWNER (uid:gid) get what is written.
set -eu

: "${BACKUP_DIR:?folder of the backups}" "${PGDATA:?folder of the databases}" "${FILES_DIR:=}" "${FACTS_DIR:=}"
: "${DATA_OWNER:=}" "${FILES_OWNER:=}" "${FACTS_OWNER:=}"
umask 077
[ $# -eq 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
moment=$1

stop() {
    echo "$0: $1" >&2
    exit 1
}

case $moment in
    latest) until=$(date +%s) ;;
    # Without a zone, it would be read in the zone of whatever machine this is.
    *[+-][0-9][0-9] | *[+-][0-9][0-9]:[0-9][0-9] | *Z) until=$(date -d "$moment" +%s) || stop "'$moment' is not a time" ;;
    *) stop "'$moment' has no time zone; write +08 after Beijing time" ;;
esac

base=
for name in $(ls "$BACKUP_DIR/base" | grep -v part | sort); do
    [ "$(cat "$BACKUP_DIR/base/$name/ended")" -gt "$until" ] || base=$BACKUP_DIR/base/$name
done
[ -n "$base" ] || stop "no base backup had ended by $moment"
echo "base backup ${base##*/}"
pg_verifybackup --quiet --no-parse-wal "$base/data"

if [ -d "$PGDATA" ] && [ -n "$(ls -A "$PGDATA")" ]; then
    [ ! -e "$PGDATA/postmaster.pid" ] || stop "PostgreSQL runs, or was not stopped: $PGDATA/postmaster.pid"
    aside=$PGDATA.$(date -u +%Y%m%dT%H%M%SZ)
    mv "$PGDATA" "$aside"
    echo "the databases as they were are in $aside"
fi
mkdir -p "$PGDATA"
chmod 700 "$PGDATA"
tar --extract --gzip --file="$base/data/base.tar.gz" --directory="$PGDATA"
tar --extract --gzip --file="$base/data/pg_wal.tar.gz" --directory="$PGDATA/pg_wal"
{
    echo "restore_command = 'gzip -dc \"$BACKUP_DIR/wal/%f.gz\" >\"%p\"'"
    echo "recovery_target_action = 'promote'"
    if [ "$moment" = latest ]; then moment=; fi
    echo "recovery_target_time = '$moment'"
} >>"$PGDATA/postgresql.auto.conf"
: >"$PGDATA/recovery.signal"
# In a new volume, the folder above it has been made here, too.
[ -z "$DATA_OWNER" ] || { chown "$DATA_OWNER" "$(dirname "$PGDATA")" && chown -R "$DATA_OWNER" "$PGDATA"; }

if [ -n "$FILES_DIR" ] && [ -d "$BACKUP_DIR/files" ]; then
    mkdir -p "$FILES_DIR"
    (cd "$BACKUP_DIR/files" && find . -type f) | while IFS= read -r file; do
        [ -e "$FILES_DIR/$file" ] && continue
        mkdir -p "$FILES_DIR/${file%/*}"
        cp -p "$BACKUP_DIR/files/$file" "$FILES_DIR/$file.part"
        mv "$FILES_DIR/$file.part" "$FILES_DIR/$file"
    done
    [ -z "$FILES_OWNER" ] || { chown "$FILES_OWNER" "$(dirname "$FILES_DIR")" && chown -R "$FILES_OWNER" "$FILES_DIR"; }
    echo "files: $(find "$FILES_DIR" -type f | wc -l) in the store"
fi

if [ -n "$FACTS_DIR" ] && [ -d "$BACKUP_DIR/facts" ]; then
    mkdir -p "$FACTS_DIR"
    if [ -z "$(ls -A "$FACTS_DIR")" ]; then
        copy=$(ls "$BACKUP_DIR"/facts/*.tar | sort | tail -n 1)
        tar --extract --file="$copy" --directory="$FACTS_DIR"
        # Cockpit makes a file beside them.
        [ -z "$FACTS_OWNER" ] || { chown "$FACTS_OWNER" "$(dirname "$FACTS_DIR")" && chown -R "$FACTS_OWNER" "$FACTS_DIR"; }
        echo "facts: ${copy##*/}"
    else
        echo "facts: left as they are; those of later loads do not count"
    fi
fi

#!/bin/sh
# Backs up all stores to $BACKUP_DIR:
#   backup.sh base      all databases, at one moment: pg_basebackup, verified
#   backup.sh stores    files of Office and facts of Cockpit (chDB), in this order after the databases
#   backup.sh prune     deletes what is older than $BACKUP_DAYS
#   backup.sh all       all three
#   backup.sh schedule  `all` at once if there is no backup and at $BACKUP_HOUR (UTC), `stores` each hour, for ever
#   backup.sh healthy   whether `stores` has succeeded within three hours, and `all` within 26
# $FILES_DIR and $FACTS_DIR name the stores; an empty or missing folder is left out. docs/operators.md, Backups.
set -eu

: "${BACKUP_DIR:?folder of the backups}" "${BACKUP_DAYS:=14}" "${BACKUP_HOUR:=18}" "${FILES_DIR:=}" "${FACTS_DIR:=}"
umask 077

say() {
    printf '%s %s\n' "$(date -u +%FT%TZ)" "$*"
}

filled() {
    [ -n "$1" ] && [ -d "$1" ] && [ -n "$(ls -A "$1")" ]
}

base() {
    name=$(date -u +%Y%m%dT%H%M%SZ)
    mkdir -p "$BACKUP_DIR/base"
    rm -rf "$BACKUP_DIR"/base/*.part
    part=$BACKUP_DIR/base/$name.part
    mkdir "$part"
    pg_basebackup --pgdata="$part/data" --format=tar --gzip --wal-method=stream --checkpoint=fast --label="$name" --no-password
    # Of the archived log, the checksums of the segments themselves are checked when they are read.
    pg_verifybackup --quiet --no-parse-wal "$part/data"
    # A moment before the end of the backup cannot be restored from it.
    date -u +%s >"$part/ended"
    sync
    mv "$part" "$BACKUP_DIR/base/$name"
    say "base backup $name, $(du -sh "$BACKUP_DIR/base/$name" | cut -f1)"
}

# complete NAME ERRORS: fails if tar has told of more than of files that went while it read.
complete() {
    sed -i '/No such file or directory$/d; /File removed before we read it$/d' "$2"
    [ -s "$2" ] || return 0
    say "$1: not all could be read: $(head -n 1 "$2")" >&2
    return 1
}

# Files are named by the SHA-256 of their content, never change, and are deleted a day or more after the last reference.
# So the backup only gains files, and keeps those deleted for as long as a moment at which they were used can be restored.
files() {
    filled "$FILES_DIR" || return 0
    work=$BACKUP_DIR/files.part
    rm -rf "$work"
    mkdir -p "$work/new" "$BACKUP_DIR/files" "$BACKUP_DIR/files-gone"
    (cd "$FILES_DIR" && find . -type f -name '????????????????????????????????????????????????????????????????' | sort) >"$work/there"
    (cd "$BACKUP_DIR/files" && find . -type f | sort) >"$work/kept"
    comm -23 "$work/there" "$work/kept" >"$work/missing"
    comm -13 "$work/there" "$work/kept" | sed 's,.*/,,' >"$work/gone"
    # What is swept meanwhile is not in use.
    (cd "$FILES_DIR" && LC_ALL=C tar --create --file=- --ignore-failed-read --no-recursion --files-from="$work/missing" \
        2>"$work/unread") | tar --extract --file=- --no-same-owner --directory="$work/new"
    complete files "$work/unread"
    (cd "$work/new" && find . -type f | sed 's,\(.*/\)\([^/]*\)$,\2  \1\2,') >"$work/sums"
    [ ! -s "$work/sums" ] || (cd "$work/new" && sha256sum --check --quiet --strict "$work/sums")
    sync
    (cd "$work/new" && find . -type f) | while IFS= read -r file; do
        mkdir -p "$BACKUP_DIR/files/${file%/*}"
        mv "$work/new/$file" "$BACKUP_DIR/files/$file"
    done
    # Since when a file is no longer in the store.
    while IFS= read -r file; do
        [ -e "$BACKUP_DIR/files-gone/$file" ] || : >"$BACKUP_DIR/files-gone/$file"
    done <"$work/gone"
    sed 's,.*/,,' "$work/there" | while IFS= read -r file; do
        [ ! -e "$BACKUP_DIR/files-gone/$file" ] || rm "$BACKUP_DIR/files-gone/$file"
    done
    say "files: $(wc -l <"$work/sums") new, $(wc -l <"$work/there") in the store"
    rm -rf "$work"
}

# Facts of a load that has counted are never deleted, so a later copy contains all that PostgreSQL counts. chDB's parts
# never change and stay for eight minutes after they have been merged: a copy that takes less has every one of them.
facts() {
    filled "$FACTS_DIR" || return 0
    name=$(date -u +%Y%m%dT%H%M%SZ)
    mkdir -p "$BACKUP_DIR/facts"
    rm -f "$BACKUP_DIR"/facts/*.part
    began=$(date +%s)
    LC_ALL=C tar --create --file="$BACKUP_DIR/facts/$name.tar.part" --ignore-failed-read --warning=no-file-changed \
        --directory="$FACTS_DIR" . 2>"$BACKUP_DIR/facts/unread" || [ $? -eq 1 ]
    complete facts "$BACKUP_DIR/facts/unread"
    rm "$BACKUP_DIR/facts/unread"
    took=$(($(date +%s) - began))
    if [ "$took" -gt 420 ]; then
        rm -f "$BACKUP_DIR/facts/$name.tar.part"
        say "facts: copying took $took s, so that parts may be missing. Copy a snapshot of the file system, or use ClickHouse" >&2
        return 1
    fi
    sync
    mv "$BACKUP_DIR/facts/$name.tar.part" "$BACKUP_DIR/facts/$name.tar"
    # The newest contains what the others have; one more is kept in case it cannot be read.
    (cd "$BACKUP_DIR/facts" && ls ./*.tar | sort -r | tail -n +3) | while IFS= read -r old; do
        rm -f "$BACKUP_DIR/facts/$old"
    done
    say "facts: $name, $(du -sh "$BACKUP_DIR/facts/$name.tar" | cut -f1) in $took s"
}

prune() {
    before=$(($(date +%s) - BACKUP_DAYS * 86400))
    newest=$(ls "$BACKUP_DIR/base" | grep -v part | sort | tail -n 1)
    [ -n "$newest" ] || return 0
    # The oldest moment of the term is restored from the last backup before it.
    first=
    for name in $(ls "$BACKUP_DIR/base" | grep -v part | sort -r); do
        [ -z "$first" ] || { rm -rf "${BACKUP_DIR:?}/base/$name" && say "deleted base backup $name"; continue; }
        [ "$(cat "$BACKUP_DIR/base/$name/ended")" -gt "$before" ] || first=$name
    done
    oldest=$(ls "$BACKUP_DIR/base" | grep -v part | sort | head -n 1)
    segment=$(tar --extract --gzip --to-stdout --file="$BACKUP_DIR/base/$oldest/data/base.tar.gz" backup_label \
        | sed -n 's/^START WAL LOCATION: .* (file \(.*\))$/\1/p')
    [ ! -d "$BACKUP_DIR/wal" ] || pg_archivecleanup -x .gz "$BACKUP_DIR/wal" "$segment"
    [ ! -d "$BACKUP_DIR/files-gone" ] || find "$BACKUP_DIR/files-gone" -type f -mtime "+$BACKUP_DAYS" | while IFS= read -r mark; do
        find "$BACKUP_DIR/files" -type f -name "${mark##*/}" -delete
        rm "$mark"
    done
}

all() {
    base
    files
    facts
    prune
}

# In a process of its own, in which `set -e` holds. The next hour tries again; what failed is in the log.
attempt() {
    if /bin/sh "$0" "$1"; then
        : >"$BACKUP_DIR/succeeded-$1"
        # All of it includes the stores.
        : >"$BACKUP_DIR/succeeded-stores"
    else
        say "backup of $1 failed" >&2
    fi
}

schedule() {
    [ -e "$BACKUP_DIR/succeeded-all" ] || attempt all
    while :; do
        sleep $((3600 - $(date +%s) % 3600))
        if [ "$(date -u +%-H)" = "$BACKUP_HOUR" ]; then attempt all; else attempt stores; fi
    done
}

healthy() {
    [ -n "$(find "$BACKUP_DIR" -maxdepth 1 -name succeeded-stores -mmin -180)" ] \
        && [ -n "$(find "$BACKUP_DIR" -maxdepth 1 -name succeeded-all -mmin -1560)" ]
}

case ${1:-} in
    base | prune | all | schedule | healthy) "$1" ;;
    stores)
        files
        facts
        ;;
    *)
        sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac

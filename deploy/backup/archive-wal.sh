#!/bin/sh
# PostgreSQL's archive_command: archive-wal.sh PATH NAME. Copies a segment to $BACKUP_DIR/wal, compressed.
set -eu

target=$BACKUP_DIR/wal/$2.gz
if [ -e "$target" ]; then
    # PostgreSQL asks again after a crash. The same content is there already; other content is an error.
    gzip -dc "$target" | cmp -s - "$1"
    exit
fi
mkdir -p "$BACKUP_DIR/wal"
gzip -1 -c "$1" >"$target.part"
sync "$target.part"
mv "$target.part" "$target"

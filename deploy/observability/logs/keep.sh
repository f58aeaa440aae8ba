#!/bin/sh
# Deletes the logs of days that are older than ZHUXUE_LOG_DAYS, once a day.
set -eu

# 网络安全法第二十三条: six months at least.
if [ "$ZHUXUE_LOG_DAYS" -lt 184 ]; then
    echo "ZHUXUE_LOG_DAYS is $ZHUXUE_LOG_DAYS: the law asks for six months, 184 days" >&2
    exit 1
fi

delete_old() {
    oldest=$(date -u -d "@$(($(date +%s) - ZHUXUE_LOG_DAYS * 86400))" +%Y-%m-%d)
    for folder in "$1"/????-??-??; do
        day=${folder##*/}
        # Dates of this form are ordered as text.
        if [ -d "$folder" ] && [ "$(printf '%s\n%s\n' "$day" "$oldest" | sort | head -n 1)" = "$day" ] && [ "$day" != "$oldest" ]; then
            rm -r "$folder"
            echo "deleted the logs of $day"
        fi
    done
}

delete_old "${ZHUXUE_LOG_FOLDER:-/var/log/zhuxue}"
while [ "${1:-}" != once ]; do
    sleep 86400
    delete_old "${ZHUXUE_LOG_FOLDER:-/var/log/zhuxue}"
done

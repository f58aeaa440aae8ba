#!/bin/sh
# Starts ClamAV's daemon once there are signatures: freshclam fetches them first, or the site puts them into its folder.
set -eu

folder=${SIGNATURES:-/var/lib/clamav}
until [ -n "$(find "$folder" -maxdepth 1 -type f \( -name '*.c[lv]d' -o -name '*.[hnlm]db' -o -name '*.hsb' \) | head -n 1)" ]; do
    echo "no signatures in $folder yet" >&2
    sleep "${PAUSE:-10}"
done
exec clamd --config-file=/clamav/clamd.conf

#!/bin/sh
# Fetches ClamAV's signatures at once and then twelve times a day, from the mirror of the site if it has one.
set -eu

case ${MIRROR:-} in
    '') mirror='DatabaseMirror database.clamav.net' ;;
    *) mirror="PrivateMirror $MIRROR" ;;
esac
cat >/tmp/freshclam.conf <<CONF
DatabaseDirectory /var/lib/clamav
Foreground yes
LogTime yes
Checks 12
$mirror
CONF
exec freshclam --daemon --foreground --config-file=/tmp/freshclam.conf --user="$(id -un)"

#!/bin/sh
# A node of RabbitMQ in deploy/ha.yaml: rabbitmq.sh COMMAND …. Nodes know one another by the cookie.
set -eu

umask 077
rm -f /var/lib/rabbitmq/.erlang.cookie
printf %s "${COOKIE:?}" >/var/lib/rabbitmq/.erlang.cookie
chmod 400 /var/lib/rabbitmq/.erlang.cookie
umask 022
unset COOKIE
if command -v docker-entrypoint.sh >/dev/null; then exec docker-entrypoint.sh "$@"; fi
exec "$@"

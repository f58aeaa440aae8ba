#!/bin/sh
# Restores all stores of the composition from the backups, and brings them in step:
#   deploy/restore.sh latest                      all that was archived
#   deploy/restore.sh '2026-11-27 12:00:00+08'    as it was at this moment
# Everything stops meanwhile. The databases as they are now are moved aside, not deleted. docs/operators.md, Backups.
set -eu

cd "$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)"
[ $# -eq 1 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2 && exit 2; }

stop() {
    printf '%s\n' "$0: $1" >&2
    exit 1
}

echo "== stop everything"
docker compose down
# Of deploy/ha.yaml; there are none otherwise.
services=$(docker compose config --services) || stop "the settings are not complete; nothing was restored."
nodes=$(printf '%s\n' "$services" | grep -E '^(postgres|rabbitmq)-[0-9]+$' | sort || true)
standbys=$(printf '%s\n' "$nodes" | grep '^postgres' || true)
echo "== empty RabbitMQ"
# Its queues hold events of after the moment, which would put the copies of units and people ahead of Identity.
for node in rabbitmq $(printf '%s\n' "$nodes" | grep '^rabbitmq' || true); do
    docker compose run --rm --no-deps --entrypoint /bin/sh "$node" -c 'find /var/lib/rabbitmq -mindepth 1 -delete'
done
echo "== put back databases, files and facts"
docker compose --profile restore run --rm --no-deps restore "$1" || stop "nothing was started; see above."
if [ -n "$standbys" ]; then
    # The node that has been restored is the primary, whichever was; the others take its data.
    docker compose run --rm --no-deps --entrypoint /bin/sh postgres -c 'rm -f /var/lib/postgresql/follow'
    for node in $standbys; do
        docker compose run --rm --no-deps --entrypoint /bin/sh "$node" -c ': >/var/lib/postgresql/follow'
    done
fi
# Of the profile clickhouse.
server=$(printf '%s\n' "$services" | grep -x clickhouse || true)
echo "== recover to $1"
docker compose up --detach postgres
# It answers queries before it has read all of the log, but is not to be written to until then.
tries=0
until [ "$(docker compose exec -T postgres psql -U postgres -tAc 'SELECT pg_is_in_recovery()' 2>/dev/null)" = f ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 8640 ] || stop "the recovery takes longer than a day; see 'docker compose logs postgres'."
    sleep "${RESTORE_PAUSE:-10}"
done
# shellcheck disable=SC2086 # one word for each node
docker compose up --detach --wait postgres rabbitmq $nodes $server
# The backup may be of a version before.
for job in identity-migrate office-migrate cockpit-migrate portal-migrate identity-bootstrap; do
    echo "== $job"
    docker compose run --rm --no-deps "$job"
done
for service in identity office cockpit portal; do
    echo "== $service restored"
    docker compose run --rm --no-deps "$service" python -m "$service" restored
done
echo "== figures"
docker compose run --rm --no-deps cockpit python -m cockpit verify \
    || echo "$0: figures differ from the facts; see above. People can work meanwhile." >&2
echo "== start"
docker compose up --detach --wait
echo "Everything runs as of $1. Take a base backup now: docker compose exec backup /bin/sh /backup/backup.sh all"

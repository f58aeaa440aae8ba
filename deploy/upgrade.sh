#!/bin/sh
# Replaces the running services by those of ZHUXUE_VERSION in .env, one after another:
#   deploy/upgrade.sh
# The migrations run first, while the old services go on serving. If one fails, nothing is replaced. The services go on serving
# while they are replaced: new containers start beside the old ones, which then end. With chDB, only one process can have the
# facts: requests to Cockpit wait some seconds while the new one takes over from the old one.
set -eu

cd "$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)"

stop() {
    printf '%s\n' "$0: $1" "$2" >&2
    exit 1
}

# Migrations of each service before any service is replaced, and Identity's clients and keys.
for job in identity-migrate office-migrate cockpit-migrate portal-migrate identity-bootstrap; do
    echo "== $job"
    # Without what it depends on, which Compose would replace if its definition had changed.
    docker compose run --rm --no-deps "$job" || stop "$job failed; nothing was replaced, and the old services go on serving." \
        "Read its output above, mend the cause and run $0 again: migrations that have ended are not repeated.
To stay with the old version, set ZHUXUE_VERSION in .env back to it; migrations are compatible with it."
done

# After so many seconds the gateway knows the addresses of new containers (`valid` of its resolver, and some more).
KNOWN=${ZHUXUE_UPGRADE_KNOWN_SECONDS:-8}

unhealthy() {
    stop "$1 does not become healthy; the services after it still run the old version." \
        "Read 'docker compose logs $1', mend the cause and run $0 again.
To go back, set ZHUXUE_VERSION in .env to the old version, and run for each service above, the last one first:
    docker compose up --detach --no-deps --wait SERVICE
Do not run $0 for it: the old version does not know the new migrations, but works with what they have made."
}

# Starts as many containers of a service as told, beside those that run. They are healthy then. A new Cockpit may instead
# wait for the old one: it does not listen while that one serves (servicekit.handover).
start() {
    if [ "$1" != cockpit ]; then
        docker compose up --detach --no-deps --no-recreate --scale "$1=$2" --wait "$1"
        return
    fi
    docker compose up --detach --no-deps --no-recreate --scale "$1=$2" "$1" || return 1
    for new in $(docker compose ps --all --quiet "$1" | grep -vxF "$old"); do
        tries=0
        until docker logs "$new" 2>&1 | grep -q 'another process has the folder' \
            || [ "$(docker inspect --format '{{.State.Health.Status}}' "$new")" = healthy ]; do
            tries=$((tries + 1))
            [ "$tries" -lt 120 ] && [ "$(docker inspect --format '{{.State.Status}}' "$new")" = running ] || return 1
            sleep 1
        done
    done
}

in_place() {
    docker compose up --detach --no-deps --wait "$1" || unhealthy "$1"
}

# With a server in place of chDB, processes share the facts.
embedded=yes
case ${ZHUXUE_COCKPIT_ANALYTICS_DSN:-$(docker compose config --environment 2>/dev/null \
    | sed -n 's/^ZHUXUE_COCKPIT_ANALYTICS_DSN=//p')} in
    '' | chdb:*) ;;
    *) embedded=no ;;
esac

# Whether a Cockpit lets another one take over: it has the lock of servicekit.handover. One of an earlier version has not, though
# the file may be there from a later one that ran before, and its facts cannot be opened twice.
HELD=9
hands_over() {
    for old in $(docker compose ps --quiet cockpit); do
        status=0
        docker exec "$old" flock --nonblock --conflict-exit-code "$HELD" /var/lib/zhuxue/facts.serving true || status=$?
        [ "$status" -eq "$HELD" ] || return 1
    done
}

# Starts as many new containers as there are old ones, and ends the old ones once the gateway knows the new.
beside() {
    old=$(docker compose ps --quiet "$1")
    count=$(printf '%s\n' "$old" | grep -c . || true)
    if [ "$count" -eq 0 ]; then
        in_place "$1"
        return
    fi
    if ! start "$1" "$((2 * count))"; then
        # The new ones go, with what they have said; the old ones have served all the time.
        for new in $(docker compose ps --all --quiet "$1" | grep -vxF "$old" || true); do
            docker inspect --format '{{.Name}}: {{json .State}}' "$new" >&2 || true
            docker logs --tail 40 "$new" >&2 || true
            docker rm --force "$new"
        done
        unhealthy "$1"
    fi
    sleep "$KNOWN"
    # They end what they have begun.
    # shellcheck disable=SC2086 # one word for each container
    docker stop $old
    # shellcheck disable=SC2086
    docker rm $old
    # A new one that has waited serves now.
    docker compose up --detach --no-deps --no-recreate --scale "$1=$count" --wait "$1" || unhealthy "$1"
}

# The workers follow their service; the gateway comes last. The cockpit's worker runs only with its profile.
for service in identity identity-worker office office-worker cockpit cockpit-worker portal gateway; do
    if [ "$service" = cockpit-worker ] && ! docker compose config --services | grep -qx cockpit-worker; then
        continue
    fi
    echo "== $service"
    case $service in
        identity | office | portal) beside "$service" ;;
        cockpit) if [ "$embedded" = no ] || hands_over; then beside cockpit; else in_place cockpit; fi ;;
        # The files of the gateway are mounted: Compose does not see that they have changed.
        gateway) docker compose up --detach --no-deps --force-recreate --wait gateway || unhealthy gateway ;;
        *) in_place "$service" ;;
    esac
done
echo "All services run the new version."

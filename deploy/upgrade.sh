#!/bin/sh
# Replaces the running services by those of ZHUXUE_VERSION in .env, one after another:
#   deploy/upgrade.sh
# The migrations run first, while the old services go on serving. If one fails, nothing is replaced.
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

# The workers follow their service; the gateway comes last. The cockpit's worker runs only with its profile.
for service in identity identity-worker office office-worker cockpit cockpit-worker portal gateway; do
    if [ "$service" = cockpit-worker ] && ! docker compose config --services | grep -qx cockpit-worker; then
        continue
    fi
    echo "== $service"
    # The files of the gateway are mounted: Compose does not see that they have changed.
    if [ "$service" = gateway ]; then recreate=--force-recreate; else recreate=; fi
    # shellcheck disable=SC2086 # empty, or one word
    docker compose up --detach --no-deps $recreate --wait "$service" \
        || stop "$service does not become healthy; the services after it still run the old version." \
            "Read 'docker compose logs $service', mend the cause and run $0 again.
To go back, set ZHUXUE_VERSION in .env to the old version, and run for each service above, the last one first:
    docker compose up --detach --no-deps --wait SERVICE
Do not run $0 for it: the old version does not know the new migrations, but works with what they have made."
done
echo "All services run the new version."

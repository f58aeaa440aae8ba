#!/bin/sh
# Makes a standby of PostgreSQL the primary, with deploy/ha.yaml:
#   deploy/promote.sh              after the primary has failed, or before its machine is worked on
#   deploy/promote.sh --without    even if a standby does not answer, which may have more than the others: work can be lost
# The primary is stopped first and cannot come back as one: with its next start it takes the data of the new one and follows it.
# The standby that has most becomes the primary, and the others follow it. The services find it by themselves.
set -eu

cd "$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)"
case ${1:-} in
    '') without=no ;;
    --without) without=yes ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac

stop() {
    printf '%s\n' "$0: $1" >&2
    exit 1
}

# ask NODE QUERY [SECONDS]
ask() {
    timeout "${3:-10}" docker compose exec -T "$1" psql -U postgres -tAc "$2" 2>/dev/null
}

services=$(docker compose config --services) || stop "the settings are not complete; nothing was changed."
nodes=$(printf '%s\n' "$services" | grep -E '^postgres(-[0-9]+)?$' | sort)
[ "$(printf '%s\n' "$nodes" | grep -c .)" -gt 1 ] || stop "there is one node; set COMPOSE_FILE=compose.yaml:deploy/ha.yaml in .env"

standbys='' former='' silent=''
for node in $nodes; do
    case $(ask "$node" 'SELECT pg_is_in_recovery()' || true) in
        t) standbys="$standbys $node" ;;
        f)
            [ -z "$former" ] || stop "$former and $node are both primaries; nothing was changed. Stop the one that has old data."
            former=$node
            ;;
        *) silent="$silent $node" ;;
    esac
done
[ -n "$standbys" ] || stop "no standby answers; nothing was changed."
# The primary is the one that answers as such, else one of those that do not answer.
others=$silent
if [ -z "$former" ]; then
    # shellcheck disable=SC2086 # a word for each node
    set -- $silent
    [ $# -gt 0 ] || stop "no node is the primary, and all follow: something else is wrong; see 'docker compose logs'."
    others=''
    if [ $# -gt 1 ]; then others=$silent; fi
fi
if [ -n "$others" ] && [ $without = no ]; then
    stop "$others: no answer. It may have work that the other standby does not have; start it, or run $0 --without."
fi

# A commit is answered once one standby has it, so one of them has everything. Nothing is added when the primary is stopped.
for node in ${former:-$silent}; do
    echo "== stop $node, which will follow when it starts again"
    docker compose stop --timeout 30 "$node"
    docker compose run --rm --no-deps --entrypoint /bin/sh "$node" -c ': >/var/lib/postgresql/follow'
done
best='' most=-1
for node in $standbys; do
    has=$(ask "$node" "SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0'::pg_lsn") \
        || { [ $without = yes ] && continue; } || stop "$node does not answer any more; run $0 again."
    echo "   $node has $has bytes of the log"
    if [ "$(printf '%s\n%s\n' "$has" "$most" | sort -n | tail -n 1)" = "$has" ]; then best=$node most=$has; fi
done
echo "== promote $best"
# It first replays what it has received, which takes a while if it is behind.
[ "$(ask "$best" 'SELECT pg_promote(true, 600)' 660)" = t ] || [ "$(ask "$best" 'SELECT pg_is_in_recovery()')" = f ] \
    || stop "$best is not the primary yet. See 'docker compose logs $best': if it goes on replaying, wait; else run $0 again."
echo "== begin a base backup"
# What the former primary had not archived may be missing in the archive. Restores begin from here.
docker compose exec --detach backup /bin/sh /backup/backup.sh base \
    || echo "$0: no base backup; run: docker compose exec backup /bin/sh /backup/backup.sh base" >&2
for node in ${former:-$silent}; do
    echo "$best is the primary. When $node may run again: docker compose up --detach --no-deps --wait $node"
done

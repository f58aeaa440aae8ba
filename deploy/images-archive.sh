#!/bin/sh
# Carries the images of the composition to a site without a registry:
#   deploy/images-archive.sh save FILE     all images of compose.yaml in one tar, and FILE.sha256
#   deploy/images-archive.sh load FILE     compares the file with FILE.sha256, then loads it
# Which versions and base images is as in .env or the environment; without .env, as in compose.yaml.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
[ $# = 2 ] || { echo "usage: $0 save|load FILE" >&2; exit 2; }
folder=$(CDPATH='' cd -- "$(dirname -- "$2")" && pwd)
name=$(basename -- "$2")
cd "$root"
# shellcheck source=deploy/building.sh
. deploy/building.sh

save() {
    if [ ! -f "$ENV_FILE" ]; then
        # Compose wants every setting, although the images depend on few.
        made=$(mktemp -d)
        trap 'rm -rf "$made"' EXIT INT TERM
        deploy/make-env.sh example.org https://sms.example.org/send "$made/env" 2>/dev/null
        COMPOSE_ENV_FILES=$made/env
        export COMPOSE_ENV_FILES
    fi
    images=$(docker compose config --images | sort -u)
    for image in $images; do
        docker image inspect "$image" >/dev/null 2>&1 || docker pull --quiet "$image" >/dev/null \
            || stop "$image is not here; build it with make images or make base-images"
    done
    # shellcheck disable=SC2086 # a word for each image
    docker save --output "$folder/$name" $images
    (cd "$folder" && sha256sum "$name" >"$name.sha256")
    printf '%s\n' "$images"
}

load() {
    (cd "$folder" && sha256sum --check --quiet "$name.sha256") || stop "$name is not what $name.sha256 says; nothing was loaded"
    docker load --quiet --input "$folder/$name"
}

case $1 in
    save) timed "$name" save ;;
    load) timed "$name" load ;;
    *) stop "neither save nor load: $1" ;;
esac

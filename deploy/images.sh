#!/bin/sh
# Builds the images of the services, of the version in .env:
#   deploy/images.sh [identity] [office] [cockpit] [portal]
#
#   ZHUXUE_VERSION           their tag; default: that of compose.yaml
#   ZHUXUE_PYTHON_IMAGE      what they are built on; default: that of compose.yaml
#   ZHUXUE_PIP_INDEX         the address of a mirror of the Python index, if it asks for no password
#   ZHUXUE_FONT_PACKAGES     Debian's packages of fonts for printing; empty for none
#   ZHUXUE_CA_FILE, ZHUXUE_PIP_CONF, ZHUXUE_NPM_CONF, ZHUXUE_BUILD_NETWORK: see deploy/building.sh
set -eu

cd "$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)"
# shellcheck source=deploy/building.sh
. deploy/building.sh

services=$(sed -n 's/^FROM base AS \([a-z]*\)$/\1/p' deploy/Dockerfile)
if [ $# = 0 ]; then
    # shellcheck disable=SC2086 # a word for each service
    set -- $services
fi
for name in "$@"; do
    printf '%s\n' "$services" | grep -qx "$name" || stop "there is no service '$name'"
done
version=$(setting ZHUXUE_VERSION)
python=$(setting ZHUXUE_PYTHON_IMAGE)
for name in "$@"; do
    image=zhuxue/$name:${version:-$DEFAULT_VERSION}
    timed "$image" build deploy/Dockerfile "$name" "$image" ${python:+--build-arg "BASE_IMAGE=$python"} \
        ${ZHUXUE_PIP_INDEX:+--build-arg "PIP_INDEX_URL=$ZHUXUE_PIP_INDEX"} \
        ${ZHUXUE_FONT_PACKAGES+--build-arg "FONT_PACKAGES=$ZHUXUE_FONT_PACKAGES"}
done

#!/bin/sh
# Builds the base images of compose.yaml from a Debian mirror, for sites that reach no image registry:
#   deploy/base-images.sh [python] [nginx] [rabbitmq] [postgres] [clamav]
# Without a name, all but clamav, which only its profile needs. Prints the lines for .env that make compose.yaml use them.
# Needs root, debootstrap and a running Docker Engine.
#
#   ZHUXUE_DEBIAN_SUITE      the release to build from; default: bookworm
#   ZHUXUE_DEBIAN_MIRROR     its packages; default: the mirror from which this machine has them
#   ZHUXUE_DEBIAN_SECURITY   its security updates; default: likewise, or none
#   ZHUXUE_BUILD_NETWORK, ZHUXUE_CA_FILE, …  as for deploy/images.sh
set -eu

cd "$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)"
# shellcheck source=deploy/building.sh
. deploy/building.sh
suite=${ZHUXUE_DEBIAN_SUITE:-bookworm}
debian=zhuxue/debian:$suite

# The address from which apt of this machine has the packages of a release.
mirror_of() {
    command -v apt-get >/dev/null || return 0
    apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Component: main' \
        | awk -v name="$1" '$2 == name { print $1; exit }'
}

import_debian() {
    [ "$(id -u)" = 0 ] || stop "debootstrap needs root"
    command -v debootstrap >/dev/null || stop "debootstrap is not installed: apt-get install debootstrap"
    mirror=${ZHUXUE_DEBIAN_MIRROR:-$(mirror_of "$suite")}
    [ -n "$mirror" ] || stop "apt of this machine has no mirror of $suite; set ZHUXUE_DEBIAN_MIRROR"
    security=${ZHUXUE_DEBIAN_SECURITY-$(mirror_of "$suite-security")}
    # It holds device files while it is made, so it is no place below a mount with nodev.
    root=$(mktemp -d "${TMPDIR:-/var/tmp}/zhuxue-debian.XXXXXX")
    trap 'rm -rf "$root"' EXIT INT TERM
    debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 || {
        tail -n 20 "$root.log" >&2
        stop "debootstrap failed; all of its output is in $root.log"
    }
    rm -f "$root.log"
    echo "deb $mirror $suite main" >"$root/etc/apt/sources.list"
    if [ -n "$security" ]; then
        echo "deb $security $suite-security main" >>"$root/etc/apt/sources.list"
    fi
    # What a container reads neither documents nor translations of. Copyright files stay, as licences ask.
    cp deploy/base/dpkg-nodoc "$root/etc/dpkg/dpkg.cfg.d/nodoc"
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    find "$root/usr/share/doc" -type l -delete
    rm -rf "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/* \
        "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* \
        "$root"/var/log/*.log "$root"/dev/*
    tar --numeric-owner -C "$root" -c . | docker import --change 'ENV LANG=C.UTF-8' - "$debian" >/dev/null
    rm -rf "$root"
    trap - EXIT INT TERM
}

if [ $# = 0 ]; then set -- python nginx rabbitmq postgres; fi
for target in "$@"; do
    case $target in
        python | nginx | rabbitmq | postgres | clamav) ;;
        *) stop "there is no base image '$target'" ;;
    esac
done

if ! docker image inspect "$debian" >/dev/null 2>&1; then
    timed "$debian" import_debian
fi
for target in "$@"; do
    timed "zhuxue/base-$target:$suite" build deploy/base/Dockerfile "$target" "zhuxue/base-$target:$suite" \
        --build-arg "BASE_IMAGE=$debian"
    name=$(printf %s "$target" | tr '[:lower:]' '[:upper:]')
    lines="${lines-}ZHUXUE_${name}_IMAGE=zhuxue/base-$target:$suite
"
done
printf %s "$lines"

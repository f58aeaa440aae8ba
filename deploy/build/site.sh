#!/bin/sh
# Runs a command with what a site gives to its builds, as secrets that no image keeps: `pip_conf` and `npm_conf` name
# its mirrors, `ca_bundle` has the certificates that they, or a proxy that inspects, are trusted by.
set -eu

if [ -s /run/secrets/ca_bundle ]; then
    export PIP_CERT=/run/secrets/ca_bundle NODE_EXTRA_CA_CERTS=/run/secrets/ca_bundle
    printf 'Acquire::https::CaInfo "/run/secrets/ca_bundle";\n' >/tmp/apt.conf
    export APT_CONFIG=/tmp/apt.conf
fi
if [ -s /run/secrets/pip_conf ]; then export PIP_CONFIG_FILE=/run/secrets/pip_conf; fi
if [ -s /run/secrets/npm_conf ]; then export NPM_CONFIG_USERCONFIG=/run/secrets/npm_conf; fi
exec "$@"

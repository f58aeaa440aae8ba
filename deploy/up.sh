#!/bin/sh
# Starts the composition; `make up` runs it:
#   deploy/up.sh [--no-build]
# Without .env it asks for what it cannot make up, or takes it from the environment: ZHUXUE_DOMAIN, ZHUXUE_SMS_GATEWAY_URL,
# ZHUXUE_IDENTITY_FIRST_ADMIN_PHONE and ZHUXUE_IDENTITY_FIRST_ADMIN_NAME. Secrets are made (deploy/make-env.sh). If there is
# no certificate, one for development is made (deploy/dev-certificate.sh).
set -eu

cd "$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)"
# shellcheck source=deploy/building.sh
. deploy/building.sh
case ${1:-} in
    '') built=yes ;;
    --no-build) built=no ;;
    *) stop "unknown: $1" ;;
esac

# ask VARIABLE QUESTION PATTERN: until there is an answer that fits, unless the environment has one.
ask() {
    eval "answer=\${$1:-}"
    while ! printf %s "$answer" | grep -Eqx "$3"; do
        [ -z "$answer" ] || say "That does not fit: $answer"
        [ -t 0 ] || stop "$1 is missing or does not fit, and nobody can be asked: $2"
        printf '%s: ' "$2" >&2
        read -r answer || stop "no answer"
    done
    eval "$1=\$answer"
    export "${1?}"
}

docker info >/dev/null 2>&1 || stop "Docker Engine does not answer"
docker compose version >/dev/null 2>&1 || stop "Docker Compose is missing; see deploy/README.md"

if [ ! -f "$ENV_FILE" ]; then
    ask ZHUXUE_DOMAIN "Domain whose names id., bg., jsc. and gz. lead to this machine, e.g. example.org" '[A-Za-z0-9][A-Za-z0-9.-]*'
    ask ZHUXUE_SMS_GATEWAY_URL "Address of the adapter that sends text messages, e.g. https://sms.example.org/send" 'https?://.+'
    ask ZHUXUE_IDENTITY_FIRST_ADMIN_PHONE "Mobile number of the first administrator of the centre" '1[0-9]{10}'
    ask ZHUXUE_IDENTITY_FIRST_ADMIN_NAME "Name of the first administrator" '.+'
    deploy/make-env.sh "$ZHUXUE_DOMAIN" "$ZHUXUE_SMS_GATEWAY_URL" "$ENV_FILE"
fi

tls=$(setting ZHUXUE_TLS_DIR)
if [ -n "$tls" ] && [ ! -e "$tls/fullchain.pem" ]; then
    # shellcheck disable=SC2046 # a word for each host
    deploy/dev-certificate.sh "$tls" $(sed -n 's/^ZHUXUE_[A-Z]*_HOSTNAME=//p' "$ENV_FILE")
fi

if [ $built = yes ]; then deploy/images.sh; fi
timed "all containers" docker compose up --detach --wait --no-build || stop "not everything has started; 'docker compose ps' and \
'docker compose logs SERVICE' tell why"

# Only into an empty directory: running it again changes nothing.
if [ -n "${ZHUXUE_IDENTITY_FIRST_ADMIN_PHONE:-}" ]; then
    docker compose run --rm --no-deps -e ZHUXUE_IDENTITY_FIRST_ADMIN_PHONE -e ZHUXUE_IDENTITY_FIRST_ADMIN_NAME \
        identity-bootstrap python -m identity bootstrap national \
        || stop "the first administrator was not registered; correct the number or the name, and run it again with both set"
fi

port=$(setting ZHUXUE_HTTPS_PORT)
address=$(setting ZHUXUE_BIND_ADDRESS)
case ${port:-443} in
    443) port= ;;
    *) port=:$port ;;
esac
say "Running. People open:"
printf 'https://%s%s\n' "$(setting ZHUXUE_PORTAL_HOSTNAME)" "$port"
if [ "${address:-127.0.0.1}" = 127.0.0.1 ]; then
    say "Only this machine reaches it. To let others in, set ZHUXUE_BIND_ADDRESS in $ENV_FILE, e.g. to 0.0.0.0, and run this again."
fi

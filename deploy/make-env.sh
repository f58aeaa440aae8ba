#!/bin/sh
# Writes the settings of compose.yaml with fresh random secrets:
#   deploy/make-env.sh DOMAIN SMS_GATEWAY_URL [FILE]
# FILE defaults to .env in the repository. An existing file is never overwritten: its keys may be the only copy.
# Base images are those of the environment, if it has any: `deploy/base-images.sh` prints them.
set -eu

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
    echo "usage: $0 DOMAIN SMS_GATEWAY_URL [FILE]    e.g. $0 example.org https://sms.example.org/send" >&2
    exit 2
fi
domain=$1
sms_gateway_url=$2
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
file=${3:-$root/.env}

case $domain in
    '' | .* | -* | *[!A-Za-z0-9.-]*)
        echo "$0: '$domain' is not a domain name" >&2
        exit 2
        ;;
esac

case $sms_gateway_url in
    *[!A-Za-z0-9.:/_~%?=\&-]*) bad=1 ;;
    http://?* | https://?*) bad=0 ;;
    *) bad=1 ;;
esac
if [ $bad = 1 ]; then
    echo "$0: '$sms_gateway_url' is not an http(s) URL" >&2
    exit 2
fi

secret() {
    if command -v openssl >/dev/null; then
        openssl rand -hex 32
    else
        python3 -c 'import secrets; print(secrets.token_hex(32))'
    fi
}

# umask: only the owner can read the file. noclobber: the existence check and the creation are one step.
umask 077
if ! (set -C && : >"$file") 2>/dev/null; then
    echo "$0: $file exists or cannot be written; not touched" >&2
    exit 1
fi

while IFS= read -r line; do
    case $line in
        ZHUXUE_IDENTITY_HOSTNAME=) line=${line}id.$domain ;;
        ZHUXUE_OFFICE_HOSTNAME=) line=${line}bg.$domain ;;
        ZHUXUE_COCKPIT_HOSTNAME=) line=${line}jsc.$domain ;;
        ZHUXUE_PORTAL_HOSTNAME=) line=${line}gz.$domain ;;
        ZHUXUE_IDENTITY_SMS_GATEWAY_URL=) line=$line$sms_gateway_url ;;
        ZHUXUE_TLS_DIR=) line=${line}./deploy/tls ;;
        ZHUXUE_PYTHON_IMAGE=) line=$line${ZHUXUE_PYTHON_IMAGE:-} ;;
        ZHUXUE_NGINX_IMAGE=) line=$line${ZHUXUE_NGINX_IMAGE:-} ;;
        ZHUXUE_POSTGRES_IMAGE=) line=$line${ZHUXUE_POSTGRES_IMAGE:-} ;;
        ZHUXUE_RABBITMQ_IMAGE=) line=$line${ZHUXUE_RABBITMQ_IMAGE:-} ;;
        ZHUXUE_CLAMAV_IMAGE=) line=$line${ZHUXUE_CLAMAV_IMAGE:-} ;;
        # Second keys exist only while keys are being replaced.
        ZHUXUE_*_OTHER_*_KEY=) ;;
        # There may be no number that receives text messages.
        ZHUXUE_IDENTITY_SMS_INBOUND_SECRET=) ;;
        # There may be no provider of real-name checks.
        ZHUXUE_IDENTITY_REAL_NAME_SECRET=) ;;
        ZHUXUE_*_PASSWORD= | ZHUXUE_*_SECRET= | ZHUXUE_*_KEY=)
            # A separate assignment, so that `set -e` detects a failure.
            value=$(secret)
            [ "${#value}" -eq 64 ] || { echo "$0: no randomness" >&2; rm -f "$file"; exit 1; }
            line=$line$value
            ;;
    esac
    printf '%s\n' "$line"
done <"$root/.env.example" >"$file"

echo "$file written. Keep a copy in another place than the backups." >&2

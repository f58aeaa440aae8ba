#!/bin/sh
# A certificate for development, which browsers trust once ca.pem has been imported; a public site needs one from its
# authority instead:
#   deploy/dev-certificate.sh DIRECTORY HOST …
# Writes ca.pem, fullchain.pem and privkey.pem. The key of ca.pem is not kept, so nothing else can be signed with it.
set -eu

[ $# -ge 2 ] || { echo "usage: $0 DIRECTORY HOST …" >&2; exit 2; }
directory=$1
shift
for file in fullchain.pem privkey.pem; do
    [ ! -e "$directory/$file" ] || { echo "$0: $directory/$file exists; not touched" >&2; exit 1; }
done
names=$(printf ',DNS:%s' "$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cat >"$work/config" <<CONFIG
[req]
distinguished_name = subject
prompt = no
[subject]
CN = Zhuxue development $(date +%F)
[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${names#,}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CONFIG
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
umask 077
key "$work/ca.key"
key "$work/privkey.pem"
openssl req -config "$work/config" -new -x509 -days 397 -extensions authority -key "$work/ca.key" -out "$work/ca.pem"
openssl req -config "$work/config" -new -subj "/CN=$1" -key "$work/privkey.pem" -out "$work/request"
openssl x509 -req -in "$work/request" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 397 \
    -extfile "$work/config" -extensions server -out "$work/server.pem" 2>/dev/null
cat "$work/server.pem" "$work/ca.pem" >"$work/fullchain.pem"
[ -d "$directory" ] || install -d -m 755 "$directory"
install -m 644 "$work/ca.pem" "$work/fullchain.pem" "$directory"
# The gateway runs as uid 101. Only root can give it the file; others leave it to all users of this machine.
if [ "$(id -u)" = 0 ]; then
    install -o 101 -g 101 -m 400 "$work/privkey.pem" "$directory"
else
    install -m 644 "$work/privkey.pem" "$directory"
fi
echo "$directory: a certificate for development, for $*. Browsers trust it once they have imported $directory/ca.pem." >&2

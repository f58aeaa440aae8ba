#!/bin/sh
# What the official image of nginx does before it starts: sources /docker-entrypoint.d/*.envsh, then renders
# /etc/nginx/templates/*.template into NGINX_ENVSUBST_OUTPUT_DIR. Only variables that match NGINX_ENVSUBST_FILTER are
# replaced.
set -eu

for file in /docker-entrypoint.d/*.envsh; do
    # shellcheck source=/dev/null
    if [ -f "$file" ]; then . "$file"; fi
done
# shellcheck disable=SC2016 # envsubst reads ${NAME}
names=$(awk -v filter="${NGINX_ENVSUBST_FILTER:-}" \
    'BEGIN { for (name in ENVIRON) if (name ~ filter && name ~ /^[A-Za-z_][A-Za-z0-9_]*$/) printf "${%s} ", name }')
for template in /etc/nginx/templates/*.template; do
    [ -f "$template" ] || continue
    name=${template##*/}
    envsubst "$names" <"$template" >"${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}/${name%.template}"
done
exec "$@"

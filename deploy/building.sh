# Sourced by the scripts that build images: how they talk, and what a site sets for its builds.
#
#   ZHUXUE_CA_FILE           certificates of a proxy that inspects, or of a mirror's own authority
#   ZHUXUE_PIP_CONF          pip's configuration, with the address of a mirror of the Python index
#   ZHUXUE_NPM_CONF          npm's configuration, with the address of a mirror of its registry
#   ZHUXUE_BUILD_NETWORK     `host`, if containers do not reach the mirrors by the bridge

say() {
    printf '%s\n' "$*" >&2
}

stop() {
    say "$0: $*"
    exit 1
}

# Where the settings are; Compose reads the same variable.
ENV_FILE=${COMPOSE_ENV_FILES:-.env}

# setting NAME: its value in the environment, else in the file, else nothing.
setting() {
    eval "value=\${$1:-}"
    if [ -z "$value" ] && [ -f "$ENV_FILE" ]; then value=$(sed -n "s/^$1=//p" "$ENV_FILE" | tail -n 1); fi
    printf %s "$value"
}

# The tag of the images in compose.yaml, unless ZHUXUE_VERSION is set.
# shellcheck disable=SC2016 # no expansion
DEFAULT_VERSION=$(sed -n 's|.*zhuxue/identity:${ZHUXUE_VERSION:-\([^}]*\)}.*|\1|p' compose.yaml)

# timed NAME COMMAND …: runs it, and says what it took.
timed() {
    timed_name=$1
    shift
    timed_began=$(date +%s)
    "$@"
    timed_status=$?
    say "  $timed_name … $(($(date +%s) - timed_began)) s"
    return $timed_status
}

# build DOCKERFILE TARGET TAG [OPTION …]: its output is shown only if it fails.
build() {
    build_file=$1 build_target=$2 build_tag=$3
    shift 3
    for secret in "ca_bundle=${ZHUXUE_CA_FILE:-}" "pip_conf=${ZHUXUE_PIP_CONF:-}" "npm_conf=${ZHUXUE_NPM_CONF:-}"; do
        if [ -n "${secret#*=}" ]; then set -- "$@" --secret "id=${secret%%=*},src=${secret#*=}"; fi
    done
    if [ -n "${ZHUXUE_BUILD_NETWORK:-}" ]; then set -- "$@" --network "$ZHUXUE_BUILD_NETWORK"; fi
    build_log=$(mktemp)
    DOCKER_BUILDKIT=1 docker build --progress plain --file "$build_file" --target "$build_target" --tag "$build_tag" \
        "$@" . >"$build_log" 2>&1 || {
        tail -n 60 "$build_log" >&2
        rm -f "$build_log"
        stop "$build_tag was not built"
    }
    rm -f "$build_log"
}

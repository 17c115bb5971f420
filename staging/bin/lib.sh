# Shared by the scripts beside it. Sourced, never run.
# shellcheck shell=sh

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
PROJECT=${COMPOSE_PROJECT_NAME:-vauntico-staging}
RELEASE=${VAUNTICO_RELEASE:-v1.2.0}
PREFIX=${STAGING_IMAGES:-vauntico-drills}
BASE=vauntico-drills/staging-base:1
DEBIAN=debian:bookworm-slim
SERVICES="postgres redis paystack inbox vauntico-server trust-score-backend fulfillment-engine"
SERVICES="$SERVICES nginx prometheus alertmanager"
# Releases that differ from the stable one; releases.md says how.
OTHER_RELEASES="vauntico-server:v1.3.0 vauntico-server:v1.3.1 vauntico-server:v1.4.0"
OTHER_RELEASES="$OTHER_RELEASES trust-score-backend:v1.3.0 trust-score-backend:v1.3.1"
OTHER_RELEASES="$OTHER_RELEASES prometheus:v1.3.0"
IMAGES="ca $SERVICES"
export COMPOSE_PROJECT_NAME="$PROJECT" VAUNTICO_RELEASE="$RELEASE" STAGING_IMAGES="$PREFIX"

say() { echo "staging: $*" >&2; }
die() { say "$*"; exit 1; }

docker version >/dev/null 2>&1 || die "no Docker engine answers (docker version)"

# Compose v2 where there is one, else docker-compose 1.29.
if docker compose version >/dev/null 2>&1; then
    compose() { docker compose -f "$HERE/compose.yaml" "$@"; }
elif command -v docker-compose >/dev/null 2>&1; then
    compose() { docker-compose -f "$HERE/compose.yaml" "$@"; }
else
    die "neither 'docker compose' nor 'docker-compose' is installed"
fi

# The project's containers as lines "id service state health"; health is - where there is none.
containers() {
    ids=$(docker ps -aq --filter "label=com.docker.compose.project=$PROJECT")
    [ -z "$ids" ] || docker inspect --format '{{.Id}}
{{- " "}}{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}}
{{- " "}}{{if .State.Health}}{{.State.Health.Status}}{{else}}-{{end}}' $ids 2>/dev/null || :
}

# A frozen container can neither be stopped nor answer.
thaw() {
    containers | while read -r id _ state _; do
        [ "$state" != paused ] || docker unpause "$id" >/dev/null
    done
}

# One at a time on this machine: run COMMAND under the lock NAME.
locked() {
    name=$1
    shift
    exec 9>"${XDG_RUNTIME_DIR:-/tmp}/vauntico-$name.lock"
    flock -w 300 9 || die "another '$name' has been running for five minutes"
    "$@"
    exec 9>&-
}

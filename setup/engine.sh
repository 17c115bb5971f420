# The steps of setup/engine. DRILL_RUN_DIR and DRILL_ENGINE_LOG move its files aside for tests.

RUN_DIR=${DRILL_RUN_DIR:-/var/run}
ENGINE_LOG=${DRILL_ENGINE_LOG:-/var/log/vauntico-drills-dockerd.log}
START_LIMIT_S=${DRILL_START_LIMIT_S:-90}

engine_answers() {
    have docker && timeout "$LOOK_LIMIT_S" docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

engine_says() {
    timeout "$LOOK_LIMIT_S" docker version 2>&1 | tail -n 1
}

# alive NAME PID: numbers are used again, and a killed process nobody waited for keeps its own.
alive() {
    [ "$(cat "/proc/$2/comm" 2>/dev/null)" = "$1" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$2/status"
}

# pid_of NAME FILE: the process in a pid file, if it lives and is called so.
pid_of() {
    [ -f "$2" ] || return 0
    pid=$(tr -dc 0-9 <"$2")
    if [ -n "$pid" ] && alive "$1" "$pid"; then
        printf '%s' "$pid"
    fi
}

# living NAME: the process of that name, by the pid file or by looking around.
living() {
    pid=$(pid_of "$1" "$RUN_DIR/docker.pid")
    if [ -z "$pid" ] && [ -z "${DRILL_RUN_DIR:-}" ]; then
        for pid in $(pgrep -x "$1" 2>/dev/null || true) ""; do
            [ -z "$pid" ] || ! alive "$1" "$pid" || break
        done
    fi
    printf '%s' "$pid"
}

current_context() {
    config=${DOCKER_CONFIG:-${HOME:-/root}/.docker}/config.json
    if [ -n "${DOCKER_CONTEXT:-}" ]; then
        printf '%s\n' "$DOCKER_CONTEXT"
    elif [ -f "$config" ]; then
        sed -n 's/.*"currentContext"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' "$config"
    fi
}

# Stops with the reason, unless there is no engine at all or a dead one that was ours to start.
engine_is_ours_to_start() {
    [ -z "${DOCKER_HOST:-}" ] || die "DOCKER_HOST is set and that engine does not answer: start it, or unset it"
    context=$(current_context)
    case "$context" in
        "" | default) ;;
        *) die "the Docker context '$context' does not answer: start its engine, or 'docker context use default'" ;;
    esac
    for socket in "${XDG_RUNTIME_DIR:-/nonexistent}/docker.sock" "${HOME:-/root}/.docker/run/docker.sock" \
        "${HOME:-/root}/.docker/desktop/docker.sock"; do
        [ "$socket" = "$RUN_DIR/docker.sock" ] || ! [ -S "$socket" ] ||
            die "$socket is there and its engine does not answer: start that engine, or remove the socket"
    done
    if [ -z "$(living dockerd)" ]; then
        clear_away_the_dead
    elif [ "$(id -u)" != 0 ] && ! [ -w "$RUN_DIR/docker.sock" ]; then
        die "the engine is there but not for you ($(engine_says)): join the group docker, or be root"
    fi
}

# A killed dockerd leaves its pid file and socket, and the next one refuses to start over them. A pid file whose process
# is gone is the proof; a socket without that proof belongs to an engine that cannot be seen from here.
clear_away_the_dead() {
    if [ -f "$RUN_DIR/docker.pid" ]; then
        [ "$(id -u)" = 0 ] || die "dockerd has died; as root: setup/engine"
        say "dockerd has died and left $RUN_DIR/docker.pid: removing what it left"
        rm -f "$RUN_DIR/docker.pid" "$RUN_DIR/docker.sock"
    elif [ -S "$RUN_DIR/docker.sock" ] && ! systemd_owns_socket; then
        have docker || die "$RUN_DIR/docker.sock is there but no docker command: install Docker's command line"
        die "$RUN_DIR/docker.sock is there and its engine does not answer ($(engine_says)): start that engine"
    fi
    pids=$RUN_DIR/docker/containerd/containerd.pid
    [ ! -f "$pids" ] || [ -n "$(pid_of containerd "$pids")" ] || rm -f "$pids"
}

systemd_runs() {
    [ -d /run/systemd/system ] && [ -z "${DRILL_RUN_DIR:-}" ]
}

systemd_owns_socket() {
    systemd_runs && systemctl --quiet is-active docker.socket && have dockerd
}

install_engine() {
    apt_install "the Docker engine" docker.io docker-compose iptables
}

start_engine() {
    pid=$(living dockerd)
    if [ -z "$pid" ]; then
        [ "$(id -u)" = 0 ] || die "no Docker engine is running; as root: setup/engine"
        if systemd_runs; then
            say "starting the Docker engine: systemctl start docker"
            systemctl reset-failed docker.service docker.socket 2>/dev/null || true
            timeout "$START_LIMIT_S" systemctl start docker </dev/null ||
                die "systemctl start docker failed: see journalctl -u docker"
        else
            say "starting the Docker engine: dockerd, log in $ENGINE_LOG"
            setsid dockerd </dev/null >"$ENGINE_LOG" 2>&1 &
            pid=$!
        fi
    fi
    wait_for_engine "$pid"
}

# wait_for_engine PID: until it answers, its process is gone, or the limit is over.
wait_for_engine() {
    end=$(($(date +%s) + START_LIMIT_S))
    while ! engine_answers; do
        if [ -n "$1" ] && ! [ -d "/proc/$1" ]; then
            engine_log_tail
            die "dockerd ended at once: see $ENGINE_LOG"
        fi
        if [ "$(date +%s)" -ge "$end" ]; then
            engine_log_tail
            die "the Docker engine did not answer within $START_LIMIT_S s ($(engine_says))"
        fi
        sleep 0.5
    done
}

engine_log_tail() {
    [ ! -f "$ENGINE_LOG" ] || tail -n 30 "$ENGINE_LOG" >&2
}

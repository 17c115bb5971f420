# What the setup scripts share: say, die, and the one way to install a Debian package.

LOOK_LIMIT_S=10

say() {
    printf 'setup: %s\n' "$*" >&2
}

# Exit code 2, as everywhere: the input or the machine does not allow it, nothing was touched.
die() {
    printf 'setup: %s\n' "$*" >&2
    exit 2
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# apt_install WHY PACKAGE...: says what it installs, never prompts.
apt_install() {
    why=$1
    shift
    if [ "${DRILL_NO_INSTALL:-}" = 1 ]; then
        die "$why is missing and DRILL_NO_INSTALL=1 forbids installing it (wanted: apt-get install $*)"
    fi
    have apt-get || die "$why is missing and there is no apt-get here: please install it yourself ($*)"
    [ "$(id -u)" = 0 ] || die "$why is missing; as root: apt-get install --no-install-recommends $*"
    say "installing $why: apt-get install --no-install-recommends $*"
    log=$(mktemp)
    if ! { apt_quietly update && apt_quietly install --no-install-recommends "$@"; } >"$log" 2>&1
    then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get could not install $*"
    fi
    rm -f "$log"
}

apt_quietly() {
    DEBIAN_FRONTEND=noninteractive timeout 900 \
        apt-get --yes --quiet -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

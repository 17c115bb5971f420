"""Who runs this drill, and whether they kill all of it at once, its guardian too. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from drill.errors import BadInput

CHOICE = "DRILL_GUARDIAN"
CI = {
    "GITHUB_ACTIONS": "GitHub Actions",
    "GITLAB_CI": "GitLab CI",
    "JENKINS_URL": "Jenkins",
    "BUILD_ID": "Jenkins",
}
OFF = frozenset({"", "0", "false"})


class GuardianKind(msgspec.Struct, frozen=True):
    """As what the guardian is started; *why* completes `the guardian must be a container: ...`."""

    kind: Literal["process", "container"]
    why: str


def guardian_kind(environ: Mapping[str, str], cgroup: str) -> GuardianKind:
    """
    Choose: a process where one survives the drill, else a container.

    Args:
        environ: The drill's environment variables; `DRILL_GUARDIAN` decides where it is set.

        cgroup: The text of /proc/self/cgroup, empty where there is none.

    Raises:
        BadInput: `DRILL_GUARDIAN` is neither `process` nor `container`.
    """
    chosen = environ.get(CHOICE, "")
    if chosen == "process":
        return GuardianKind("process", f"{CHOICE}=process")
    if chosen == "container":
        return GuardianKind("container", f"{CHOICE}=container")
    if chosen:
        raise BadInput(f"{CHOICE} is '{chosen}'; it may be process or container, or not set")
    for variable, name in CI.items():
        if environ.get(variable, "").lower() not in OFF:
            return GuardianKind("container", f"{name} kills every process of a job ({variable})")
    if environ.get("INVOCATION_ID") and not in_session(cgroup):
        return GuardianKind("container", "systemd kills every process of a service (INVOCATION_ID)")
    return GuardianKind("process", "nobody kills the whole session")


def in_session(cgroup: str) -> bool:
    """Whether these are the cgroups of somebody's login: a scope below user.slice."""
    paths = [line.split(":", 2)[2] for line in cgroup.splitlines() if line.count(":") > 1]
    return any("user.slice" in path and path.endswith(".scope") for path in paths)

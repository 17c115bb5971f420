"""As what the guardian is started, and what its container may see."""

from pathlib import Path

import pytest

from drill.errors import BadInput
from experiments.runtime.docker.guardians import mounts
from experiments.runtime.supervisor import guardian_kind

SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"
TERMINAL = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope\n"
SERVICE = "0::/system.slice/nightly-drill.service\n"
USER_SERVICE = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/drill.service\n"
OLD_SERVICE = "9:name=systemd:/system.slice/nightly-drill.service\n8:pids:/\n"
UNIT = {"INVOCATION_ID": "5f1c"}


@pytest.mark.parametrize(
    ("environ", "cgroup", "kind", "why"),
    [
        ({}, "", "process", "nobody"),
        ({}, SERVICE, "process", "nobody"),
        (UNIT, SESSION, "process", "nobody"),
        (UNIT, TERMINAL, "process", "nobody"),
        (UNIT, SERVICE, "container", "systemd"),
        (UNIT, USER_SERVICE, "container", "systemd"),
        (UNIT, OLD_SERVICE, "container", "systemd"),
        (UNIT, "", "container", "systemd"),
        ({"GITHUB_ACTIONS": "true"}, SESSION, "container", "GitHub Actions"),
        ({"GITHUB_ACTIONS": "false"}, SESSION, "process", "nobody"),
        ({"GITLAB_CI": "true"}, "", "container", "GitLab"),
        ({"JENKINS_URL": "http://ci"}, "", "container", "Jenkins"),
        ({"BUILD_ID": "12"}, "", "container", "Jenkins"),
        ({"GITLAB_CI": "true", "DRILL_GUARDIAN": "process"}, "", "process", "DRILL_GUARDIAN"),
        ({"DRILL_GUARDIAN": "container"}, SESSION, "container", "DRILL_GUARDIAN"),
    ],
)
def test_the_guardian_is_a_container_where_a_whole_job_is_killed(
    environ: dict[str, str], cgroup: str, kind: str, why: str
) -> None:
    """
    Services and CI jobs get a container, somebody's login a process, and DRILL_GUARDIAN decides.
    """
    chosen = guardian_kind(environ, cgroup)

    assert chosen.kind == kind
    assert why in chosen.why


def test_a_guardian_nobody_knows_is_refused() -> None:
    """
    A typing error in DRILL_GUARDIAN ends with what it may be.
    """
    with pytest.raises(BadInput, match="'contaner'; it may be process or container"):
        guardian_kind({"DRILL_GUARDIAN": "contaner"}, "")


def test_a_guardian_container_sees_what_it_needs_and_no_more() -> None:
    """
    Only the file systems on the way to what is needed are shown, and only the folders written to
    are writable.
    """
    points = [Path(p) for p in ("/", "/home", "/home/me/data", "/var/lib/docker", "/run")]
    wanted = [Path("/home/me/drills"), Path("/run/docker.sock")]

    made = mounts(wanted, [Path("/home/me/drills/runs/r1")], points)

    seen = {mount["Source"]: (mount["Target"], mount["ReadOnly"]) for mount in made}
    assert seen == {
        "/": ("/host", True),
        "/home": ("/host/home", True),
        "/run": ("/host/run", True),
        "/home/me/drills/runs/r1": ("/host/home/me/drills/runs/r1", False),
    }
    assert all(mount["BindOptions"] == {"NonRecursive": True} for mount in made)

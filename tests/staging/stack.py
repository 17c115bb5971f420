"""A bundled staging stack under a project name of its own, for tests."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import docker
import httpx
from docker.models.containers import Container
from docker.models.networks import Network

from tests.staging.module import STAGING
from tests.staging.ports import free_port

UP_LIMIT_S = 300
COMMAND_LIMIT_S = 60
POLL_S = 0.05
# Made up for the sandbox in the test's own containers: they open nothing anywhere else.
API_KEY = "drill-staging-key"  # pragma: allowlist secret
SECRET_KEY = "sk_test_staging_tests"  # pragma: allowlist secret
CONTROL_TOKEN = "staging-tests-control"  # pragma: allowlist secret
T = TypeVar("T")


@dataclass(frozen=True)
class Stack:
    """A running staging stack."""

    project: str
    web_port: int
    paystack_port: int
    inbox_port: int
    prometheus_port: int = field(default_factory=free_port)
    alertmanager_port: int = field(default_factory=free_port)
    api_key: str = API_KEY
    secret_key: str = SECRET_KEY
    smtp_port: int = field(default_factory=free_port)
    db_port: int = field(default_factory=free_port)
    paystack_control_port: int = field(default_factory=free_port)
    control_token: str = CONTROL_TOKEN
    settings: Mapping[str, str] = field(default_factory=dict)
    """More of what compose.yaml can be told, by its variables."""

    @property
    def web_url(self) -> str:
        """The shop, as a browser on this machine finds it."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def inbox_url(self) -> str:
        """Where mail and Slack messages are caught."""
        return f"http://127.0.0.1:{self.inbox_port}"

    @property
    def prometheus_url(self) -> str:
        """What watches the stack."""
        return f"http://127.0.0.1:{self.prometheus_port}"

    @property
    def alertmanager_url(self) -> str:
        """What passes alerts on."""
        return f"http://127.0.0.1:{self.alertmanager_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What compose and the scripts are run with."""
        return {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.project,
            "STAGING_WEB_PORT": str(self.web_port),
            "STAGING_PAYSTACK_PORT": str(self.paystack_port),
            "STAGING_PAYSTACK_CONTROL_PORT": str(self.paystack_control_port),
            "STAGING_PAYSTACK_CONTROL_TOKEN": self.control_token,
            "STAGING_INBOX_PORT": str(self.inbox_port),
            "STAGING_PROMETHEUS_PORT": str(self.prometheus_port),
            "STAGING_ALERTMANAGER_PORT": str(self.alertmanager_port),
            "STAGING_SMTP_PORT": str(self.smtp_port),
            "STAGING_DB_PORT": str(self.db_port),
            "STAGING_API_KEY": self.api_key,
            "PAYSTACK_SECRET_KEY": self.secret_key,
            "STAGING_REFUND_SETTLES_AFTER_S": "1",
            # Two stagings that are looked at as often as people's would keep half a core busy.
            "STAGING_HEALTH_INTERVAL": "8s",
            **self.settings,
        }

    def paystack(
        self, method: str, path: str, given: dict[str, object] | None = None, *, key: str = ""
    ) -> httpx.Response:
        """A call to the sandbox's API under its real name."""
        with httpx.Client(verify=False) as client:  # the certificate is the drill's own
            return client.request(
                method,
                f"https://127.0.0.1:{self.paystack_port}{path}",
                json=given,
                headers={
                    "host": "api.paystack.co",
                    "authorization": f"Bearer {key or self.secret_key}",
                },
            )

    def control(
        self, method: str, path: str, given: dict[str, object] | None = None
    ) -> httpx.Response:
        """A call to the sandbox's control port."""
        url = f"http://127.0.0.1:{self.paystack_control_port}{path}"
        headers = {"authorization": f"Bearer {self.control_token}"}
        return httpx.request(method, url, json=given, headers=headers)

    def script(self, name: str, *args: str, limit_s: float = UP_LIMIT_S) -> None:
        """Run one of staging/bin; its last words are in the error when it fails."""
        code, printed = self.try_script(name, *args, limit_s=limit_s)
        assert code == 0, f"bin/{name} failed:\n{printed}"

    def try_script(self, name: str, *args: str, limit_s: float = UP_LIMIT_S) -> tuple[int, str]:
        """Run one of staging/bin: its exit code and all that it printed."""
        done = subprocess.run(
            [str(STAGING / "bin" / name), *args],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit_s,
            check=False,
        )
        return done.returncode, done.stdout

    def compose(self, *args: str) -> str:
        """Run compose on this stack and give back what it printed."""
        plugin = subprocess.run(
            ["docker", "compose", "version"],
            capture_output=True,
            check=False,
        )
        command = ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]
        done = subprocess.run(
            [*command, "-f", str(STAGING / "compose.yaml"), *args],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, f"compose {' '.join(args)} failed:\n{done.stderr}"
        return done.stdout

    def container_id(self, service: str) -> str:
        """The id of a service's container, running or not."""
        found = docker.from_env().containers.list(
            all=True,
            filters={
                "label": [
                    f"com.docker.compose.project={self.project}",
                    f"com.docker.compose.service={service}",
                ]
            },
        )
        assert len(found) == 1, f"{service}: {len(found)} containers"
        return str(found[0].id)

    def container(self, service: str) -> Container:
        """A service's container."""
        return docker.from_env().containers.get(self.container_id(service))

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a service's container and give back what it printed."""
        done = self.container(service).exec_run(list(command))
        assert isinstance(done.output, bytes)
        printed = done.output.decode()
        assert done.exit_code == 0, f"{command[0]} in {service}:\n{printed}"
        return printed

    def network(self) -> Network:
        """The network all services share."""
        return docker.from_env().networks.get(f"{self.project}_default")

    def sql(self, query: str, *, user: str = "drill_reader") -> str:
        """One value from the shop's database, read as the drill reads it."""
        command = ["psql", "-h", "/tmp", "-U", user, "-d", "vauntico", "-Atqc", query]
        done = self.container("postgres").exec_run(command)
        assert isinstance(done.output, bytes)
        printed = done.output.decode().strip()
        assert done.exit_code == 0, printed
        return printed


def until(look: Callable[[], T], *, within_s: float, what: str) -> T:
    """Look until there is something to see; what is seen is given back."""
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(POLL_S)

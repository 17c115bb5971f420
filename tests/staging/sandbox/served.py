"""A sandbox in a process of its own, and a merchant's endpoint that keeps what it was sent."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.staging.ports import free_port
from tests.staging.sandbox.inside import CARD, GOOD, KEY, TOKEN
from tests.staging.stack import until

SERVE = Path(__file__).with_name("serve.py")
UP_WITHIN_S = 20.0
HANGS_S = 10.0


@dataclass(frozen=True)
class Post:
    """One delivery as it arrived."""

    body: bytes
    signature: str | None
    at: float

    @property
    def event(self) -> str:
        return str(json.loads(self.body)["event"])

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads(self.body)["data"])


@dataclass
class Merchant:
    """
    The shop's endpoint: answers with `codes`, one after the other, then with 200.

    With `hangs` set the next answer comes only once `over` is.
    """

    posts: list[Post] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    hangs: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def of(self, reference: str) -> list[Post]:
        """What came about one reference."""
        return [post for post in list(self.posts) if post.data.get("reference") == reference]


@contextmanager
def merchant() -> Iterator[Merchant]:
    """An endpoint on loopback."""
    shop = Merchant()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:  # its sender was killed in the middle of it
                return
            code = shop.codes.pop(0) if shop.codes else 200
            signature = self.headers.get("x-paystack-signature")
            shop.posts.append(Post(body, signature, time.monotonic()))
            if shop.hangs.is_set():
                shop.hangs.clear()
                shop.over.wait(HANGS_S)
            self.send_response(code)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_port}/webhook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Served:
    """The process and its clients."""

    def __init__(self, folder: Path, webhook_url: str, **told: object) -> None:
        ports = {"api": free_port(), "control": free_port()}
        data = str(folder / "paystack.sqlite")
        self._told = {"data": data, "webhook_url": webhook_url, **ports, **told}
        self.url = f"http://127.0.0.1:{ports['api']}"
        self.api = httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {KEY}"})
        self.page = httpx.Client(base_url=self.url, headers={"host": "checkout.paystack.com"})
        self.control = httpx.Client(
            base_url=f"http://127.0.0.1:{ports['control']}",
            headers={"authorization": f"Bearer {TOKEN}"},
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen([sys.executable, str(SERVE), json.dumps(self._told)])
        until(self._up, within_s=UP_WITHIN_S, what="the sandbox answers")

    def _up(self) -> bool:
        try:
            return self.api.get("/").is_success and self.control.get("/faults").is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL, at whatever it is just doing."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def close(self) -> None:
        """End it and its clients."""
        self.kill()
        for client in (self.api, self.page, self.control):
            client.close()

    def initialize(self, **given: object) -> dict[str, Any]:
        """The data of a proper initialize."""
        answer = self.api.post("/transaction/initialize", json={**GOOD, **given})
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    def paid(self, **given: object) -> dict[str, Any]:
        """A transaction that was paid, as verify shows it."""
        made = self.initialize(**given)
        self.page.post(f"/{made['access_code']}/pay", data=CARD)
        return self.verify(made["reference"])

    def verify(self, reference: str) -> dict[str, Any]:
        return dict(self.api.get(f"/transaction/verify/{reference}").json()["data"])

    @contextmanager
    def fault(self, kind: str, **settings: object) -> Iterator[str]:
        """A fault in force for at most 3 s."""
        name = uuid4().hex
        answer = self.control.put(f"/faults/{name}", json={"kind": kind, **settings})
        assert answer.status_code == 200, answer.text
        try:
            yield name
        finally:
            self.control.delete(f"/faults/{name}")

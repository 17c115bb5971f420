"""The journeys in real Chromium against a staging stack."""

import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import httpx
import pytest

from drill.errors import BadInput
from drill.verdict import Health
from tests.staging.customer import PAYSTACK
from tests.staging.stack import Stack, until
from validators.probes.build import build_journey
from validators.probes.journeys import browser as browser_module
from validators.probes.journeys.browser import JourneyBrowser, find_chromium, open_browser
from validators.probes.journeys.look import JourneyLook
from validators.probes.schedule import Seen
from validators.probes.specs import Journey

needs_staging = [pytest.mark.browser, pytest.mark.docker, pytest.mark.slow]
Files = list[tuple[str, Path, str, str]]


def journey(stack: Stack, kind: str, **fields: object) -> Journey:
    """A journey through this stack, its ledger and inbox asked."""
    sandbox = f"127.0.0.1:{stack.paystack_port}"
    return Journey.model_validate(
        {
            "journey": kind,
            "resolve": dict.fromkeys(PAYSTACK, sandbox),
            "inbox": stack.inbox_url,
            "paystack_verify": {"key": stack.secret_key},
            **fields,
        }
    )


@contextmanager
def cut_off(stack: Stack, service: str) -> Iterator[None]:
    """Take a service off the network, and bring it back with its names."""
    network, container = stack.network(), stack.container(service)
    names = container.attrs["NetworkSettings"]["Networks"][network.name]["Aliases"]
    network.disconnect(container)
    try:
        yield
    finally:
        network.connect(container, aliases=names)
        # The next journey is to meet a shop that has got over it.
        until(lambda: sells(stack), within_s=20, what=f"the shop after {service} came back")


@contextmanager
def nameless(stack: Stack) -> Iterator[None]:
    """Take Paystack's names away from the shop; a browser reaches it as ever."""
    network, container = stack.network(), stack.container("paystack")
    with cut_off(stack, "paystack"):
        network.connect(container, aliases=["paystack"])
        try:
            yield
        finally:
            network.disconnect(container)


def sells(stack: Stack) -> bool:
    """Whether the shop and its checkout are ready, twice in a row."""
    urls = [f"{stack.web_url}/api/{path}" for path in ("ready", "checkout/ready")] * 2
    try:
        return all(httpx.get(url, trust_env=False).is_success for url in urls)
    except httpx.HTTPError:
        return False


def looks(
    stack: Stack, kind: str, folder: Path, *fields: dict[str, object]
) -> tuple[list[Seen], Files]:
    """Take the journey once with each of *fields*, in one browser that must not leak."""
    files: Files = []

    async def main() -> list[Seen]:
        spec = journey(stack, kind)
        async with open_browser("test-run", spec.resolve) as browser:
            seen = []
            for more in fields:
                look = make(browser, journey(stack, kind, **more))
                seen.append(await look.look())
                await look.close()
                assert browser.open_contexts == 0
            return seen

    def make(browser: JourneyBrowser, spec: Journey) -> JourneyLook:
        return build_journey(
            kind,
            spec,
            stack.web_url,
            browser,
            evidence=folder,
            kept=lambda *kept: files.append(kept),
        )

    return anyio.run(main), files


KINDS = ["checkout", pytest.param("customer", marks=pytest.mark.thorough)]
"""Both walk to the same button."""


class TestWithStaging:
    """Real Chromium, real stack."""

    pytestmark = needs_staging

    @pytest.mark.thorough  # paystack-down sees both good again
    @pytest.mark.parametrize("kind", ["checkout", "customer"])
    def test_a_healthy_shop_is_ok(self, stack: Stack, tmp_path: Path, kind: str) -> None:
        """Paid, granted, in Paystack's ledger, receipt in the inbox; with a PIN and OTP too."""
        seen, files = looks(stack, kind, tmp_path, {}, {"card": "5060666666666666666"})
        assert [(one.health, one.detail) for one in seen] == [(Health.OK, "")] * 2
        for _, path, subject, _ in files:
            assert path.stat().st_size > 1000
            assert subject == kind

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_polite_refusal_is_degraded(self, stack: Stack, tmp_path: Path, kind: str) -> None:
        """Where the shop alone cannot reach Paystack it says so, and nobody is charged."""
        with nameless(stack):
            (seen,), files = looks(stack, kind, tmp_path, {})
        assert seen.health is Health.DEGRADED
        assert seen.detail == (
            "on the way to Paystack: the shop says 'unavailable', nobody was charged"
        )
        assert [path.name for _, path, _, _ in files] == [
            f"{kind}-01-degraded.png",
            f"{kind}-01-degraded.trace.zip",
        ]

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_browser_without_paystack_is_refused_politely(
        self, stack: Stack, tmp_path: Path, kind: str
    ) -> None:
        """Where the browser reaches Paystack as little as the shop does, the page says so."""
        with cut_off(stack, "paystack"):
            (seen,), _ = looks(stack, kind, tmp_path, {})
        assert seen.health is Health.DEGRADED
        assert seen.detail.endswith("the shop says 'unavailable', nobody was charged")

    def test_a_shop_that_is_away_is_down_soon(self, stack: Stack, tmp_path: Path) -> None:
        """A door without a shop behind it is no polite refusal, and is told within seconds."""
        with cut_off(stack, "vauntico-server"):
            (seen,), _ = looks(stack, "checkout", tmp_path, {})
        assert (seen.health, seen.detail) == (
            Health.DOWN,
            "on the sign-up page: the shop is away",
        )

    def test_a_receipt_that_never_comes_is_down(self, stack: Stack, tmp_path: Path) -> None:
        """Charged without a receipt is down: here the engine that grants is cut off."""
        with cut_off(stack, "fulfillment-engine"):
            (seen,), _ = looks(stack, "checkout", tmp_path, {"deadline": "8s"})
        assert (seen.health, seen.detail) == (
            Health.DOWN,
            "waiting for the receipt: nothing more within 8 s, and the customer was charged",
        )

    @pytest.mark.thorough
    def test_what_could_not_be_asked_convicts_nobody(self, stack: Stack, tmp_path: Path) -> None:
        """A purchase that works but that Paystack's ledger cannot confirm is limited, not ok."""
        wrong: dict[str, object] = {"paystack_verify": {"key": "sk_test_wrong"}}
        no_inbox: dict[str, object] = {"inbox": "http://127.0.0.1:9"}
        seen, _ = looks(stack, "checkout", tmp_path, wrong, no_inbox)
        assert [one.health for one in seen] == [Health.LIMITED] * 2

    def test_a_trace_holds_no_key(self, stack: Stack, tmp_path: Path) -> None:
        """The ledger is asked outside the browser, so its key is in no trace."""
        _, files = looks(stack, "checkout", tmp_path, {})
        (trace,) = [path for kind, path, _, _ in files if kind == "trace"]
        with zipfile.ZipFile(trace) as archive:
            for name in archive.namelist():
                assert stack.secret_key.encode() not in archive.read(name), name

    def test_a_cancelled_journey_leaks_nothing(self, stack: Stack, tmp_path: Path) -> None:
        """Cut short at any point, a journey closes its context."""

        async def main() -> None:
            spec = journey(stack, "checkout")
            async with open_browser("test-run", spec.resolve) as browser:
                for tenths in range(1, 13, 2):
                    look = build_journey(
                        "c", spec, stack.web_url, browser, evidence=tmp_path, kept=print
                    )
                    with anyio.move_on_after(tenths / 10):
                        await look.look()
                    await look.close()
                    assert browser.open_contexts == 0

        anyio.run(main)


class Hanging(BaseHTTPRequestHandler):
    """A shop whose form is there, and which hangs up on whoever sends it."""

    def do_GET(self) -> None:
        page = b'<form method="post"><input data-testid="signup-email" name="e"><input '
        page += b'data-testid="signup-password" name="p"><button data-testid="signup-submit">'
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def do_POST(self) -> None:
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.browser
def test_a_connection_that_breaks_is_told_and_not_waited_out(tmp_path: Path) -> None:
    """A shop that hangs up on a form is down by that, and not by the journey's own limit."""
    shop = ThreadingHTTPServer(("127.0.0.1", 0), Hanging)
    threading.Thread(target=shop.serve_forever, daemon=True).start()

    async def main() -> Seen:
        spec = Journey.model_validate({"journey": "checkout", "deadline": "20s"})
        web = f"http://127.0.0.1:{shop.server_port}"
        async with open_browser("test-run", {}) as browser:
            look = build_journey("c", spec, web, browser, evidence=tmp_path, kept=lambda *_: None)
            seen = await look.look()
            await look.close()
            return seen

    try:
        seen = anyio.run(main)
    finally:
        shop.shutdown()
        shop.server_close()

    assert (seen.health, seen.detail) == (Health.DOWN, "after signing up: ERR_EMPTY_RESPONSE")


@pytest.mark.browser
def test_the_browser_is_idle_class_named_and_comes_back() -> None:
    """Chromium yields to the probes, carries the run's name, and is launched again when it dies."""

    async def main() -> None:
        async with open_browser("run-7f", {}) as browser:
            found = chromium_of("run-7f")
            assert found
            assert {os.sched_getscheduler(pid) for pid in found} == {os.SCHED_IDLE}
            running = await browser.start()
            await running.close()
            async with browser.context():
                assert browser.open_contexts == 1
        assert browser.open_contexts == 0
        assert not chromium_of("run-7f")

    anyio.run(main)


def chromium_of(run_id: str) -> list[int]:
    """The processes that carry this run's name."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"DRILL_RUN={run_id}".encode() in variables:
            found.append(int(folder.name))
    return found


def test_no_chromium_tells_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody without a browser is told what to install."""
    monkeypatch.setattr(browser_module, "NAMES", ("no-such-browser",))
    monkeypatch.delenv("DRILL_CHROMIUM", raising=False)
    with pytest.raises(BadInput, match="apt-get install chromium"):
        find_chromium(tmp_path / "none")
    monkeypatch.setenv("DRILL_CHROMIUM", str(tmp_path / "gone"))
    with pytest.raises(BadInput, match="which does not exist"):
        find_chromium(tmp_path / "none")

"""Chromium for the journeys: found, launched out of the probes' way, and always closed."""

import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from drill.errors import BadInput
from validators.probes.hosts import HostSeen
from validators.probes.journeys.routes import Routes, ask

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Playwright

RUN_VARIABLE = "DRILL_RUN"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LAUNCH_LIMIT_S = 30.0
CLOSE_LIMIT_S = 5.0
ARGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A proxy of the machine's is no part of staging.
    "--no-proxy-server",
)
# What Chromium needs of our environment; secrets of the drill's are no business of its.
PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "XDG_RUNTIME_DIR")
NO_CHROMIUM = (
    "no Chromium was found, and journeys need one: `apt-get install chromium`, or "
    "`playwright install chromium`, or put the path of a Chrome into DRILL_CHROMIUM"
)


class JourneyBrowser:
    """One Chromium for all journeys of a drill; launched again should it die."""

    def __init__(
        self, playwright: "Playwright", executable: Path, resolve: Mapping[str, str], run_id: str
    ) -> None:
        self._playwright = playwright
        self._executable = executable
        self._resolve = dict(resolve)
        self._run_id = run_id
        self._browser: Browser | None = None
        self._launching = anyio.Lock()
        self.routes = Routes()

    @property
    def open_contexts(self) -> int:
        """How many contexts are open now; 0 between journeys."""
        return len(self._browser.contexts) if self._browser else 0

    async def start(self) -> "Browser":
        """The running browser, launched if there is none."""
        async with self._launching:
            if self._browser is None or not self._browser.is_connected():
                self._browser = await self._launch()
            return self._browser

    @asynccontextmanager
    async def context(self, *, journey: bool = True) -> AsyncIterator["BrowserContext"]:
        """A customer's own, empty browser profile; closed however the journey ends."""
        browser = await self.start()
        # Both ends under a shield: a cancelled call leaves a context that nobody holds.
        with anyio.CancelScope(shield=True), anyio.fail_after(CLOSE_LIMIT_S):
            context = await browser.new_context(ignore_https_errors=True)
        try:
            with anyio.CancelScope(shield=True), anyio.fail_after(CLOSE_LIMIT_S):
                await self.routes.join(context, journey=journey)
            yield context
        finally:
            self.routes.leave(context)
            with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSE_LIMIT_S):
                await context.close()

    async def ask(self, host: str, patience_s: float) -> HostSeen:
        """What a page of this Chromium, which is no journey's, gets from a host."""
        async with self.context(journey=False) as context:
            return await ask(await context.new_page(), host, patience_s)

    async def close(self) -> None:
        """End Chromium."""
        if self._browser:
            with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSE_LIMIT_S):
                await self._browser.close()

    async def _launch(self) -> "Browser":
        rules = ", ".join(f"MAP {host} {endpoint}" for host, endpoint in self._resolve.items())
        args = [*ARGS, f"--host-resolver-rules={rules}"] if rules else list(ARGS)
        environment = {name: os.environ[name] for name in PASSED if name in os.environ}
        return await self._playwright.chromium.launch(
            executable_path=self._executable,
            args=args,
            chromium_sandbox=os.geteuid() != 0,
            env={**environment, RUN_VARIABLE: self._run_id},
            # Signals are the drill's: it still has to heal and to keep evidence.
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            timeout=LAUNCH_LIMIT_S * 1000,
        )


@asynccontextmanager
async def open_browser(run_id: str, resolve: Mapping[str, str]) -> AsyncIterator[JourneyBrowser]:
    """
    Launch the browser of a drill.

    Args:
        run_id: Goes into the variable DRILL_RUN of Chromium's processes, so that the guardian
            finds them.

        resolve: Host -> address:port of all journeys, as there is one Chromium.

    Raises:
        BadInput: There is no Chromium, or it does not start.
    """
    # Imported here, as it takes a third of a second and most commands open no browser.
    from playwright.async_api import Error, async_playwright  # noqa: PLC0415

    async with AsyncExitStack() as opened:
        playwright = await opened.enter_async_context(async_playwright())
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="drill-chromium-")))
        found = find_chromium(Path(playwright.chromium.executable_path))
        browser = JourneyBrowser(playwright, idle_wrapper(found, folder), resolve, run_id)
        try:
            await browser.start()
        except Error as error:
            first = str(error).strip().splitlines()[0]
            raise BadInput(f"{found} does not start: {first}") from error
        opened.push_async_callback(browser.close)
        yield browser


def find_chromium(own: Path) -> Path:
    """
    Choose a browser: DRILL_CHROMIUM, the system's, or Playwright's *own*.

    Raises:
        BadInput: There is none.
    """
    chosen = os.environ.get("DRILL_CHROMIUM")
    if chosen and not Path(chosen).exists():
        raise BadInput(f"DRILL_CHROMIUM names {chosen}, which does not exist")
    system = next(filter(None, map(shutil.which, NAMES)), None)
    found = chosen or system or (str(own) if own.exists() else None)
    if not found:
        raise BadInput(NO_CHROMIUM)
    return Path(found)


def idle_wrapper(executable: Path, folder: Path) -> Path:
    """Write a script that runs *executable* only where no probe wants the processor."""
    chrt = shutil.which("chrt")
    lower = f"{chrt} --idle 0" if chrt else "nice -n 19"
    script = folder / "chromium"
    script.write_text(f'#!/bin/sh\nexec {lower} "{executable}" "$@"\n')
    script.chmod(stat.S_IRWXU)
    return script

"""One journey as a look: a fresh customer, a limit that names the step, evidence of changes."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio

from drill.verdict import Health
from validators.probes.journeys.browser import JourneyBrowser
from validators.probes.journeys.ledger import Outside
from validators.probes.schedule import Seen
from validators.probes.specs import Journey

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request, Response

EVIDENCE_LIMIT_S = 5.0
# Each change of health is kept, until a flapping shop has been shown often enough.
KEPT_AT_MOST = 8
SHOWN = 80
# A page that says it is away; every shop that can says so.
AWAY = '[data-testid="away"]'
# A page may still be loading this long after the server's error.
PATIENCE_S = 1.0
SERVER_ERROR = 500
Kept = Callable[[Literal["screenshot", "trace"], Path, str, str], None]


@dataclass(frozen=True)
class Customer:
    """Somebody who did not exist before this journey."""

    email: str
    password: str

    @classmethod
    def new(cls) -> "Customer":
        """A customer whom nobody else plays."""
        return cls(f"journey-{secrets.token_hex(8)}@example.com", secrets.token_urlsafe(12))


class BrokenOffError(Exception):
    """The journey cannot go on; the message says why in a few words."""


class Visit:
    """One journey under way: its page, its customer, and where it is."""

    def __init__(self, page: "Page", customer: Customer) -> None:
        self.page = page
        self.customer = customer
        self.step = "at the start"
        self.card_typed = False
        self.refusal: bytes | None = None  # what the page looked like when the shop said no
        self._status = 0
        self._failure = ""
        page.on("response", self._note_status)
        page.on("requestfailed", self._note_failure)

    async def arrive(self, *selectors: str) -> None:
        """
        Wait until the page shows any of these.

        Raises:
            BrokenOffError: It shows that the shop is away, or a server's error and none of these,
                or the connection to it broke.
        """
        from playwright.async_api import TimeoutError as NotYet  # noqa: PLC0415

        wanted = ", ".join((*selectors, AWAY))
        while True:
            try:
                await self.page.wait_for_selector(wanted, timeout=PATIENCE_S * 1000)
                break
            except NotYet:
                if self._status >= SERVER_ERROR:
                    raise BrokenOffError(f"the page answered {self._status}") from None
                if self._failure:
                    raise BrokenOffError(self._failure) from None
        if await self.page.locator(AWAY).count():
            raise BrokenOffError("the shop is away")

    async def shows(self, selector: str) -> bool:
        """Whether the page shows this now."""
        return await self.page.locator(selector).count() > 0

    def _note_status(self, response: "Response") -> None:
        request = response.request
        if request.is_navigation_request() and response.frame == self.page.main_frame:
            self._status, self._failure = response.status, ""

    def _note_failure(self, request: "Request") -> None:
        # A press of a button that leads nowhere raises nothing: the browser shows its own page.
        # Aborted is what the next page did to the one before.
        reason = _reason(request.failure or "")
        if request.is_navigation_request() and reason != "ERR_ABORTED":
            self._failure = reason


class JourneyLook(ABC):
    """A journey that can be looked at again and again; each time by a new customer."""

    def __init__(  # noqa: PLR0913 - each is another part of the drill
        self,
        name: str,
        spec: Journey,
        web: str,
        browser: JourneyBrowser,
        *,
        evidence: Path,
        kept: Kept,
    ) -> None:
        self.name = name
        self.spec = spec
        self.web = (spec.web or web).rstrip("/")
        self.outside = Outside(spec)
        self._browser = browser
        self._evidence = evidence
        self._kept = kept
        self._last: Health | None = None
        self._pictures = 0

    @property
    def deadline_s(self) -> float:
        """Seconds a runner has to grant: the journey's own limit, and time to keep what it saw."""
        return self.spec.deadline + EVIDENCE_LIMIT_S

    async def close(self) -> None:
        """Close what is not the browser's."""
        await self.outside.close()

    async def look(self) -> Seen:
        """Take the journey once."""
        from playwright.async_api import Error  # noqa: PLC0415 - as in browser.py

        try:
            async with self._browser.context() as context:
                await context.tracing.start(snapshots=True, screenshots=False, sources=False)
                visit = Visit(await context.new_page(), Customer.new())
                seen = await self._within_limit(visit)
                with anyio.CancelScope(shield=True), anyio.move_on_after(EVIDENCE_LIMIT_S):
                    await self._keep(context, visit, seen)
                return seen
        except (Error, TimeoutError):
            # Of the drill's own browser, so it says nothing about staging.
            return Seen(Health.LIMITED, "the drill's browser failed", anyio.current_time())

    @abstractmethod
    async def walk(self, visit: Visit) -> Seen:
        """Go the way; errors and limits are the caller's."""

    async def _within_limit(self, visit: Visit) -> Seen:
        from playwright.async_api import Error  # noqa: PLC0415

        visit.page.set_default_timeout(self.spec.deadline * 1000)
        seen = None
        try:
            with anyio.move_on_after(self.spec.deadline):
                seen = await self.walk(visit)
        except Error as error:
            seen = await self.failed(visit, _reason(str(error)))
        except BrokenOffError as error:
            seen = await self.failed(visit, str(error))
        if seen is None:
            seen = await self.failed(visit, f"nothing more within {self.spec.deadline:g} s")
        return Seen(seen.health, seen.detail, anyio.current_time())

    async def failed(self, visit: Visit, reason: str) -> Seen:
        """The journey broke off: down, and worse if the customer was charged."""
        charged = visit.card_typed and await self.outside.charge_to(visit.customer.email)
        if charged == "charged":
            reason += ", and the customer was charged"
        return Seen(Health.DOWN, f"{visit.step}: {reason}")

    async def _keep(self, context: "BrowserContext", visit: Visit, seen: Seen) -> None:
        """Write screenshot and trace when the health is not what it was last time."""
        changed = seen.health is not self._last
        self._last = seen.health
        if not changed or self._pictures >= KEPT_AT_MOST:
            await context.tracing.stop()
            return
        self._pictures += 1
        stem = f"{self.name}-{self._pictures:02d}-{seen.health.word}"
        picture, trace = self._evidence / f"{stem}.png", self._evidence / f"{stem}.trace.zip"
        self._evidence.mkdir(parents=True, exist_ok=True)
        note = seen.detail or visit.step
        picture.write_bytes(visit.refusal or await visit.page.screenshot())
        self._kept("screenshot", picture, self.name, note)
        await context.tracing.stop(path=trace)
        self._kept("trace", trace, self.name, note)


def _reason(text: str) -> str:
    """Playwright's error in a few words, without addresses and call logs."""
    first = text.strip().splitlines()[0] if text.strip() else "the page failed"
    if "net::ERR_" in first:
        return first[first.index("net::") :].split()[0].removeprefix("net::")
    return first.split(": ", 1)[-1][:SHOWN]

"""
What requests to chosen hosts meet, in every context of the journeys' Chromium, open and new.

A rule's hits are counted by what Chromium itself reports of the journeys' requests: that one
failed, was answered so, or has no answer yet. Playwright routes the first request of a chain only,
in all frames; what a redirect leads to is caught by Chromium's own protocol, in each page itself.
"""

import base64
import math
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from validators.probes.hosts import HostMet, HostRule, HostSeen, url_pattern

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession, Page, Request, Response, Route

BY = "x-drill-fault"
"""Names the rule in the answers that are none of the host's own."""
BLOCKED = "ERR_BLOCKED_BY_CLIENT"
INSTEAD = "This answer is a drill's, and none of the host's own."


class Held:
    """One rule in force: what it does to requests, and which it was seen to hit."""

    def __init__(self, rule: HostRule) -> None:
        self.rule = rule
        self.pattern = url_pattern(rule.host)
        self._over = anyio.Event()
        self._sent: dict[Request | str, tuple[float, BrowserContext]] = {}
        """Requests under way, some by their name in Chromium's protocol: since when, and whose."""
        self._hits: list[float] = []
        self._sessions: list[CDPSession] = []

    async def join(self, context: "BrowserContext", *, journey: bool) -> None:
        """Be in force in a context; only a journey's requests are counted."""
        if journey:
            context.on("request", partial(self._note_sent, context))
            context.on("response", self._note_answer)
            context.on("requestfailed", self._note_failure)
        await context.route(self.pattern, self._meet)
        catch = partial(self._catch_redirects, journey=journey)
        context.on("page", catch)
        for page in context.pages:
            await catch(page)

    async def end(self, contexts: Collection["BrowserContext"]) -> None:
        """Let everything through, what is being held as well."""
        from playwright.async_api import Error  # noqa: PLC0415

        self._over.set()
        for context in contexts:
            with suppress(Error):  # Closed in this moment, as its session below.
                await context.unroute(self.pattern)
        for session in self._sessions:
            with suppress(Error):
                await session.detach()

    def met(self) -> HostMet:
        """What was hit up to now."""
        waiting = [late for sent, _ in self._sent.values() for late in self._late(sent)]
        hits = [*self._hits, *waiting]
        return HostMet(hit=len(hits), first=min(hits, default=math.inf))

    def forget(self, context: "BrowserContext") -> None:
        """A context is closed: what waits there waits no longer."""
        for request in [one for one, (_, whose) in self._sent.items() if whose is context]:
            self._ended(request, hit=False)

    async def _meet(self, route: "Route") -> None:
        from playwright.async_api import Error  # noqa: PLC0415 - as in browser.py

        with suppress(Error):  # The page may be gone before its request is let go.
            if self._over.is_set():
                await route.continue_()
            elif self.rule.way == "block":
                await route.abort("blockedbyclient")
            elif self.rule.way == "status":
                await route.fulfill(
                    status=self.rule.status,
                    headers={BY: self.rule.name, "content-type": "text/plain"},
                    body=INSTEAD,
                )
            else:
                await self._wait()
                await route.continue_()

    async def _wait(self) -> None:
        with anyio.move_on_after(self.rule.delay_s):
            await self._over.wait()

    async def _catch_redirects(self, page: "Page", *, journey: bool) -> None:
        from playwright.async_api import Error  # noqa: PLC0415

        wanted = [f"*://{self.rule.host.lower()}{rest}" for rest in ("/*", ":*")]
        with suppress(Error):
            if self._over.is_set():
                return
            session = await page.context.new_cdp_session(page)
            self._sessions.append(session)
            if journey:
                # Playwright tells nothing of a request that ends here before it has begun.
                session.on("Network.responseReceived", self._note_redirected)
                session.on("Network.loadingFailed", self._note_redirect_failed)
                await session.send("Network.enable")
            whose = page.context if journey else None
            session.on("Fetch.requestPaused", partial(self._meet_redirect, session, whose))
            patterns = [{"urlPattern": one} for one in wanted]
            await session.send("Fetch.enable", {"patterns": patterns})

    async def _meet_redirect(
        self, session: "CDPSession", whose: "BrowserContext | None", paused: dict[str, Any]
    ) -> None:
        from playwright.async_api import Error  # noqa: PLC0415

        redirected = paused.get("redirectedRequestId")
        ours = redirected and self.pattern.match(paused["request"]["url"])
        which = {"requestId": paused["requestId"]}
        with suppress(Error):
            if not ours or self._over.is_set():  # The first of a chain is routed.
                await session.send("Fetch.continueRequest", which)
                return
            if whose is not None:
                self._sent[paused["networkId"]] = (anyio.current_time(), whose)
            if self.rule.way == "block":
                reason = {"errorReason": "BlockedByClient"}
                await session.send("Fetch.failRequest", which | reason)
            elif self.rule.way == "status":
                await session.send("Fetch.fulfillRequest", which | self._answer())
            else:
                await self._wait()
                await session.send("Fetch.continueRequest", which)

    def _answer(self) -> dict[str, object]:
        headers = {BY: self.rule.name, "content-type": "text/plain"}
        return {
            "responseCode": self.rule.status,
            "responseHeaders": [{"name": n, "value": v} for n, v in headers.items()],
            "body": base64.b64encode(INSTEAD.encode()).decode(),
        }

    def _note_sent(self, whose: "BrowserContext", request: "Request") -> None:
        if self.pattern.match(request.url) and not self._over.is_set():
            self._sent[request] = (anyio.current_time(), whose)

    def _note_answer(self, response: "Response") -> None:
        self._ended(response.request, hit=self._is_ours(response.headers))

    def _note_failure(self, request: "Request") -> None:
        self._ended(request, hit=self._is_block(request.failure))

    def _note_redirected(self, received: dict[str, Any]) -> None:
        headers = {str(n).lower(): str(v) for n, v in received["response"]["headers"].items()}
        self._ended(received["requestId"], hit=self._is_ours(headers))

    def _note_redirect_failed(self, failed: dict[str, Any]) -> None:
        self._ended(failed["requestId"], hit=self._is_block(failed.get("errorText")))

    def _is_ours(self, headers: Mapping[str, str]) -> bool:
        return self.rule.way == "status" and headers.get(BY) == self.rule.name

    def _is_block(self, error: str | None) -> bool:
        return self.rule.way == "block" and BLOCKED in (error or "")

    def _ended(self, request: "Request | str", *, hit: bool) -> None:
        sent, _ = self._sent.pop(request, (math.inf, None))
        self._hits += [anyio.current_time()] if hit and sent < math.inf else self._late(sent)

    def _late(self, sent: float) -> list[float]:
        """When a request of then was late, if the rule is to make it so and it was."""
        late_at = sent + self.rule.late_s
        slow = self.rule.way == "slow" and anyio.current_time() >= late_at
        return [late_at] if slow else []


class Routes:
    """The rules of one Chromium, and the contexts that they are in force in."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._open: dict[BrowserContext, bool] = {}

    @property
    def held(self) -> Mapping[str, HostRule]:
        """The rules in force, by name."""
        return {name: one.rule for name, one in self._held.items()}

    async def join(self, context: "BrowserContext", *, journey: bool) -> None:
        """A context was opened, of a journey or of the drill's own looks."""
        self._open[context] = journey
        for one in list(self._held.values()):
            await one.join(context, journey=journey)

    def leave(self, context: "BrowserContext") -> None:
        """A context is closed."""
        self._open.pop(context, None)
        for one in self._held.values():
            one.forget(context)

    async def divert(self, rule: HostRule) -> None:
        """Bring a rule into force; one that is in force already stays."""
        from playwright.async_api import Error  # noqa: PLC0415

        if rule.name in self._held:
            return
        held = self._held[rule.name] = Held(rule)
        for context, journey in list(self._open.items()):
            with suppress(Error):  # Closed in this moment.
                await held.join(context, journey=journey)

    async def let_through(self, name: str) -> HostMet | None:
        """Take a rule away, idempotent; what it hit, None if it was not in force."""
        held = self._held.pop(name, None)
        if held is None:
            return None
        met = held.met()
        await held.end(list(self._open))
        return met

    def met(self, name: str) -> HostMet | None:
        """What a rule has hit up to now, None if it is not in force."""
        held = self._held.get(name)
        return held.met() if held else None


async def ask(page: "Page", host: str, patience_s: float) -> HostSeen:
    """Ask *host* for its first page, as any page of the browser would, and see what comes."""
    from playwright.async_api import Error  # noqa: PLC0415
    from playwright.async_api import TimeoutError as NotYet  # noqa: PLC0415

    answers: list[Response] = []

    def keep(answer: "Response") -> None:
        answers.append(answer)

    page.on("response", keep)  # Playwright leaves a mark on it, which a method of a list refuses.
    error = ""
    sent = anyio.current_time()
    try:
        await page.goto(f"https://{host}/", timeout=patience_s * 1000, wait_until="commit")
    except NotYet:
        pass
    except Error as failed:
        first = str(failed).strip().splitlines()[0]
        error = first[first.index("net::") :].split()[0] if "net::" in first else first
    got = anyio.current_time()
    if answers:  # An answer without a page in it is an error to the browser, and an answer to us.
        by = answers[0].headers.get(BY, "")
        return HostSeen(host, "answered", sent, got, status=answers[0].status, by=by)
    if error:
        return HostSeen(host, "failed", sent, got, error=error.removeprefix("net::"))
    return HostSeen(host, "silent", sent, got)

"""A Chromium that exists only in virtual time, as a part of the fake staging."""

import math
from collections.abc import Collection, Mapping

import anyio
import anyio.lowlevel

from experiments.runtime.browsing import Browsing
from validators.probes.hosts import HostMet, HostRule, HostSeen

ANSWER_S = 0.01


class FakeRoutes:
    """Rules by name; journeys are hit from `hit_at` on. With `dead` a rule does nothing."""

    def __init__(self) -> None:
        self.rules: dict[str, HostRule] = {}
        self.hit_at = math.inf
        self.dead = False

    @property
    def held(self) -> Mapping[str, HostRule]:
        return self.rules

    async def divert(self, rule: HostRule) -> None:
        await anyio.lowlevel.checkpoint()
        self.rules[rule.name] = rule

    async def let_through(self, name: str) -> HostMet | None:
        await anyio.lowlevel.checkpoint()
        met = self.met(name)
        self.rules.pop(name, None)
        return met

    def met(self, name: str) -> HostMet | None:
        if name not in self.rules:
            return None
        hit = anyio.current_time() >= self.hit_at
        return HostMet(hit=2, first=self.hit_at) if hit else HostMet(hit=0)


class FakeChromium:
    """Hosts that answer 200, unless they are `away` or a rule says otherwise."""

    def __init__(self, away: Collection[str] = ()) -> None:
        self.routes = FakeRoutes()
        self.away = set(away)
        self.asked: list[str] = []

    async def ask(self, host: str, patience_s: float) -> HostSeen:
        self.asked.append(host)
        sent = anyio.current_time()
        rule = next(iter(self.routes.rules.values()), None)
        late = rule is not None and rule.way == "slow" and rule.delay_s >= patience_s
        await anyio.sleep(patience_s if late and not self.routes.dead else ANSWER_S)
        got = anyio.current_time()
        if host in self.away:
            return HostSeen(host, "failed", sent, got, error="ERR_NAME_NOT_RESOLVED")
        if rule is None or self.routes.dead:
            return HostSeen(host, "answered", sent, got, status=200)
        if rule.way == "block":
            return HostSeen(host, "failed", sent, got, error="ERR_BLOCKED_BY_CLIENT")
        if rule.way == "slow":
            return HostSeen(host, "silent", sent, got)
        return HostSeen(host, "answered", sent, got, status=rule.status, by=rule.name)


class FakeBrowser(Browsing):
    """The part of the fake staging that has a Chromium."""

    def __init__(self) -> None:
        self.chromium = FakeChromium()
        self.use_browser(self.chromium, ("api.paystack.co", "js.paystack.co"))

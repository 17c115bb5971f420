"""Silences in Alertmanager: how an engineer says there that an alert is being taken care of."""

import re
from collections.abc import Mapping, Sequence

import anyio
import msgspec

from validators.probes.alerts.api import LOOK_LIMIT_S, Answer, Api, decode
from validators.probes.alerts.base import Unreadable

PATTERN_LIMIT = 1000
PATH = "/api/v2/silences"


class Matcher(msgspec.Struct, frozen=True):
    """One condition on a label; a label that is not there counts as empty."""

    name: str
    value: str
    isRegex: bool = False  # noqa: N815 - Alertmanager's own names
    isEqual: bool = True  # noqa: N815

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether *labels* meet it; a pattern that cannot be read holds for nothing."""
        value = labels.get(self.name, "")
        if not self.isRegex:
            return (value == self.value) == self.isEqual
        try:
            met = len(self.value) <= PATTERN_LIMIT and re.fullmatch(self.value, value)
        except (re.error, OverflowError, RecursionError):
            return False
        return bool(met) == self.isEqual


class State(msgspec.Struct, frozen=True):
    """Whether it is `active`, `pending` or `expired`."""

    state: str = ""


class Silence(msgspec.Struct, frozen=True):
    """Who silenced what, and why."""

    id: str
    matchers: list[Matcher]
    createdBy: str = ""  # noqa: N815
    comment: str = ""
    startsAt: str = ""  # noqa: N815
    status: State = State()

    @property
    def active(self) -> bool:
        """Whether it is in force now."""
        return self.status.state == "active"

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels is silenced by it."""
        return bool(self.matchers) and all(matcher.holds(labels) for matcher in self.matchers)


class Silences:
    """Reads Alertmanager's silences."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def silences(self) -> Sequence[Silence]:
        """All silences, oldest first; raises Unreadable."""
        try:
            with anyio.fail_after(LOOK_LIMIT_S):
                return parse_silences(await self.api.get(PATH))
        except TimeoutError:
            raise Unreadable(f"no answer within {LOOK_LIMIT_S:g} s") from None

    async def close(self) -> None:
        """Close what is open."""
        await self.api.close()


def parse_silences(answer: Answer) -> list[Silence]:
    """Read one answer, oldest first; raises Unreadable."""
    return sorted(decode(answer.body, list[Silence]), key=lambda silence: silence.startsAt)

"""Sentry: error groups of an organisation whose title names what was promised."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import msgspec

from drill.incident import Source
from validators.probes.alerts.api import Answer, Api, HttpSource, decode, wall_time
from validators.probes.alerts.base import AlertReading

PAGES = 5
PER_PAGE = 100
CURSOR = re.compile(r'rel="next"\s*;\s*results="true"\s*;\s*cursor="([^"<>]{1,200})"')


class Metadata(msgspec.Struct, frozen=True):
    """What the group is about, as far as it is text."""

    type: object = ""
    value: object = ""


class Issue(msgspec.Struct, frozen=True):
    """One error group; its times have a resolution of one second."""

    id: str
    firstSeen: str  # noqa: N815 - Sentry's own names
    lastSeen: str  # noqa: N815
    title: str = ""
    culprit: str | None = None
    shortId: str | None = None  # noqa: N815
    metadata: Metadata | None = None

    def text(self) -> str:
        """Everything a name may be looked for in."""
        meta = self.metadata or Metadata()
        return " ".join(map(str, (self.title, self.culprit, self.shortId, meta.type, meta.value)))


class Sentry(HttpSource):
    """
    Error groups, by the organisation's endpoint.

    A group fires when it was first seen. One that was there at the first look fires once more when
    it is seen again: between the last time it had been seen by then and the new one.

    Args:
        api: Sentry's address, with a token.

        organization: Its short name.

        project: The number of the project; None for all.

        words: What to look for in titles; a group without any of them is not told.
    """

    name = "sentry"
    source: Source = "sentry"
    resolution_s = 1.0

    def __init__(
        self, api: Api, organization: str, project: str | None, words: Sequence[str]
    ) -> None:
        super().__init__(api)
        self._path = f"/api/0/organizations/{quote(organization, safe='')}/issues/"
        self._project = project
        self._words = words
        self._looked = False
        self._known: dict[str, float] = {}

    async def read(self) -> list[AlertReading]:
        cursor = ""
        readings: list[AlertReading] = []
        for _ in range(PAGES):
            # Without a query of our own Sentry gives only what is unresolved.
            params = [("query", ""), ("sort", "date"), ("limit", str(PER_PAGE))]
            params += [("project", self._project)] if self._project else []
            params += [("cursor", cursor)] if cursor else []
            answer = await self.api.get(self._path, params)
            readings += self.parse(answer)
            # The cursor alone: a link may lead elsewhere, and the token must not.
            cursor = next_cursor(answer.link)
            if not cursor:
                break
        self._looked = True
        return readings

    def parse(self, answer: Answer) -> list[AlertReading]:
        """Read one page; raises Unreadable."""
        return [
            reading for issue in decode(answer.body, list[Issue]) for reading in self._steps(issue)
        ]

    def _steps(self, issue: Issue) -> Iterator[AlertReading]:
        text = issue.text().casefold()
        word = next((word for word in self._words if word.casefold() in text), None)
        if word is None:
            return
        first, last = wall_time(issue.firstSeen), wall_time(issue.lastSeen) or 0.0
        reading = AlertReading(
            alert=word,
            state="firing",
            key=f"{issue.id}|first",
            wall_s=first,
            labels={"issue": issue.shortId or issue.id},
            evidence=f"{self.api.shown}{self._path}{issue.id}/",
        )
        yield reading
        before = self._known.get(issue.id)
        if before is not None and last > before:
            del self._known[issue.id]
            yield msgspec.structs.replace(
                reading, key=f"{issue.id}|again", wall_s=last, not_before_s=before
            )
        elif not self._looked:
            self._known[issue.id] = last


def next_cursor(link: str) -> str:
    """The cursor of the next page from a Link header, empty if there is none."""
    found = CURSOR.search(link)
    return found[1] if found else ""

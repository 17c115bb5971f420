"""A game day: recorder, incident, control and page are real, staging and answers are made up."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio
import anyio.lowlevel
import httpx
import msgspec

from drill.incident import Acted, IncidentPlanned, MessageSent, MomentName
from drill.journal import Journal
from drill.records import Record
from experiments.control import Control, Refused, Word
from experiments.gameday.serve import Page, open_page
from experiments.gameday.snapshot import Board
from experiments.incident import Incident, Mark
from experiments.recorder import Recorder
from tests.experiments.fakes import FakeSink
from tests.experiments.gameday import journals

SETS: dict[str, MomentName] = {
    "acknowledge": "acknowledged",
    "contain": "contained",
    "resolve": "resolved",
}
RESOLVERS = {"", "technical-lead"}
LIMIT_S = 10.0


class GameDay:
    """
    An incident whose fault is in force; `control.answer` is a small responder by script.

    Only a technical lead may resolve, so that a refusal can be provoked that no button foresees.
    """

    def __init__(self, scale: float = 1.0) -> None:
        # The journal's clock stands at 12 s when the page opens.
        self.recorder = Recorder(FakeSink(), anyio.current_time() - 12.0)
        self.control = Control()
        self.control.answer = self.answer
        self.scale = scale
        for record in journals.broken():
            if not isinstance(record, IncidentPlanned):
                self.recorder.add(record)
        plan = journals.planned(scale)
        self.recorder.add(plan)
        self.incident = Incident(self.recorder, plan)

    @property
    def journal(self) -> Journal:
        """What was written."""
        return self.recorder.journal

    def add(self, *records: Record) -> None:
        """Write these."""
        for record in records:
            self.recorder.add(record)

    def detect(self) -> None:
        """The promised alert fires now."""
        now = self.recorder.t()
        self.add(journals.firing(now)[0])
        self.incident.set("detected", Mark(source="PaystackUnreachable firing"))

    async def answer(self, word: Word) -> str:
        """Do what the real responder would, without hands."""
        await anyio.lowlevel.checkpoint()
        role = word.role or "incident-commander"
        if word.say == "resolve" and word.role not in RESOLVERS:
            raise Refused(f"only the technical-lead resolves, and {word.actor} is {word.role}")
        now = self.recorder.t()
        if word.say == "update":
            self.add(
                MessageSent(now, "slack", "internal", "update", now, now, word.actor, role,
                            "200 ok", f"[DRILL] {word.text}")
            )  # fmt: skip
            return "the update went out to slack"
        moment = self.incident.set(SETS[word.say], Mark(actor=word.actor, role=role))
        self.add(Acted(now, f"p-{word.say}", word.say, "done", word.actor, role, word.via,
                       moment.name, "said so"))  # fmt: skip
        return f"it is {moment.name}"


@asynccontextmanager
async def opened(day: GameDay) -> AsyncIterator[tuple[Page, httpx.AsyncClient]]:
    """The page of *day*, and a client that has its token."""
    with anyio.fail_after(LIMIT_S * 3):
        async with open_page(day.recorder, day.control, day.journal.header.id) as page:
            assert page is not None
            async with client(page) as asking:
                yield page, asking


def client(page: Page, **headers: str) -> httpx.AsyncClient:
    """A client of this page."""
    token = page.link.partition("#")[2]
    given = {"Authorization": f"Bearer {token}"} | headers
    return httpx.AsyncClient(base_url=page.url, headers=given, trust_env=False, timeout=LIMIT_S)


async def frames(asking: httpx.AsyncClient) -> AsyncGenerator[tuple[str, bytes], None]:
    """The server-sent events, as (event, data)."""
    async with asking.stream("GET", "/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        event = ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            if name == "data":
                yield event, value.encode()


async def boards(asking: httpx.AsyncClient) -> AsyncGenerator[Board, None]:
    """The snapshots alone."""
    async with aclosing(frames(asking)) as every:
        async for event, data in every:
            if event == "board":
                yield msgspec.json.decode(data, type=Board)


async def first_board(asking: httpx.AsyncClient) -> Board:
    """What a page sees that has just been loaded."""
    async with aclosing(boards(asking)) as shown:
        return await anext(shown)

"""`POST /control` over real HTTP on loopback."""

import pytest

from drill.errors import DrillError
from drill.events import Note
from drill.incident import Acted
from tests.experiments.gameday.gameday import GameDay, client, opened

pytestmark = pytest.mark.anyio
ACK = {"say": "acknowledge", "as": "Ada"}


async def test_what_is_said_reaches_the_drill_in_the_order_of_the_playbook() -> None:
    """Four words are taken, each with its actor, role and way in the journal."""
    day = GameDay()
    day.detect()
    async with opened(day) as (page, asking):
        answer = await asking.post("/control", json=ACK)
        assert (answer.status_code, answer.json()) == (200, {"came": "it is acknowledged"})
        web = client(page, Origin=page.url)
        for say, text in (("update", "we are on it"), ("contain", ""), ("resolve", "")):
            said = {"say": say, "as": "Bo", "role": "technical-lead", "text": text}
            assert (await web.post("/control", json=said)).status_code == 200
        await web.aclose()
    acts = [(act.do, act.actor, act.role, act.via) for act in day.journal.every(Acted)]
    assert acts == [
        ("acknowledge", "Ada", "incident-commander", "command"),
        ("contain", "Bo", "technical-lead", "page"),
        ("resolve", "Bo", "technical-lead", "page"),
    ]


async def test_what_is_out_of_order_is_refused_with_its_reason() -> None:
    """409, and nothing is written."""
    day = GameDay()
    day.detect()
    async with opened(day) as (_, asking):
        answer = await asking.post("/control", json={"say": "resolve", "as": "Ada"})
        assert answer.status_code == 409
        reason = "it cannot be resolved yet: it has not been acknowledged"
        assert answer.json() == {"reason": reason}
        day.control.answer = None
        answer = await asking.post("/control", json=ACK)
        assert answer.status_code == 409
        assert "there is no incident now" in answer.json()["reason"]
    assert list(day.journal.every(Acted)) == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"say": "acknowledge"}, "as"),
        ({"say": "explode", "as": "Ada"}, "explode"),
        ({"say": "acknowledge", "as": "  "}, "say who you are"),
        ({"say": "acknowledge", "as": "A" * 81}, "at most 80"),
        ({"say": "acknowledge", "as": "Ada\x1b[2J"}, "printable"),
        ({"say": "update", "as": "Ada"}, "needs its text"),
        ({"say": "update", "as": "Ada", "text": "x" * 2001}, "at most"),
        ({"say": "update", "as": "Ada", "text": "x" * 20000}, "16384 bytes"),
        ({"say": "acknowledge", "as": "Ada", "via": "silence"}, "via"),
        ({"say": "acknowledge", "as": "Ada", "role": "tecnical-lead"}, "'technical-lead'"),
    ],
)
async def test_what_cannot_be_used_is_a_bad_request(said: dict[str, str], reason: str) -> None:
    """400 with the reason, and nobody hears of it."""
    day = GameDay()
    day.detect()
    async with opened(day) as (_, asking):
        answer = await asking.post("/control", json=said)
    assert answer.status_code == 400
    assert reason in answer.json()["reason"]
    assert list(day.journal.every(Acted)) == []


async def test_only_json_is_read() -> None:
    """A form, which any web page may post without asking, is none."""
    async with opened(GameDay()) as (_, asking):
        answer = await asking.post("/control", data=ACK)
    assert answer.status_code == 400


async def test_a_failing_drill_answers_with_its_reason() -> None:
    """What the responder could not do is told; what it never foresaw is noted."""
    day = GameDay()
    raised: list[Exception] = [DrillError("the rollback failed"), RuntimeError("oops")]

    async def failing(_: object) -> str:
        raise raised.pop(0)

    day.control.answer = failing
    async with opened(day) as (_, asking):
        answer = await asking.post("/control", json=ACK)
        assert (answer.status_code, answer.json()["reason"]) == (500, "the rollback failed")
        answer = await asking.post("/control", json=ACK)
        assert answer.status_code == 500
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (await asking.get("/")).status_code == 200
    notes = [note.text for note in day.journal.every(Note)]
    assert notes == ["the live page could not answer /control: RuntimeError: oops"]

"""Customers' own sessions, over real sockets."""

import pytest
from pydantic import SecretStr

from tests.validators.ledger.web import Asked, Reply, serving
from validators.ledger.readers.session import TRIES, Sessions
from validators.ledger.specs import SessionReader

pytestmark = pytest.mark.anyio
SPEC = SessionReader(
    password=SecretStr("a made-up word"), shows='data-testid="pass-{product}"', signin="/in"
)


async def test_a_session_is_its_own_customers() -> None:
    """Each customer's dashboard is asked with the cookie of that customer and no other."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/in":
            who = asked.form["email"]
            assert asked.form["password"] == "a made-up word"  # pragma: allowlist secret - made up
            if who == "c@d.e":
                return Reply(401)
            return Reply(303, headers={"set-cookie": f"session={who}; HttpOnly", "location": "/"})
        owner = asked.headers["cookie"].removeprefix("session=")
        return Reply(body=f'<p data-testid="pass-{"p" if owner == "a@d.e" else "q"}">')

    async with serving(answer) as url:
        sessions = Sessions(SPEC, url)
        seen = await sessions.usable([("a@d.e", "p"), ("b@d.e", "p"), ("c@d.e", "p")])
        await sessions.close()

    assert seen.complete
    assert [one.usable for one in seen.rows] == [True, False, False]


@pytest.mark.parametrize("bad", [Reply(503), Reply(429), None], ids=["503", "429", "nothing"])
async def test_a_session_that_cannot_be_asked_is_not_known(
    bad: Reply | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some tries it is neither usable nor unusable, and the reading says so."""
    monkeypatch.setattr("validators.ledger.readers.session.PAUSE_S", 0.0)
    heard: list[str] = []

    def answer(asked: Asked) -> Reply | None:
        heard.append(asked.path)
        return bad

    async with serving(answer) as url:
        sessions = Sessions(SPEC, url)
        seen = await sessions.usable([("a@d.e", "p")])
        await sessions.close()

    assert (seen.complete, seen.rows[0].usable) == (False, None)
    assert len(heard) == TRIES


async def test_a_dashboard_that_fails_is_not_an_empty_one() -> None:
    """A 404 after signing in is no proof that the customer has nothing."""

    def answer(asked: Asked) -> Reply:
        return Reply(303, headers={"location": "/"}) if asked.path == "/in" else Reply(404)

    async with serving(answer) as url:
        sessions = Sessions(SPEC, url)
        seen = await sessions.usable([("a@d.e", "p")])
        await sessions.close()

    assert (seen.complete, seen.rows[0].usable) == (False, None)
    assert "HTTP 404" in seen.reason

"""Who may speak to the drill, over real HTTP on loopback."""

import socket
import stat
from pathlib import Path

import anyio
import httpx
import pytest

from drill.incident import Acted
from experiments.gameday.access import HEADERS
from tests.experiments.gameday.gameday import LIMIT_S, GameDay, opened

pytestmark = pytest.mark.anyio
ACK = {"say": "acknowledge", "as": "Ada"}


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic eDp5", "Bearer", "Bearer \xff"])
async def test_without_the_token_nothing_is_told_or_taken(header: str) -> None:
    """401, for the state as for the words."""
    day = GameDay()
    day.detect()
    async with opened(day) as (page, _):
        headers = {b"Authorization": header.encode("latin-1")}
        async with httpx.AsyncClient(base_url=page.url, trust_env=False) as stranger:
            for answer in (
                await stranger.post("/control", json=ACK, headers=headers),
                await stranger.get("/events", headers=headers),
                await stranger.get("/nothing", headers=headers),
            ):
                assert answer.status_code == 401
                assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert list(day.journal.every(Acted)) == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "evil.example:{port}", ""])
async def test_another_name_for_loopback_is_refused(host: str) -> None:
    """A name that somebody made resolve to 127.0.0.1 gets not even the page."""
    async with opened(GameDay()) as (page, asking):
        given = {"Host": host.format(port=page.url.rpartition(":")[2])}
        for path in ("/", "/events"):
            assert (await asking.get(path, headers=given)).status_code in {400, 421}
        localhost = {"Host": page.url.replace("http://127.0.0.1", "localhost")}
        assert (await asking.get("/", headers=localhost)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}],
)
async def test_another_web_page_is_refused_even_with_the_token(headers: dict[str, str]) -> None:
    """Also one on another port of this machine."""
    day = GameDay()
    day.detect()
    async with opened(day) as (_, asking):
        answer = await asking.post("/control", json=ACK, headers=headers)
    assert answer.status_code == 403
    assert list(day.journal.every(Acted)) == []


async def test_nothing_is_changed_by_looking() -> None:
    """GET and HEAD take no word."""
    day = GameDay()
    day.detect()
    async with opened(day) as (_, asking):
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            answer = await asking.request(method, "/control", params=ACK)
            assert answer.status_code == 405
    assert list(day.journal.every(Acted)) == []


async def test_every_answer_carries_the_headers_and_the_page_loads_nothing_from_outside() -> None:
    """No script or style but the package's own files, none of them inline."""
    async with opened(GameDay()) as (_, asking):
        for path in ("/", "/page.css", "/page.js", "/icon.svg", "/nothing"):
            answer = await asking.get(path)
            assert HEADERS.items() <= {k: answer.headers[k] for k in HEADERS}.items()
            if path != "/icon.svg":  # Its namespace is a name and no address.
                assert "://" not in answer.text
        html = (await asking.get("/")).text
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "<style" not in html
    assert "style=" not in html


async def test_it_listens_on_loopback_only() -> None:
    """The machine's other addresses refuse."""
    async with opened(GameDay()) as (page, _):
        port = int(page.url.rpartition(":")[2])
        with socket.socket() as other:
            other.settimeout(LIMIT_S)
            # All of 127/8 is this machine; only one of its addresses answers.
            assert other.connect_ex(("127.0.0.2", port)) != 0
        async with await anyio.connect_tcp("127.0.0.1", port):
            pass


async def test_no_file_note_or_output_holds_the_token(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is in the link for the terminal, and in the file that only its user can read."""
    day = GameDay()
    async with opened(day) as (page, asking):
        token = page.link.partition("#")[2]
        await asking.get("/events", headers={"Authorization": token})
        await asking.post("/control", json=ACK)
        assert [mode for text, mode in files(tmp_path) if token in text] == [0o600]
    assert token not in "".join(str(event) for event in day.journal.events)
    assert token not in "".join(capfd.readouterr())
    assert files(tmp_path) == []


def files(folder: Path) -> list[tuple[str, int]]:
    """Text and mode of every file below *folder*."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return [(path.read_text(), stat.S_IMODE(path.stat().st_mode)) for path in found]

"""The channels of the environments, and the communicator with real ones on real sockets."""

import re
from collections.abc import Callable
from pathlib import Path

import anyio
import msgspec
import pytest
from pydantic import SecretStr

from experiments.comms.build import build
from experiments.environment import find_environment, load_environment
from experiments.environment_parts import Channels, Email
from experiments.incident import Mark
from tests.experiments.comms.room import MAIL, SLACK, SUMMARY, Room
from tests.experiments.comms.servers import Smtp, Web, listening

# What a variable of the example stands for, where no other address would do.
GIVEN = {
    "DRILL_SLACK_WEBHOOK": "https://hooks.example/x",
    "DRILL_SMTP": "smtp://mail.example:587",
    "SHOP_READ_DSN": "postgresql://reader@127.0.0.1:5432/shop",
}


def channels_of(path: Path) -> Channels:
    """The channels of an environment's file."""
    channels = load_environment(path)[0].channels
    assert channels is not None
    return channels


@pytest.mark.parametrize("name", ["bundled", "vauntico"])
def test_an_environment_reaches_all_whom_the_playbook_tells(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack and mail are built, and there are addresses for both audiences and who is paged."""
    path = find_environment(name)
    if name == "vauntico":
        for each in set(re.findall(r"\$\{([A-Z_]+)\}", path.read_text())):
            address = "team@vauntico.example" if "MAIL" in each else "staging.vauntico.example"
            monkeypatch.setenv(each, GIVEN.get(each, address))
    channels = channels_of(path)
    assert set(build(channels)) == {"slack", "email"}
    assert channels.email is not None
    assert {"customers", "stakeholders", "technical-lead"} <= set(channels.email.to)


def test_the_bundled_environment_writes_to_nobody_who_could_exist() -> None:
    """Every address is of a domain that is reserved for examples."""
    email = channels_of(find_environment("bundled")).email
    assert email is not None
    addresses = [email.sender, *(one for some in email.to.values() for one in some)]
    assert [each for each in addresses if not each.endswith(".example")] == []


async def until(done: Callable[[], bool]) -> None:
    """Wait for what the servers have, for some seconds at most."""
    with anyio.fail_after(10):
        while not done():
            await anyio.sleep(0.01)


def test_a_whole_incident_is_told_over_real_sockets() -> None:
    """On asyncio, as a drill runs: each server took the first, updates, the final, in order."""
    web, smtp = Web(), Smtp()
    email = Email(
        smtp=SecretStr("smtp://127.0.0.1:1"),
        sender="incidents@vauntico.example",
        to={"customers": ("ada@customers.example",), "stakeholders": ("eve@vauntico.example",)},
    )

    def subjects(*, summary: bool) -> list[str]:
        found = [str(mail["Subject"]) for mail in smtp.mails]
        return [each for each in found if ("Executive" in each) is summary]

    async def story(room: Room) -> None:
        room.incident.set("detected", Mark())
        await until(lambda: min(len(web.asked), len(smtp.mails)) >= 3)
        room.incident.set("acknowledged", Mark())
        room.incident.set("resolved", Mark())
        await room.communicator.summarise()
        await until(lambda: len([x for x in room.attempts() if x.kind == "final" and x.sent]) == 2)

    async def main() -> Room:
        async with listening(web), listening(smtp):
            address = SecretStr(f"smtp://127.0.0.1:{smtp.port}")
            mail = email.model_copy(update={"smtp": address})
            channels = build(Channels(slack=SecretStr(web.url), email=mail))
            # Two minutes of the playbook are a fifth of a second.
            often = [msgspec.structs.replace(each, every_s=120.0) for each in (SLACK, MAIL)]
            room = Room(channels, *often, SUMMARY)
            await room.live(story)
            return room

    room = anyio.run(main)
    first, *updates, final = [
        str(body["text"]).split(":")[0] for _, _, body in web.asked if isinstance(body, dict)
    ]
    assert (first, final) == ("[DRILL] Incident", "[DRILL] Resolved")
    assert set(updates) == {"[DRILL] Update"}
    working, *_, solved = subjects(summary=False)
    assert working == "[DRILL] We are working on a problem with our service"
    assert solved == "[DRILL] Solved: the problem with our service"
    assert len(subjects(summary=True)) == 1
    assert "hook-secret" not in repr(room.recorder.journal.events)

"""Both channels against the bundled inbox: what a server said it took can be read back."""

import anyio
import httpx
import pytest
from pydantic import SecretStr

from experiments.comms.build import build
from experiments.comms.ports import Acceptance, Message
from experiments.environment_parts import Channels, Email, SlackApi
from tests.staging.stack import Stack

pytestmark = pytest.mark.docker
CUSTOMER = "ada@customers.example"
TEXT = "[DRILL] Update\n[DRILL] This is a rehearsal on staging.\n\nit is <down> & out\n"


def read(stack: Stack, what: str, **query: str) -> list[dict[str, object]]:
    """What the inbox shows."""
    with httpx.Client(trust_env=False, base_url=stack.inbox_url) as client:
        found: list[dict[str, object]] = client.get(f"/api/{what}", params=query).json()
        return found


def send(channels: Channels, message: Message) -> dict[str, Acceptance]:
    """Send by every channel, as a drill does on asyncio."""

    async def main() -> dict[str, Acceptance]:
        with anyio.fail_after(20):
            return {name: await each.send(message) for name, each in build(channels).items()}

    return anyio.run(main)


def test_a_post_and_a_mail_are_accepted_and_can_be_read_back(stack: Stack) -> None:
    """The webhook's ok and the reply to DATA are true: the inbox has both, as they were sent."""
    email = Email(
        smtp=SecretStr(f"smtp://127.0.0.1:{stack.smtp_port}"),
        sender="incidents@vauntico.example",
        to={"customers": (CUSTOMER,)},
    )
    hook = SecretStr(f"{stack.inbox_url}/slack/incidents")
    message = Message("d7.c.1", "d7", "customers", "[DRILL] Update", TEXT)
    taken = send(Channels(slack=hook, email=email), message)
    assert taken["slack"] == Acceptance("Slack answered 200: ok")
    assert "250 kept" in taken["email"].evidence
    posted = next(each for each in read(stack, "slack") if each["via"] == "hook incidents")
    assert posted["text"] == TEXT.replace("<", "&lt;").replace(">", "&gt;").replace(
        " & ", " &amp; "
    )
    (mail,) = read(stack, "messages", to=CUSTOMER)
    assert (mail["subject"], mail["message_id"]) == (
        "[DRILL] Update",
        "<d7.c.1@vauntico.example>",
    )
    assert str(mail["text"]).replace("\r\n", "\n") == TEXT


def test_the_inbox_takes_a_post_by_the_api_too(stack: Stack) -> None:
    """chat.postMessage answers with a time stamp, and the post is in the named channel."""
    api = SlackApi(url=f"{stack.inbox_url}/api/chat.postMessage", token=SecretStr("xoxb-drill"))
    message = Message("d8.s.1", "d8", "internal", "[DRILL]", "[DRILL] by the API", "#room")
    taken = send(Channels(slack_api=api), message)
    assert taken["slack"].evidence.startswith("Slack answered 200: ok, ts 1")
    posted = next(each for each in read(stack, "slack") if each["via"] == "chat.postMessage")
    assert (posted["channel"], posted["text"]) == ("#room", "[DRILL] by the API")

"""Slack's two ways in, over real sockets."""

from dataclasses import dataclass

import anyio
import pytest
from pydantic import SecretStr

from drill.errors import BadInput
from experiments.comms.build import build
from experiments.comms.ports import Acceptance, Message, NotAccepted
from experiments.comms.slack import LONGEST_CHARACTERS, SlackPost, SlackWebhook, written
from experiments.environment_parts import Channels, SlackApi
from tests.experiments.comms.servers import Web, listening

TOKEN = "xoxb-very-secret"
MESSAGE = Message("d.1", "d", "internal", "[DRILL] s", "[DRILL] s\nit is down", "#room")


@dataclass
class Sent:
    """What came of one post."""

    taken: Acceptance | None
    error: NotAccepted | None

    @property
    def words(self) -> str:
        """Everything it says."""
        return f"{self.taken!r} {self.error!r} {self.error}"


def post(web: Web, *, api: bool = False, message: Message = MESSAGE) -> Sent:
    """Post once to *web*, as a drill does on asyncio."""

    async def main() -> Sent:
        async with listening(web):
            settings = SlackApi(url=web.url, token=SecretStr(TOKEN))
            channel = SlackPost(settings) if api else SlackWebhook(web.url)
            try:
                return Sent(await channel.send(message), None)
            except NotAccepted as error:
                return Sent(None, error)

    return anyio.run(main)


def test_a_webhook_gets_the_text_and_its_ok_is_the_evidence() -> None:
    """Only 200 with the body `ok` is an acceptance, and it is quoted."""
    web = Web()
    sent = post(web)
    assert sent.taken == Acceptance("Slack answered 200: ok")
    assert [(first, body) for first, _, body in web.asked] == [
        ("POST /services/T000/B000/hook-secret HTTP/1.1", {"text": MESSAGE.text})
    ]


@pytest.mark.parametrize(
    ("status", "body", "again"),
    [
        (200, b"no_text", False),
        (200, b"", False),
        (404, b"no_service", False),
        (429, b"rate_limited", True),
        (503, b"", True),
    ],
)
def test_anything_but_ok_is_no_acceptance(status: int, body: bytes, again: bool) -> None:
    """A refusal carries Slack's own word, and says whether another attempt may help."""
    sent = post(Web(status=status, body=body))
    assert sent.error is not None
    assert sent.error.again is again
    assert f"{status}: {body.decode()}" in sent.words


def test_chat_post_message_is_accepted_by_ok_true_and_its_time_stamp() -> None:
    """The token goes in the header, the channel is the playbook's, `ts` is the evidence."""
    web = Web(body=b'{"ok": true, "ts": "1503435956.000247", "channel": "C1"}')
    sent = post(web, api=True)
    assert sent.taken == Acceptance("Slack answered 200: ok, ts 1503435956.000247")
    _, fields, body = web.asked[0]
    assert fields["authorization"] == f"Bearer {TOKEN}"
    assert body == {"channel": "#room", "text": MESSAGE.text}


@pytest.mark.parametrize(
    ("status", "body", "again"),
    [
        (200, b'{"ok": false, "error": "channel_not_found"}', False),
        (200, b'{"ok": false, "error": "ratelimited"}', True),
        (200, b'{"ok": "true"}', False),
        (200, b"ok", False),
        (500, b'{"ok": true}', True),
    ],
)
def test_chat_post_message_is_refused_by_anything_else(
    status: int, body: bytes, again: bool
) -> None:
    """Slack answers 200 also to what it refuses; only `ok: true` counts."""
    sent = post(Web(status=status, body=body), api=True)
    assert sent.taken is None
    assert sent.error is not None
    assert sent.error.again is again


def test_chat_post_message_needs_a_channel() -> None:
    """Without a channel nothing is sent, and the reason is plain."""
    web = Web()
    sent = post(web, api=True, message=Message("d.1", "d", "internal", "s", "t"))
    assert "names no Slack channel" in sent.words
    assert web.asked == []


def test_no_redirect_is_followed() -> None:
    """A message goes to the address of the environment and to no other."""
    other = Web()

    async def main() -> None:
        async with listening(other):
            web = Web(status=307, headers=f"location: {other.url}\r\n", body=b"ok")
            async with listening(web):
                with pytest.raises(NotAccepted, match="307"):
                    await SlackWebhook(web.url).send(MESSAGE)
                assert len(web.asked) == 1

    anyio.run(main)
    assert other.asked == []


def test_a_proxy_of_the_process_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process's environment says about proxies does not move a message elsewhere."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(Web()).taken is not None


@pytest.mark.parametrize("api", [False, True])
def test_a_server_that_repeats_a_secret_is_not_quoted_on_it(api: bool) -> None:
    """Neither the hook's address nor the token gets into a reason or an evidence."""
    web = Web(status=400)
    told = f"no hook at /services/T000/B000/hook-secret for {TOKEN}"
    web.body = f'{{"ok": false, "error": "{told}"}}'.encode() if api else told.encode()
    sent = post(web, api=api)
    assert "hook-secret" not in sent.words
    assert not api or TOKEN not in sent.words
    assert "[secret]" in sent.words


@pytest.mark.parametrize("token", ["xoxb-\nsecret", "xoxb-s\u20accret"])
def test_a_token_that_is_no_header_is_refused_unseen(token: str) -> None:
    """The words of HTTP's own error quote the header; ours do not."""
    web = Web()

    async def main() -> None:
        async with listening(web):
            api = SlackApi(url=web.url, token=SecretStr(token))
            with pytest.raises(NotAccepted) as caught:
                await SlackPost(api).send(MESSAGE)
        assert "xoxb" not in str(caught.value)
        assert not caught.value.again
        assert web.asked == []

    anyio.run(main)


def test_nobody_listening_is_worth_another_attempt() -> None:
    """No connection says so, without the address."""

    async def main() -> None:
        with pytest.raises(NotAccepted, match="did not answer: no connection") as caught:
            await SlackWebhook("http://127.0.0.1:1/hook-secret").send(MESSAGE)
        assert caught.value.again
        assert "hook-secret" not in str(caught.value)

    anyio.run(main)


@pytest.mark.parametrize("url", ["hooks.slack.com/secret", "ftp://x/secret", "http://[secret"])
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    """The field is named, its secret value is not."""
    with pytest.raises(BadInput, match=r"channels\.slack") as caught:
        build(Channels(slack=SecretStr(url)))
    assert "secret" not in str(caught.value).replace("it is secret", "")


def test_no_fact_can_ping_a_whole_channel() -> None:
    """Slack's control sequences are written as plain text, and a text has an end."""
    message = Message("d", "d", "internal", "s", "<!channel> & co")
    assert written(message) == "&lt;!channel&gt; &amp; co"
    long = Message("d", "d", "internal", "s", "x" * 5000)
    assert len(written(long)) == LONGEST_CHARACTERS + len("...")


def test_a_webhook_shows_nothing_of_its_address() -> None:
    """What is printed of it, in a traceback or a log, is no key to the channel."""
    shown = repr(SlackWebhook("https://hooks.example/services/T000/B000/hook-secret"))
    assert shown == "SlackWebhook(...)"


def test_only_named_channels_are_built() -> None:
    """An environment without channels gives none, and the API is preferred to the hook."""
    assert build(None) == {}
    assert build(Channels()) == {}
    both = Channels(slack=SecretStr("http://h/x"), slack_api=SlackApi(token=SecretStr("t")))
    assert isinstance(build(both)["slack"], SlackPost)
    assert "http" not in repr(build(both))

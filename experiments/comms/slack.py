"""
Slack's two ways in: an incoming webhook, and chat.postMessage.

Neither follows a redirect or reads a proxy from the environment: `validators.probes.wire` sends one
request to the address it is given and to nowhere else.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from pydantic import JsonValue

from drill.errors import BadInput
from experiments.comms.ports import Acceptance, Message, NotAccepted, plain
from experiments.environment_parts import SlackApi
from validators.probes import wire

LONGEST_CHARACTERS = 3000
OK, TOO_MANY, SERVER_ERRORS = 200, 429, 500
# Slack answers 200 also to what it refuses; only these are worth another attempt.
TRANSIENT = frozenset(
    {"fatal_error", "internal_error", "ratelimited", "rate_limited", "request_timeout"}
    | {"service_unavailable", "team_added_to_org"}
)


class SlackWebhook:
    """
    Posts to an incoming webhook; the hook itself decides on the channel.

    Args:
        url: The whole secret address.

    Raises:
        BadInput: It is no address of a webhook; the message does not show it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._secrets = _secrets_of(url, "channels.slack")

    def __repr__(self) -> str:
        return "SlackWebhook(...)"

    async def send(self, message: Message) -> Acceptance:
        answer = await _post(self._url, {}, {"text": written(message)})
        said = plain(answer.body.decode("utf-8", "replace"), self._secrets)
        if answer.status != OK or answer.body.strip() != b"ok":
            raise NotAccepted(f"Slack answered {answer.status}: {said}", again=_again(answer))
        return Acceptance(f"Slack answered {answer.status}: {said}")


class SlackPost:
    """
    Posts by chat.postMessage to the channel that the playbook names.

    Raises:
        BadInput: The address is none; the message does not show it.
    """

    def __init__(self, api: SlackApi) -> None:
        self._url = api.url
        self._token = api.token.get_secret_value()
        self._secrets = (*_secrets_of(api.url, "channels.slack_api.url"), self._token)

    def __repr__(self) -> str:
        return "SlackPost(...)"

    async def send(self, message: Message) -> Acceptance:
        if not message.to:
            raise NotAccepted("the playbook names no Slack channel for this", again=False)
        answer = await _post(
            self._url,
            {"Authorization": f"Bearer {self._token}"},
            {"channel": message.to, "text": written(message)},
        )
        body = answer.json()
        fields: dict[str, JsonValue] = body if isinstance(body, dict) else {}
        if answer.status != OK or fields.get("ok") is not True:
            error = str(fields.get("error") or "no answer of Slack's")
            said = plain(error, self._secrets)
            raise NotAccepted(
                f"Slack answered {answer.status}: {said}",
                again=_again(answer) or error in TRANSIENT,
            )
        stamp = plain(str(fields.get("ts") or "without a time stamp"), self._secrets)
        return Acceptance(f"Slack answered {answer.status}: ok, ts {stamp}")


def written(message: Message) -> str:
    """The text as Slack wants it: no control sequence (`<!channel>`) can come from a fact."""
    text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text if len(text) <= LONGEST_CHARACTERS else f"{text[:LONGEST_CHARACTERS]}..."


async def _post(url: str, headers: dict[str, str], body: dict[str, JsonValue]) -> wire.Answer:
    try:
        return await wire.request("POST", url, headers, body)
    except wire.NoAnswer as error:
        raise NotAccepted(f"Slack did not answer: {error}", again=True) from None
    except BadInput:
        # Its own words quote the header, and with it the token.
        raise NotAccepted("the address or the token cannot be sent by HTTP", again=False) from None


def _again(answer: wire.Answer) -> bool:
    return answer.status == TOO_MANY or answer.status >= SERVER_ERRORS


def _secrets_of(url: str, field: str) -> Sequence[str]:
    """What of an address must not be shown: all of it, its path, and the path's last part."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadInput(f"{field}: this is no http:// or https:// address (not shown: it is secret)")
    return (url, parts.path, parts.path.rpartition("/")[2], parts.query)

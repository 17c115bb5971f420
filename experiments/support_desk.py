"""Where a customer of a drill writes to: the environment's own support channel, by HTTP."""

import anyio
import httpx
import msgspec

from drill.errors import DrillError

SEND_LIMIT_S = 5.0
CUSTOMER = "customer@drill.invalid"
"""A name that can belong to nobody, so that no answer reaches a stranger."""
ANSWER_LIMIT = 4096


class ReportFailed(DrillError):
    """The support channel did not take a customer's report."""


class _Taken(msgspec.Struct, frozen=True):
    id: str = ""


class SupportDesk:
    """
    Writes as a customer.

    Args:
        url: Takes `{from, subject, text}` by POST; the same address lists what was written. None
            where there is no such channel.

        drill: The drill's id, which marks the report as a drill's.
    """

    def __init__(self, url: str | None, drill: str) -> None:
        self._url = url
        self._drill = drill

    async def report(self, text: str) -> str:
        """
        Write to support.

        Returns:
            The channel's own answer: its status, and the report's id there.

        Raises:
            ReportFailed: It was not taken.
        """
        if self._url is None:
            raise ReportFailed("the environment has no channel for customers")
        body = {"from": CUSTOMER, "subject": f"[drill {self._drill}] a report", "text": text}
        try:
            with anyio.fail_after(SEND_LIMIT_S):
                async with httpx.AsyncClient(
                    trust_env=False,
                    timeout=None,  # noqa: S113 - the limit is around it
                ) as client:
                    answer = await client.post(self._url, json=body)
        except TimeoutError:
            raise ReportFailed(f"support did not answer within {SEND_LIMIT_S:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ReportFailed(f"support cannot be reached ({type(error).__name__})") from None
        if not answer.is_success:
            raise ReportFailed(f"support answered {answer.status_code} to a customer's report")
        return f"support answered {answer.status_code}{_named(answer.content[:ANSWER_LIMIT])}"


def _named(body: bytes) -> str:
    try:
        taken = msgspec.json.decode(body, type=_Taken)
    except (msgspec.MsgspecError, UnicodeError):
        return ""
    return f", message {taken.id}" if taken.id else ""

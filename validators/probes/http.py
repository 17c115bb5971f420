"""Looks at a feature by HTTP: every look on a new connection, nothing retried, nothing cached."""

import secrets
from urllib.parse import quote, urlsplit

import anyio
from pydantic import JsonValue

from drill.verdict import Health
from validators.probes import wire
from validators.probes.schedule import Seen
from validators.probes.specs import NONCE, Expect, HttpProbe, HttpStep, fill

SHOWN = 40
TOO_MANY = 429


class HttpLook:
    """
    Looks as an `HttpProbe` says.

    A kept connection that went stale fails once through nobody's fault, and a retry would hide
    real faults: so no connection is kept from one request to the next. The total deadline is the
    runner's.
    """

    def __init__(self, spec: HttpProbe, base_url: str) -> None:
        self._spec = spec
        self._base_url = base_url.rstrip("/")

    def __repr__(self) -> str:
        return f"HttpLook({self._spec!r}, {self._base_url!r})"

    async def close(self) -> None:
        """Nothing is kept between looks."""

    async def look(self) -> Seen:
        """Do all steps, up to the first that is not as expected."""
        began = anyio.current_time()
        names = {NONCE: secrets.token_hex(8)}
        for step in self._spec.http:
            seen = await self._do(step, names)
            if seen:
                return seen
        took_s = anyio.current_time() - began
        if self._spec.slow_after is not None and took_s > self._spec.slow_after:
            return Seen(Health.DEGRADED, f"took {took_s:.3f} s")
        return Seen(Health.OK)

    async def _do(self, step: HttpStep, names: dict[str, str]) -> Seen | None:
        """Do one step and keep what it saves in *names*; None if all is well."""
        url = str(fill(step.url, {key: quote(text, safe="") for key, text in names.items()}))
        what = f"{step.method} {urlsplit(url).path}"
        try:
            answer = await wire.request(
                step.method,
                url if url.startswith("http") else self._base_url + url,
                {key: value.get_secret_value() for key, value in step.headers.items()},
                fill(step.body, names),
            )
        except wire.NoAnswer as error:
            return Seen(Health.DOWN, f"{what}: {error}")
        body = answer.json()
        bad = self._refusal(what, answer.status, body)
        bad = bad or _unexpected(what, step.expect, answer.status, body, names)
        if bad:
            return bad
        for name, path in step.save.items():
            found = at_path(body, path)
            if isinstance(found, bool) or not isinstance(found, str | int | float):
                return Seen(Health.DOWN, f"{what} answered without '{path}'")
            names[name] = str(found)
        return None

    def _refusal(self, what: str, status: int, body: JsonValue) -> Seen | None:
        """The answer as a limit or a polite refusal; None if it is neither."""
        if status == TOO_MANY:
            return Seen(Health.LIMITED, f"{what} answered 429")
        polite = self._spec.degraded_when
        if not polite or status not in polite.status:
            return None
        if all(at_path(body, path) == value for path, value in polite.json_.items()):
            return Seen(Health.DEGRADED, f"{what} answered {status}, a clear refusal")
        return None


def at_path(body: JsonValue, path: str) -> JsonValue:
    """What is at a dotted path (`data.0.id`) of a JSON value; None if there is nothing."""
    for part in path.split("."):
        if isinstance(body, dict):
            body = body.get(part)
        elif isinstance(body, list) and part.isdigit() and int(part) < len(body):
            body = body[int(part)]
        else:
            return None
    return body


def _unexpected(
    what: str, expect: Expect, status: int, body: JsonValue, names: dict[str, str]
) -> Seen | None:
    if status not in expect.status:
        return Seen(Health.DOWN, f"{what} answered {status}")
    for path, template in expect.json_.items():
        wanted, found = fill(template, names), at_path(body, path)
        if found == wanted:
            continue
        if template == f"{{{NONCE}}}":
            return Seen(Health.DOWN, f"wrote {_short(wanted)}, read back {_short(found)}")
        return Seen(Health.DOWN, f"{what}: {path} is {_short(found)}, expected {_short(wanted)}")
    return None


def _short(value: JsonValue) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."

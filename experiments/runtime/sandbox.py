"""
Faults of the Paystack sandbox, by its control port: leases that are refreshed while they are ours.

The token is read from the environment's file by whoever needs it. No other process need heal: a
lease that nobody refreshes is over after 3 s by the sandbox's own clock, and a name that was ended
is never begun again there, however late a refresh arrives.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote

import anyio
import httpx
import msgspec
from pydantic import SecretStr

from drill.errors import BadInput, Unsure
from drill.events import Remaining
from experiments.runtime.shapes import Imposed

log = logging.getLogger(__name__)
REFRESH_S = 1.0
ANSWER_LIMIT_S = 2.0
SAID_LIMIT = 200
NOT_LISTED = "no fault "


class _Told(msgspec.Struct):
    met: int
    bit: int
    bit_since_s: float | None = None


class _Ended(msgspec.Struct):
    bit: int | None = None


class SandboxControl:
    """
    The control port of one sandbox.

    Args:
        control: Its address.

        token: What lets us in.
    """

    def __init__(self, control: str, token: SecretStr) -> None:
        self._control = control.rstrip("/")
        self._token = token
        self._tls = ssl.create_default_context()  # read once: a request every second is made
        self._kept: dict[str, asyncio.Task[None]] = {}

    @property
    def held(self) -> Sequence[str]:
        """Names of the faults that are refreshed."""
        return tuple(self._kept)

    async def impose(self, name: str, body: str) -> None:
        """Bring a fault into force and keep it there."""
        await self._ask("PUT", name, body)
        if name not in self._kept:
            self._kept[name] = asyncio.create_task(self._keep(name, body))

    async def lift(self, name: str) -> int | None:
        """End a fault; how often it bit, None if it was not in force."""
        self._forget(name)
        answer = await self._ask("DELETE", name)
        return msgspec.json.decode(answer.content, type=_Ended).bit

    async def imposed(self, name: str) -> Imposed | None:
        """The fault as the sandbox lists it, None if it does not."""
        answer = await self._ask("GET", name)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        told = msgspec.json.decode(answer.content, type=_Told)
        since = told.bit_since_s
        # Counted back from the answer's arrival, and so never before it bit.
        bit_at = None if since is None else anyio.current_time() - since
        return Imposed(met=told.met, bit=told.bit, bit_at=bit_at)

    def close(self) -> None:
        """Refresh nothing any more."""
        for name in self.held:
            self._forget(name)

    def _forget(self, name: str) -> None:
        task = self._kept.pop(name, None)
        if task is not None:
            task.cancel()

    async def _keep(self, name: str, body: str) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                await self._ask("PUT", name, body)
            except Unsure as error:  # The next second asks again; a lease that ended is begun anew.
                log.warning("%s is not refreshed: %s", name, error)

    async def _ask(self, method: str, name: str, body: str | None = None) -> httpx.Response:
        url = f"{self._control}/faults/{quote(name, safe='')}"
        headers = {"authorization": f"Bearer {self._token.get_secret_value()}"}
        try:
            async with httpx.AsyncClient(
                verify=self._tls, timeout=ANSWER_LIMIT_S, trust_env=False
            ) as client:
                answer = await client.request(method, url, headers=headers, content=body)
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            raise Unsure(f"{method} {url} of the sandbox's control port: {said}") from None
        # Any other server's 404 would say that a fault is gone.
        absent = answer.status_code == HTTPStatus.NOT_FOUND and NOT_LISTED in answer.text
        if not answer.is_success and not absent:
            told = f"{answer.status_code} {answer.text[:SAID_LIMIT].strip()}"
            raise Unsure(f"{method} {url} of the sandbox's control port was answered {told}")
        return answer


class Leasing:
    """The part of `DockerStack` that implements `ports.Sandbox`."""

    _sandbox: SandboxControl | None = None

    def use_sandbox(self, control: SandboxControl) -> None:
        """The sandbox whose faults may be asked for."""
        self._sandbox = control

    async def impose(self, name: str, body: str) -> None:
        await self._there().impose(name, body)

    async def lift(self, name: str) -> int | None:
        return await self._there().lift(name)

    async def imposed(self, name: str) -> Imposed | None:
        return await self._there().imposed(name)

    def leases(self) -> Sequence[Remaining]:
        """Faults that are still refreshed."""
        held = self._sandbox.held if self._sandbox else ()
        text = "the sandbox's fault {} is in force; it ends by itself 3 s after the drill"
        return [Remaining(what=text.format(name), command="drill heal") for name in held]

    def end_leases(self) -> None:
        """Refresh nothing any more."""
        if self._sandbox is not None:
            self._sandbox.close()

    def _there(self) -> SandboxControl:
        if self._sandbox is None:
            raise BadInput("this environment has no sandbox; name its control port under `sandbox`")
        return self._sandbox

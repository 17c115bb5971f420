"""
A name server that knows nobody, on the container's own loopback.

Docker's own DNS answers for the names of this stack and forwards all others to the server in the
container's `dns:` setting, which is this one. So no name ever leaves the stack: with the sandbox
stopped, api.paystack.co does not exist here, instead of being the real Paystack. And the answer
"no such name" comes at once on every host, whatever name servers that host has.
"""

from __future__ import annotations

import asyncio
import logging

log = logging.getLogger(__name__)

ADDRESS = ("127.0.0.1", 53)
HEADER_BYTES = 12
# Response, recursion desired and available, code 3: no such name.
NO_SUCH_NAME = b"\x81\x83"
ONE_QUESTION_NO_ANSWER = b"\x00\x01\x00\x00\x00\x00\x00\x00"


def answer(query: bytes) -> bytes | None:
    """The answer "no such name" to *query*; nothing if it is no query at all."""
    end = HEADER_BYTES
    while end < len(query) and query[end]:
        end += query[end] + 1
    end += 5  # the root label, the type and the class
    if end > len(query):
        return None
    return query[:2] + NO_SUCH_NAME + ONE_QUESTION_NO_ANSWER + query[HEADER_BYTES:end]


class NobodyHere(asyncio.DatagramProtocol):
    """Answers every datagram that is a query."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = answer(data)
        if reply is not None:
            self._transport.sendto(reply, addr)  # type: ignore[attr-defined]


async def start() -> None:
    """Listen, or say why not: without it, lookups of unknown names are slow, not wrong."""
    try:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(NobodyHere, local_addr=ADDRESS)
    except OSError as error:
        log.warning("no name server on %s:%d: %s", *ADDRESS, error)


async def _forever() -> None:
    await start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_forever())

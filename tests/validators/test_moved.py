"""Hosts that something of the drill's own stands in for, over real TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.experiments.comms.servers import certificate
from validators import moved

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def standing_in(folder: Path, heard: list[tuple[str, str]]) -> AsyncIterator[str]:
    """A server with a certificate of its own; notes the name asked for in TLS and in HTTP."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder))
    names: list[str] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name or "")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        host = next(line[6:] for line in head.split("\r\n") if line.startswith("host: "))
        heard.append((names[-1] if names else "", host))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_stand_in_is_asked_under_the_real_name(tmp_path: Path) -> None:
    """TLS and HTTP both name the real host, and addresses stay the real ones."""
    heard: list[tuple[str, str]] = []
    async with standing_in(tmp_path, heard) as place:
        resolve = {"api.paystack.co": place}
        async with moved.client(resolve, timeout_s=5.0, base_url="https://api.paystack.co") as web:
            answer = await web.get("/transaction")

    assert (answer.text, str(answer.url)) == ("ok", "https://api.paystack.co/transaction")
    assert heard == [("api.paystack.co", "api.paystack.co")]


async def test_nobody_else_is_believed_without_proof(tmp_path: Path) -> None:
    """A server that only claims to be a host which nothing stands in for is refused."""
    heard: list[tuple[str, str]] = []
    async with (
        standing_in(tmp_path, heard) as place,
        moved.client({"api.paystack.co": place}, timeout_s=5.0) as web,
    ):
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await web.get(f"https://{place}/")

    assert heard == []
